//! The same bits on every executor, at any parallelism, with any number of threads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::sync::Arc;

use acme_executor::Crew;
use common::{at_most, frame, metrics, scaled_ridge, search};
use luthier_core::{StageHandle, Work};
use luthier_tune::{
    Executor, KFold, MemoryBudget, Parallelism, ParamGrid, Rayon, Search, Serial, Sharing, ThreadPool,
};

/// Everything a search gives but its times: metrics as bits, the best candidate, its model, the work.
fn outcome(search: &Search) -> (Vec<u64>, usize, String, Work) {
    let tuned = search.fit(&frame(150, 4, 3)).unwrap();
    let bits = metrics(&tuned.result).into_iter().map(f64::to_bits).collect();
    (bits, tuned.result.best, tuned.model.state().unwrap().to_string(), tuned.result.work)
}

fn everywhere(search: &Search) {
    let expected = outcome(&search.clone().executor(Arc::new(Serial::new())));
    for n in [1, 2, 3, 8] {
        let executors: [Arc<dyn Executor>; 4] = [
            Arc::new(Serial::new()),
            Arc::new(Rayon::new()),
            Arc::new(ThreadPool::new()),
            Arc::new(Crew::new().threads(n)),
        ];
        for executor in executors {
            let search = search.clone().executor(executor).parallelism(at_most(n));
            assert_eq!(outcome(&search), expected, "{search:?}");
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            assert_eq!(pool.install(|| outcome(&search)), expected, "on {n} rayon threads: {search:?}");
        }
    }
}

#[test]
fn a_pipeline_with_sharing() {
    for behind_log1p in [false, true] {
        let (pipeline, grid) = scaled_ridge(behind_log1p);
        everywhere(&search(pipeline, grid).splitter(Arc::new(KFold::new())));
    }
}

#[test]
fn a_pipeline_without_sharing() {
    let (pipeline, grid) = scaled_ridge(false);
    everywhere(&search(pipeline, grid).sharing(Sharing::Off));
}

/// More folds than are held at once, in one pass and, where memory is short, in several.
#[test]
fn every_row_left_out_once() {
    let rows = 150;
    for behind_log1p in [false, true] {
        let (pipeline, _) = scaled_ridge(behind_log1p);
        let ridge = StageHandle::<acme::Ridge>::new("ridge");
        let grid = ParamGrid::new().add(ridge.at(acme::Ridge::REG_PARAM), [0.0, 0.1]);
        let each_row = search(pipeline, grid).splitter(Arc::new(KFold::new().num_folds(rows)));
        for budget in [MemoryBudget::Auto, MemoryBudget::Bytes(4000)] {
            let search = each_row.clone().memory_budget(budget);
            let expected = outcome(&search);
            assert_eq!(expected.0.len(), 2 * rows as usize);
            for parallelism in [at_most(1), at_most(3), Parallelism::Auto] {
                let executors: [Arc<dyn Executor>; 4] = [
                    Arc::new(Serial::new()),
                    Arc::new(Rayon::new()),
                    Arc::new(ThreadPool::new()),
                    Arc::new(Crew::new().threads(3)),
                ];
                for executor in executors {
                    let search = search.clone().executor(executor).parallelism(parallelism);
                    assert!(outcome(&search) == expected, "{search:?}");
                }
            }
        }
    }
}

#[test]
fn a_stage_that_declares_nothing_and_an_evaluator_that_reads_rows() {
    let grid = ParamGrid::new().add(acme::Sleepy::SHIFT, [0.5, 0.0, -0.5, 2.0]);
    let evaluator = Box::new(acme::MaxError::new());
    let sleepy = Box::new(acme::Sleepy::new().millis(0));
    everywhere(&Search::new(sleepy, grid, evaluator, Arc::new(KFold::new())));
}
