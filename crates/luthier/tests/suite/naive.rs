//! The same computations written down plainly: rows are centred, transformed and scored as the formulas say.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

/// The solution of `a · x = b` by Gaussian elimination with row exchanges.
pub(crate) fn solve(mut a: Array2<f64>, mut b: Array1<f64>) -> Array1<f64> {
    let n = b.len();
    for i in 0..n {
        let pivot = (i..n).max_by(|&p, &q| a[[p, i]].abs().total_cmp(&a[[q, i]].abs())).unwrap();
        for j in 0..n {
            a.swap([i, j], [pivot, j]);
        }
        b.swap(i, pivot);
        for row in i + 1..n {
            let factor = a[[row, i]] / a[[i, i]];
            for j in i..n {
                a[[row, j]] -= factor * a[[i, j]];
            }
            b[row] -= factor * b[i];
        }
    }
    for i in (0..n).rev() {
        let rest: f64 = (i + 1..n).map(|j| a[[i, j]] * b[j]).sum();
        b[i] = (b[i] - rest) / a[[i, i]];
    }
    b
}

/// Eigenvalues in descending order and their vectors as columns, by Jacobi rotations.
pub(crate) fn eigen(mut a: Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    let n = a.nrows();
    let mut vectors = Array2::<f64>::eye(n);
    for _ in 0..60 {
        for (p, q) in (0..n).flat_map(|p| (p + 1..n).map(move |q| (p, q))) {
            if a[[p, q]] == 0.0 {
                continue;
            }
            let theta = (a[[q, q]] - a[[p, p]]) / (2.0 * a[[p, q]]);
            let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
            let c = 1.0 / t.hypot(1.0);
            let s = t * c;
            for i in 0..n {
                let (x, y) = (a[[i, p]], a[[i, q]]);
                (a[[i, p]], a[[i, q]]) = (c * x - s * y, s * x + c * y);
                let (x, y) = (vectors[[i, p]], vectors[[i, q]]);
                (vectors[[i, p]], vectors[[i, q]]) = (c * x - s * y, s * x + c * y);
            }
            for i in 0..n {
                let (x, y) = (a[[p, i]], a[[q, i]]);
                (a[[p, i]], a[[q, i]]) = (c * x - s * y, s * x + c * y);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[[j, j]].total_cmp(&a[[i, i]]));
    (order.iter().map(|&i| a[[i, i]]).collect(), vectors.select(Axis(1), &order))
}

/// Mean of each column.
pub(crate) fn means(x: ArrayView2<'_, f64>) -> Array1<f64> {
    x.mean_axis(Axis(0)).unwrap()
}

/// `Σ (x − x̄)² / (n − ddof)` of each column.
pub(crate) fn variances(x: ArrayView2<'_, f64>, ddof: f64) -> Array1<f64> {
    (&x - &means(x)).mapv(|d| d * d).sum_axis(Axis(0)) / (x.nrows() as f64 - ddof)
}

/// What a standard scaler learns and does.
pub(crate) struct Scaler {
    pub(crate) mean: Array1<f64>,
    pub(crate) std: Array1<f64>,
}

impl Scaler {
    pub(crate) fn fit(x: ArrayView2<'_, f64>, with_mean: bool) -> Self {
        let mean = if with_mean { means(x) } else { Array1::zeros(x.ncols()) };
        Self { mean, std: variances(x, 1.0).mapv(f64::sqrt) }
    }

    pub(crate) fn transform(&self, x: ArrayView2<'_, f64>) -> Array2<f64> {
        (&x - &self.mean) / &self.std
    }
}

/// The leading `k` eigenvectors of the sample covariance.
pub(crate) fn components(x: ArrayView2<'_, f64>, k: usize) -> Array2<f64> {
    let centred = &x - &means(x);
    let (_, vectors) = eigen(centred.t().dot(&centred) / (x.nrows() as f64 - 1.0));
    vectors.select(Axis(1), &(0..k).collect::<Vec<_>>())
}

/// Coefficients and intercept of Spark's ridge regression: `λ / (2 s_y) · Σ (s_j β_j)²` beside half the mean
/// squared error, all deviations those of the population.
pub(crate) fn ridge(x: ArrayView2<'_, f64>, y: ArrayView1<'_, f64>, reg_param: f64) -> (Array1<f64>, f64) {
    let n = x.nrows() as f64;
    let (x_mean, y_mean) = (means(x), y.mean().unwrap());
    let (xc, yc) = (&x - &x_mean, &y - y_mean);
    let label_std = (yc.dot(&yc) / n).sqrt();
    let penalty = variances(x, 0.0) * (reg_param / label_std);
    let system = xc.t().dot(&xc) / n + Array2::from_diag(&penalty);
    let coefficients = solve(system, xc.t().dot(&yc) / n);
    let intercept = y_mean - coefficients.dot(&x_mean);
    (coefficients, intercept)
}

/// Coefficients and intercept of Spark's elastic net, `(reg_param, elastic_net_param)`, by coordinate descent in
/// standardised units until nothing changes any more.
pub(crate) fn elastic_net(
    x: ArrayView2<'_, f64>,
    y: ArrayView1<'_, f64>,
    (reg_param, elastic_net_param): (f64, f64),
) -> (Array1<f64>, f64) {
    let n = x.nrows() as f64;
    let (x_mean, y_mean) = (means(x), y.mean().unwrap());
    let (x_std, y_std) = (variances(x, 0.0).mapv(f64::sqrt), y.std(0.0));
    let (z, t) = ((&x - &x_mean) / &x_std, (&y - y_mean) / y_std);
    let (gram, target) = (z.t().dot(&z) / n, z.t().dot(&t) / n);
    let penalty = reg_param / y_std;
    let (l1, l2) = (penalty * elastic_net_param, penalty * (1.0 - elastic_net_param));
    let mut b = Array1::<f64>::zeros(x.ncols());
    for _ in 0..20_000 {
        let before = b.clone();
        for j in 0..b.len() {
            let slope = target[j] - gram.row(j).dot(&b) + gram[[j, j]] * b[j];
            b[j] = slope.signum() * (slope.abs() - l1).max(0.0) / (gram[[j, j]] + l2);
        }
        if b == before {
            break;
        }
    }
    let coefficients = b * y_std / &x_std;
    let intercept = y_mean - coefficients.dot(&x_mean);
    (coefficients, intercept)
}

/// rmse, mean absolute error and r2 of predictions.
pub(crate) fn scores(label: ArrayView1<'_, f64>, prediction: ArrayView1<'_, f64>) -> [f64; 3] {
    let residuals = &label - &prediction;
    let centred = &label - label.mean().unwrap();
    let n = label.len() as f64;
    let squares = residuals.dot(&residuals);
    [(squares / n).sqrt(), residuals.mapv(f64::abs).sum() / n, 1.0 - squares / centred.dot(&centred)]
}

#[test]
fn the_plain_computations_are_right() {
    let a = ndarray::array![[4.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 2.0]];
    let x = solve(a.clone(), ndarray::array![9.0, 10.0, 8.0]);
    assert!((a.dot(&x) - ndarray::array![9.0, 10.0, 8.0]).iter().all(|d| d.abs() < 1e-13), "{x}");
    let (values, vectors) = eigen(a.clone());
    let back = vectors.dot(&Array2::from_diag(&values)).dot(&vectors.t());
    assert!((back - a).iter().all(|d| d.abs() < 1e-13));
    assert!((values.sum() - 9.0).abs() < 1e-13 && values[0] > values[1] && values[1] > values[2]);
}
