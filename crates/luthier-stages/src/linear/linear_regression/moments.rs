use luthier_core::linalg::{matmul, triangular_factor};
use ndarray::{Array1, Array2, Axis, concatenate, s};

/// Weighted second moments of features and label about their means: all that squared error needs of the rows.
#[derive(Debug, Clone)]
pub(crate) struct NormalEquations {
    /// Number of rows, whatever their weights.
    pub(crate) rows: u64,
    /// `W = Σ w`.
    pub(crate) weight_sum: f64,
    /// `Σ w²`.
    pub(crate) weight_sq_sum: f64,
    /// `μ = Σ w x / W`, one entry a feature.
    pub(crate) x_mean: Array1<f64>,
    /// `ȳ = Σ w y / W`.
    pub(crate) y_mean: f64,
    /// `Σ w (x−μ)(x−μ)ᵀ`, features × features, both triangles.
    pub(crate) xx: Array2<f64>,
    /// `Σ w (x−μ)(y−ȳ)`.
    pub(crate) xy: Array1<f64>,
    /// `Σ w (y−ȳ)²`.
    pub(crate) yy: f64,
}

/// The same information as a triangular factor, which keeps twice the digits:
/// `RᵀR = Σ w (z−μ)(z−μ)ᵀ` for `z = [features, label]`.
#[derive(Debug, Clone)]
pub(crate) struct Factor {
    /// Number of rows, whatever their weights.
    pub(crate) rows: u64,
    /// `W = Σ w`.
    pub(crate) weight_sum: f64,
    /// `Σ w²`.
    pub(crate) weight_sq_sum: f64,
    /// Means of the features, then of the label.
    pub(crate) mean: Array1<f64>,
    /// `R`, upper triangular (or trapezoidal), at most features + 1 rows and exactly features + 1 columns.
    pub(crate) r: Array2<f64>,
}

impl NormalEquations {
    /// Number of features.
    pub(crate) fn features(&self) -> usize {
        self.x_mean.len()
    }

    pub(super) fn is_finite(&self) -> bool {
        let rest = self.x_mean.iter().chain(&self.xy).chain([&self.y_mean, &self.yy]);
        self.xx.iter().all(|v| v.is_finite()) && rest.copied().all(f64::is_finite)
    }

    /// Second moments about zero instead of the means: what a fit without intercept works on.
    pub(super) fn about_zero(&self) -> (Array2<f64>, Array1<f64>, f64) {
        let (w, mu, y) = (self.weight_sum, &self.x_mean, self.y_mean);
        let xx = Array2::from_shape_fn(self.xx.dim(), |(i, j)| self.xx[[i, j]] + w * (mu[i] * mu[j]));
        let xy = Array1::from_shape_fn(mu.len(), |i| self.xy[i] + w * (mu[i] * y));
        (xx, xy, self.yy + w * (y * y))
    }
}

impl Factor {
    /// Number of features.
    pub(crate) fn features(&self) -> usize {
        self.mean.len().saturating_sub(1)
    }

    /// The factor of the second moments about zero: the mean enters as one more row `√W μᵀ`.
    pub(super) fn about_zero(&self) -> Array2<f64> {
        let row = (&self.mean * self.weight_sum.sqrt()).insert_axis(Axis(0));
        match concatenate(Axis(0), &[self.r.view(), row.view()]) {
            Ok(stacked) => triangular_factor(stacked.view()),
            Err(_) => self.r.clone(),
        }
    }

    /// The moments that this factor stands for.
    pub(crate) fn normal_equations(&self) -> NormalEquations {
        let d = self.features();
        let gram = matmul(self.r.t(), self.r.view());
        NormalEquations {
            rows: self.rows,
            weight_sum: self.weight_sum,
            weight_sq_sum: self.weight_sq_sum,
            x_mean: self.mean.slice(s![..d]).to_owned(),
            y_mean: self.mean[d],
            xx: gram.slice(s![..d, ..d]).to_owned(),
            xy: gram.slice(s![..d, d]).to_owned(),
            yy: gram[[d, d]],
        }
    }
}
