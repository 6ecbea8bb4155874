//! Frames that the tests search on.

use luthier::prelude::*;
use ndarray::{Array1, Array2};

/// Numbers that are the same everywhere: the linear congruential generator of Knuth's MMIX.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Between −0.5 and 0.5.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }
}

/// Independent features of growing spread, and a noisy linear label.
pub(crate) fn scene(rows: usize, features: usize, partitions: usize) -> DataFrame {
    let mut random = Random::new(7);
    let x = Array2::from_shape_fn((rows, features), |(_, j)| random.uniform() * (1.0 + j as f64 / 10.0));
    let label = x.rows().into_iter().map(|row| row.sum() + 3.0 * random.uniform()).collect();
    DataFrame::from_ndarray(x, label).unwrap().repartition(partitions).unwrap()
}

/// The diabetes data as they are read: `label`, `weight`, `fold` and the features `x0` to `x9`.
pub(crate) fn diabetes_columns() -> DataFrame {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/diabetes.csv");
    DataFrame::read_csv(path, &CsvOptions::new()).unwrap()
}

/// The names of the features of the diabetes data.
pub(crate) fn diabetes_features() -> Vec<String> {
    (0..10).map(|j| format!("x{j}")).collect()
}

/// The diabetes data with the vector column `features`.
pub(crate) fn diabetes() -> DataFrame {
    let assembler = VectorAssembler::new().input_cols(diabetes_features());
    assembler.transform(&diabetes_columns()).unwrap()
}

/// Features, label and fold of every row of the diabetes data.
pub(crate) fn diabetes_arrays() -> (Array2<f64>, Array1<f64>, Vec<i64>) {
    let frame = diabetes();
    let label = frame.column_f64("label").unwrap();
    (frame.vectors("features").unwrap(), label.into(), frame.column_i64("fold").unwrap())
}

/// PCA and linear regression behind it, with the values to try.
pub(crate) fn pca_and_regression(k: &[usize], reg_param: &[f64]) -> (Pipeline, ParamGrid) {
    let mut pipeline = Pipeline::new();
    let pca = pipeline.add("pca", Pca::new().output_col("components"));
    let lr = pipeline.add("lr", LinearRegression::new().features_col("components"));
    let grid = ParamGrid::new()
        .add(pca.at(Pca::K), k.iter().copied())
        .add(lr.at(LinearRegression::REG_PARAM), reg_param.iter().copied());
    (pipeline, grid)
}

/// Scaler, PCA and linear regression, with the values to try.
pub(crate) fn scaler_pca_and_regression(k: &[usize], reg_param: &[f64]) -> (Pipeline, ParamGrid) {
    let mut pipeline = Pipeline::new();
    pipeline.add("scaler", StandardScaler::new().with_mean(true).output_col("scaled"));
    let pca = pipeline.add("pca", Pca::new().input_col("scaled").output_col("components"));
    let lr = pipeline.add("lr", LinearRegression::new().features_col("components"));
    let grid = ParamGrid::new()
        .add(pca.at(Pca::K), k.iter().copied())
        .add(lr.at(LinearRegression::REG_PARAM), reg_param.iter().copied());
    (pipeline, grid)
}

/// A regression evaluator of this metric.
pub(crate) fn metric(metric: RegressionMetric) -> RegressionEvaluator {
    RegressionEvaluator::new().metric(metric)
}

/// Fails unless `found` is within `tolerance` of `expected`, relative to `expected`.
#[track_caller]
pub(crate) fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs();
    assert!(
        error <= tolerance * expected.abs(),
        "{what}: found {found:e}, expected {expected:e}, relative error {:e}",
        error / expected.abs()
    );
}
