//! More folds than are held at once: the same bits whoever runs the units, and however many at a time.

use std::num::NonZeroUsize;
use std::sync::Arc;

use luthier::core::{Work, persist};
use luthier::prelude::*;
use luthier::tune::{Executor, KFold, Parallelism, Search};

use super::compare;
use super::opaque::Bend;
use crate::data::{metric, pca_and_regression, scene};

/// Metrics as bits, the best candidate, the work, the best model.
type Outcome = (Vec<u64>, usize, Work, String);

fn outcome(search: &Search, data: &DataFrame) -> Outcome {
    let tuned = search.fit(data).unwrap();
    let result = tuned.result;
    let folds = result.candidates.iter().flat_map(|candidate| &candidate.folds);
    let bits = folds.map(|fold| fold.metric.to_bits()).collect();
    (bits, result.best, result.work, persist::model_to_json(tuned.model.as_ref()).unwrap().to_string())
}

fn leave_one_out((pipeline, grid): (Pipeline, ParamGrid), of: RegressionMetric) -> Search {
    let splitter = KFold::new().num_folds(150);
    Search::new(Box::new(pipeline), grid, Box::new(metric(of)), Arc::new(splitter))
}

fn behind_an_opaque_stage() -> (Pipeline, ParamGrid) {
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("bend", Bend::new());
    let pca = pipeline.add("pca", Pca::new().input_col("bent").output_col("components"));
    let lr = pipeline.add("lr", LinearRegression::new().features_col("components"));
    let grid =
        ParamGrid::new().add(pca.at(Pca::K), [2, 4]).add(lr.at(LinearRegression::REG_PARAM), [0.0, 0.1]);
    (pipeline, grid)
}

fn everywhere(search: &Search, data: &DataFrame) {
    let expected = outcome(&search.clone().executor(Arc::new(Serial::new())), data);
    let limits = [1, 3, 8].map(|n| Parallelism::from(NonZeroUsize::new(n).unwrap()));
    for parallelism in limits.into_iter().chain([Parallelism::Auto]) {
        let executors: [Arc<dyn Executor>; 3] =
            [Arc::new(Serial::new()), Arc::new(Rayon::new()), Arc::new(ThreadPool::new())];
        for executor in executors {
            let search = search.clone().executor(executor).parallelism(parallelism);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            for found in [outcome(&search, data), pool.install(|| outcome(&search, data))] {
                // Not by `assert_eq`, which would print thousands of numbers.
                assert!(found == expected, "{search:?}: {:?}, expected {:?}", found.2, expected.2);
            }
        }
    }
}

#[test]
fn the_same_bits_from_any_executor() {
    let data = scene(150, 6, 3);
    for of in [RegressionMetric::Rmse, RegressionMetric::Mae] {
        for pipeline in [pca_and_regression(&[2, 4], &[0.0, 0.1]), behind_an_opaque_stage()] {
            let search = leave_one_out(pipeline, of);
            everywhere(&search, &data);
            let tight = MemoryBudget::Bytes(20 * 8 * 7 * 7);
            everywhere(&search.memory_budget(tight), &data);
        }
    }
}

/// A grid that leaves no choice still has every fold: none is lost between two waves.
#[test]
fn every_fold_is_there_and_agrees() {
    let data = scene(150, 6, 3);
    for pipeline in [pca_and_regression(&[2, 4], &[0.0, 0.1]), behind_an_opaque_stage()] {
        for of in
            [RegressionMetric::Rmse, RegressionMetric::Mse, RegressionMetric::Mae, RegressionMetric::Var]
        {
            let search = leave_one_out(pipeline.clone(), of);
            let folds = search.fit(&data).unwrap().result.candidates.remove(0).folds;
            assert_eq!(folds.iter().map(|fold| fold.fold).collect::<Vec<_>>(), (0..150).collect::<Vec<_>>());
            assert!(folds.iter().all(|fold| fold.metric.is_finite()));
            compare(&search, &data, 1e-9, &format!("{of:?}")).unwrap();
        }
    }
}
