//! Leaving one row out has a closed form, from one fit on all rows: `y_i − ŷ_(−i) = e_i / (1 − w_i h_ii)` (Allen's
//! PRESS residuals), also with a penalty and with weights, if the penalty is that of the fit without the row.

use luthier::prelude::*;
use luthier::tune::{KFold, Splitter};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use proptest::prelude::*;

use super::shape::Shape;
use crate::data::{assert_close, metric, scene};
use crate::naive::solve;

/// A ridge regression in Spark's units.
#[derive(Debug, Clone, Copy)]
struct Ridge {
    reg_param: f64,
    standardization: bool,
}

/// Weighted rows as plain arrays.
struct Rows {
    x: Array2<f64>,
    y: Array1<f64>,
    w: Array1<f64>,
}

fn scaled(x: ArrayView2<'_, f64>, by: &Array1<f64>) -> Array2<f64> {
    &x * &by.view().insert_axis(Axis(1))
}

impl Rows {
    /// `Σ w (x − x̄)² / W` of each column without row `i`, by definition.
    fn variances_without(&self, i: usize) -> (Array1<f64>, f64) {
        let mut w = self.w.clone();
        w[i] = 0.0;
        let total = w.sum();
        let (x_mean, y_mean) = (w.dot(&self.x) / total, w.dot(&self.y) / total);
        let squares = (&self.x - &x_mean).mapv(|d| d * d);
        (w.dot(&squares) / total, w.dot(&(&self.y - y_mean).mapv(|d| d * d)) / total)
    }

    /// The error of row `i` as predicted by the others.
    fn press(&self, i: usize, ridge: Ridge) -> f64 {
        let total = self.w.sum();
        let (x, y) = (&self.x - &(self.w.dot(&self.x) / total), &self.y - self.w.dot(&self.y) / total);
        let (feature_variance, label_variance) = self.variances_without(i);
        let strength = (total - self.w[i]) * ridge.reg_param / label_variance.sqrt();
        let penalty = if ridge.standardization { feature_variance } else { Array1::ones(x.ncols()) };
        let weighted = scaled(x.view(), &self.w);
        let system = x.t().dot(&weighted) + Array2::from_diag(&(penalty * strength));
        let error = y[i] - x.row(i).dot(&solve(system.clone(), weighted.t().dot(&y)));
        let leverage = 1.0 / total + x.row(i).dot(&solve(system, x.row(i).to_owned()));
        error / (1.0 - self.w[i] * leverage)
    }
}

/// What the search leaves of every row, by one fold a row: its absolute error.
fn errors(
    data: &DataFrame,
    ridge: Ridge,
    of: RegressionMetric,
    weighted: bool,
    budget: MemoryBudget,
) -> Vec<f64> {
    let n = data.num_rows() as u32;
    let mut lr = LinearRegression::new().reg_param(ridge.reg_param).standardization(ridge.standardization);
    if weighted {
        lr = lr.weight_col("weight");
    }
    let search =
        CrossValidator::new(lr, ParamGrid::new(), metric(of)).num_folds(n).seed(5).memory_budget(budget);
    let tuned = search.fit(data).unwrap();
    let folds = &tuned.result().candidates[0].folds;
    let split = KFold::new().num_folds(n).split(data, 5).unwrap();
    split.blocks().assignment().iter().map(|&fold| folds[fold as usize].metric).collect()
}

fn rows(data: &DataFrame, weighted: bool) -> Rows {
    let y: Array1<f64> = data.column_f64("label").unwrap().into();
    let w = if weighted { data.column_f64("weight").unwrap().into() } else { Array1::ones(y.len()) };
    Rows { x: data.vectors("features").unwrap(), y, w }
}

/// Compares every row; what is left of a row that is predicted well by chance is rounding of the others' size.
fn check(
    data: &DataFrame,
    ridge: Ridge,
    of: RegressionMetric,
    weighted: bool,
    budget: MemoryBudget,
) -> Result<(), String> {
    let rows = rows(data, weighted);
    let expected: Vec<f64> = (0..rows.y.len()).map(|i| rows.press(i, ridge).abs()).collect();
    let mean = expected.iter().sum::<f64>() / expected.len() as f64;
    for (i, (found, expected)) in
        errors(data, ridge, of, weighted, budget).into_iter().zip(expected).enumerate()
    {
        if (found - expected).abs() > 1e-9 * expected.max(mean) {
            return Err(format!("{ridge:?}, {of:?}, row {i}: found {found:e}, expected {expected:e}"));
        }
    }
    Ok(())
}

fn shape() -> impl Strategy<Value = Shape> {
    let scales = prop::collection::vec(-4..=4, 1..4);
    (any::<u64>(), 10..100usize, 1..6usize, prop::sample::select(vec![0.0, 1.0, 100.0]), scales).prop_map(
        |(seed, rows, features, offset, scales)| Shape {
            seed,
            rows,
            features,
            vector: features,
            offset,
            scales,
            collinear: None,
            noise: 1.0,
            partitions: 2,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// In one pass, and in several where memory is short.
    #[test]
    fn it_is_what_press_residuals_say(
        shape in shape(),
        reg_param in prop::sample::select(vec![0.0, 1e-3, 0.1, 10.0]),
        standardization in any::<bool>(),
        tight in any::<bool>(),
    ) {
        let (data, ridge) = (shape.frame(), Ridge { reg_param, standardization });
        let budget = if tight { MemoryBudget::Bytes(3000) } else { MemoryBudget::Auto };
        for of in [RegressionMetric::Rmse, RegressionMetric::Mae] {
            let outcome = check(&data, ridge, of, false, budget);
            prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
        }
    }
}

/// More folds than are held at once, and rows of unlike weight.
#[test]
fn also_with_weights_and_in_several_waves() {
    let data = scene(150, 6, 3);
    let weight = (0..150).map(|i| 0.25 + f64::from(i % 7)).collect();
    let data = data.with_column("weight", Column::f64(weight)).unwrap();
    for (reg_param, standardization) in [(0.0, true), (0.3, true), (0.3, false)] {
        let ridge = Ridge { reg_param, standardization };
        for of in [RegressionMetric::Rmse, RegressionMetric::Mae] {
            for weighted in [false, true] {
                for budget in
                    [MemoryBudget::Auto, MemoryBudget::Bytes(20 * 8 * 7 * 7), MemoryBudget::Bytes(1)]
                {
                    check(&data, ridge, of, weighted, budget).unwrap();
                }
            }
        }
    }
}

/// The closed form against the definition: a fit on the other rows.
#[test]
fn the_closed_form_is_right() {
    let data = scene(20, 3, 1);
    let rows = rows(&data, false);
    for (reg_param, standardization) in [(0.0, true), (0.5, true)] {
        for i in 0..20 {
            let others: Vec<usize> = (0..20).filter(|&j| j != i).collect();
            let (x, y) = (rows.x.select(Axis(0), &others), rows.y.select(Axis(0), &others));
            let (coefficients, intercept) = crate::naive::ridge(x.view(), y.view(), reg_param);
            let error = rows.y[i] - intercept - rows.x.row(i).dot(&coefficients);
            assert_close(rows.press(i, Ridge { reg_param, standardization }), error, 1e-10, "press");
        }
    }
}
