//! What the tests search on, and with.
#![allow(dead_code, reason = "every test program uses a part of it")]

use std::sync::Arc;

use acme_executor::Crew;
use luthier_core::frame::{Column, DataFrame, Schema};
use luthier_core::{
    Dataset, DynEstimator, EvaluationPlan, Evaluator, Moments, MomentsSpec, Params, Pipeline,
};
use luthier_tune::{
    Executor, KFold, Parallelism, ParamGrid, Rayon, Search, SearchResult, Serial, Splitter, ThreadPool,
    TrainRatio,
};
use ndarray::Array2;

/// Root mean squared error, read from moments of label and prediction.
#[derive(Debug, Clone, Params)]
pub(crate) struct Rmse {}

impl Rmse {
    fn spec() -> MomentsSpec {
        MomentsSpec::new(["label", "prediction"])
    }
}

impl Evaluator for Rmse {
    const NAME: &'static str = "test.rmse";

    fn evaluate(&self, predictions: &Dataset) -> anyhow::Result<f64> {
        let moments = predictions.summarize::<Moments>(&Self::spec())?;
        let (scatter, mean) = (moments.scatter(), moments.mean());
        let spread = (scatter[[0, 0]] - 2.0 * scatter[[0, 1]] + scatter[[1, 1]]) / moments.weight_sum();
        Ok((spread + (mean[0] - mean[1]).powi(2)).sqrt())
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        schema.require("label")?;
        schema.require("prediction")?;
        Ok(())
    }

    fn plan(&self, _schema: &Schema) -> EvaluationPlan {
        EvaluationPlan::opaque().derive::<Moments>(Self::spec())
    }

    fn metric(&self) -> String {
        "rmse".to_owned()
    }

    fn is_larger_better(&self) -> bool {
        false
    }
}

/// Features of different scales and a noisy label; the same every time.
pub(crate) fn frame(rows: usize, width: usize, partitions: usize) -> DataFrame {
    let mut state = 1u64;
    let mut uniform = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let features = Array2::from_shape_fn((rows, width), |(_, j)| (uniform() + 0.3) * (1 << j) as f64);
    let label = features.outer_iter().map(|row| row.sum() + 2.0 * row[0] + uniform()).collect();
    let columns = vec![("features", Column::vector(features)), ("label", Column::f64(label))];
    DataFrame::from_columns(columns).unwrap().repartition(partitions).unwrap()
}

pub(crate) fn splitters() -> Vec<Arc<dyn Splitter>> {
    vec![
        Arc::new(TrainRatio::new()),
        Arc::new(KFold::new().num_folds(3)),
        Arc::new(KFold::new().num_folds(7)),
    ]
}

/// Executors that run units beside each other.
pub(crate) fn parallel_executors() -> Vec<Arc<dyn Executor>> {
    vec![Arc::new(Rayon::new()), Arc::new(ThreadPool::new()), Arc::new(Crew::new().threads(8))]
}

pub(crate) fn executors() -> Vec<Arc<dyn Executor>> {
    let mut all = parallel_executors();
    all.push(Arc::new(Serial::new()));
    all
}

pub(crate) fn search(estimator: impl DynEstimator + 'static, grid: ParamGrid) -> Search {
    Search::new(Box::new(estimator), grid, Box::new(Rmse::new()), Arc::new(TrainRatio::new()))
}

pub(crate) fn at_most(n: usize) -> Parallelism {
    Parallelism::fixed(n).unwrap()
}

/// A scaler and a ridge, with four configurations each; optionally behind a transformer that is not affine.
pub(crate) fn scaled_ridge(behind_log1p: bool) -> (Pipeline, ParamGrid) {
    let mut pipeline = Pipeline::new();
    let mut scaler = acme::Scaler::new();
    if behind_log1p {
        pipeline.add_transformer("log1p", acme::Log1p::new());
        scaler = scaler.input_col("logarithms");
    }
    let scaler = pipeline.add("scaler", scaler);
    let ridge = pipeline.add("ridge", acme::Ridge::new().features_col("scaled"));
    let grid = ParamGrid::new()
        .add(scaler.at(acme::Scaler::WITH_MEAN), [true, false])
        .add(scaler.at(acme::Scaler::WITH_STD), [true, false])
        .add(ridge.at(acme::Ridge::REG_PARAM), [0.0, 0.01, 0.1, 1.0]);
    (pipeline, grid)
}

/// Every metric of every fold.
pub(crate) fn metrics(result: &SearchResult) -> Vec<f64> {
    result.candidates.iter().flat_map(|candidate| candidate.folds.iter().map(|fold| fold.metric)).collect()
}

pub(crate) fn assert_close(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= 1e-9 * x.abs(), "{x} differs from {y}");
    }
}
