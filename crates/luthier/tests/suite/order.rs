//! A slow stage holds up only what follows it.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use luthier::core::frame::{Field, Schema};
use luthier::core::{Dataset, FitContext};
use luthier::prelude::*;
use luthier::tune::executor::run_task;
use luthier::tune::{Error, Event, EventKind, Executor, Job, SearchResult, Sink};

use crate::data::{metric, scene};

static WAS_SLOW: AtomicBool = AtomicBool::new(false);

/// Appends nothing; the first fit of all takes long.
#[derive(Debug, Clone, Params)]
struct SlowOnce {}

impl Estimator for SlowOnce {
    const NAME: &'static str = "test.slow_once";
    type Model = PipelineModel;

    fn fit(&self, _: &Dataset, _: &FitContext) -> anyhow::Result<PipelineModel> {
        if !WAS_SLOW.swap(true, Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(400));
        }
        Ok(PipelineModel::new(Vec::new()))
    }

    fn outputs(&self, _: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(Vec::new())
    }
}

fn search() -> CrossValidator<Pipeline> {
    let mut pipeline = Pipeline::new();
    pipeline.add("slow", SlowOnce::new());
    let lr = pipeline.add("lr", LinearRegression::new());
    let grid = ParamGrid::new().add(lr.at(LinearRegression::REG_PARAM), [0.1, 1.0]);
    CrossValidator::new(pipeline, grid, metric(RegressionMetric::Rmse)).num_folds(4)
}

fn units<'a>(result: &'a SearchResult, stage: &'a str) -> impl Iterator<Item = &'a Event> + 'a {
    result.events.iter().filter(move |event| event.kind == EventKind::Unit && event.stage == stage)
}

fn bits(result: &SearchResult) -> Vec<u64> {
    result.candidates.iter().flat_map(|c| c.folds.iter().map(|fold| fold.metric.to_bits())).collect()
}

/// A thread pool that knows nothing of tasks that follow others.
#[derive(Debug)]
struct Plain;

impl Executor for Plain {
    fn execute(&self, job: Arc<dyn Job>, limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
        assert!((0..job.len()).all(|task| job.follows(task).is_none()));
        ThreadPool::new().execute(job, limit, sink)
    }
}

/// Says that it keeps the order, and runs the last task first.
#[derive(Debug)]
struct Backwards;

impl Executor for Backwards {
    fn execute(&self, job: Arc<dyn Job>, _: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
        (0..job.len()).rev().for_each(|task| sink.report(task, run_task(&*job, task)));
        Ok(())
    }

    fn keeps_order(&self) -> bool {
        true
    }
}

#[test]
fn a_slow_fold_holds_up_only_what_follows_it() {
    let data = scene(200, 4, 2);
    WAS_SLOW.store(false, Ordering::SeqCst);
    let free = search().parallelism(2).unwrap().fit(&data).unwrap();
    let slow = units(free.result(), "slow").max_by(|a, b| a.end.total_cmp(&b.end)).unwrap().clone();
    assert!(slow.end - slow.start > 0.3);
    let before = units(free.result(), "lr").filter(|unit| unit.end < slow.end).count();
    let others = units(free.result(), "lr").filter(|unit| unit.fold != slow.fold).count();
    assert_eq!(before, others, "the other folds are finished while one is slow");
    assert!(
        units(free.result(), "lr").filter(|unit| unit.fold == slow.fold).all(|unit| unit.start >= slow.end)
    );

    // An executor that does not keep the order gets one level after the other, with the same result.
    WAS_SLOW.store(false, Ordering::SeqCst);
    let levels = search().executor(Plain).parallelism(2).unwrap().fit(&data).unwrap();
    let last = units(levels.result(), "slow").map(|unit| unit.end).fold(0.0, f64::max);
    assert!(units(levels.result(), "lr").all(|unit| unit.start >= last));
    assert_eq!(bits(levels.result()), bits(free.result()));
    assert_eq!(levels.result().work, free.result().work);

    let error = search().executor(Backwards).fit(&data).unwrap_err();
    let Error::Executor { name, message } = &error else { panic!("{error:?}") };
    assert!(name.contains("Backwards") && message.contains("which it follows"), "{error}");
}
