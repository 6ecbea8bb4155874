//! Searches that are cancelled, run out of time, or have parts that never return.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use luthier::core::frame::{Field, Schema};
use luthier::core::{CancelReason, CancelToken, Dataset, FitContext};
use luthier::prelude::*;
use luthier::tune::strategy::{Seen, Trial};
use luthier::tune::{
    Error, Executor, Job, KFold, Observer, Outcome, Search, SearchEvent, Sink, Split, Splitter, Strategy,
};

use crate::data::scene;

/// Predicts the mean; fitting takes passes over the rows until somebody cancels it, if `passes` is 0.
#[derive(Debug, Clone, Params)]
struct Slow {
    /// How many passes a fit takes; 0 for no end.
    #[param(default = 1)]
    passes: usize,
    /// Whether it fails.
    #[param(default = false)]
    fails: bool,
}

impl Estimator for Slow {
    const NAME: &'static str = "test.slow";
    type Model = PipelineModel;

    fn fit(&self, data: &Dataset, _: &FitContext) -> anyhow::Result<PipelineModel> {
        anyhow::ensure!(!self.fails, "it fails");
        let mut passes = 0;
        while self.passes == 0 || passes < self.passes {
            data.for_each_tile(&["label"], |_| Ok(()))?;
            passes += 1;
        }
        Ok(PipelineModel::new(Vec::new()))
    }

    fn outputs(&self, _: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(Vec::new())
    }
}

/// Any number.
#[derive(Debug, Clone, Params)]
struct Rows {}

impl Evaluator for Rows {
    const NAME: &'static str = "test.rows";

    fn evaluate(&self, predictions: &Dataset) -> anyhow::Result<f64> {
        Ok(predictions.num_rows() as f64)
    }

    fn check_schema(&self, _: &Schema) -> anyhow::Result<()> {
        Ok(())
    }

    fn metric(&self) -> String {
        "rows".to_owned()
    }

    fn is_larger_better(&self) -> bool {
        true
    }
}

const SHORT: Duration = Duration::from_millis(60);

fn search(grid: ParamGrid) -> Search {
    Search::new(Box::new(Slow::new()), grid, Box::new(Rows::new()), Arc::new(KFold::new()))
        .executor(Arc::new(Serial::new()))
}

fn passes(passes: impl IntoIterator<Item = usize>) -> ParamGrid {
    ParamGrid::new().add(Slow::PASSES, passes)
}

/// Lets another thread cancel a while after some units have finished.
#[derive(Debug)]
struct CancelsAfter {
    left: AtomicUsize,
    token: CancelToken,
}

impl Observer for CancelsAfter {
    fn on_event(&self, event: &SearchEvent) {
        let is_last = |left: usize| left == 1;
        if matches!(event, SearchEvent::UnitFinished { .. })
            && is_last(self.left.fetch_sub(1, Ordering::Relaxed))
        {
            let token = self.token.clone();
            thread::spawn(move || {
                thread::sleep(SHORT);
                token.cancel();
            });
        }
    }
}

/// The number of threads of this process whose names begin so.
fn threads(name: &str) -> usize {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|other| other.starts_with(name)).count()
}

#[test]
fn a_cancelled_search_keeps_what_is_scored_on_every_executor() {
    let data = scene(400, 3, 2);
    let executors: [Arc<dyn Executor>; 3] =
        [Arc::new(Serial::new()), Arc::new(ThreadPool::new()), Arc::new(Rayon::new())];
    for executor in executors {
        for parallelism in [1, 3] {
            let token = CancelToken::new();
            let cancel = CancelsAfter { left: AtomicUsize::new(3), token: token.clone() };
            // The last candidate never ends, on any fold.
            let search = search(passes([1, 2, 3, 0]))
                .executor(Arc::clone(&executor))
                .parallelism(Parallelism::fixed(parallelism).unwrap())
                .observe(Arc::new(cancel))
                .cancel_token(token);
            let error = search.fit(&data).unwrap_err();
            let Error::Cancelled { result, reason } = error else { panic!("{executor:?}: {error:?}") };
            assert_eq!(reason, CancelReason::Requested);
            let folds = || result.candidates.iter().flat_map(|candidate| &candidate.folds);
            let scored = folds().filter(|fold| fold.outcome == Outcome::Scored);
            let rows: Vec<f64> = scored.map(|fold| fold.metric).collect();
            assert!(rows.len() >= 3 && rows.iter().all(|rows| (133.0..=134.0).contains(rows)), "{rows:?}");
            assert!(folds().all(|fold| matches!(fold.outcome, Outcome::Scored | Outcome::Cancelled)));
            let last = result.candidates.last().unwrap();
            assert!(last.folds.iter().all(|fold| fold.outcome == Outcome::Cancelled));
            assert_eq!(result.progress().0, rows.len());
            // At most what was running was given up.
            assert!((result.work.fits as usize).saturating_sub(rows.len()) <= parallelism);
        }
    }
    // Other tests of this program may be searching beside this one.
    let mut left = usize::MAX;
    for _ in 0..200 {
        left = threads("luthier-worker");
        if left == 0 {
            break;
        }
        thread::sleep(SHORT);
    }
    assert_eq!(left, 0);
}

#[test]
fn a_search_that_is_cancelled_before_it_starts_fits_nothing() {
    let token = CancelToken::new();
    token.cancel();
    let error = search(passes([1])).cancel_token(token).fit(&scene(60, 3, 1)).unwrap_err();
    let Error::Cancelled { result, .. } = &error else { panic!("{error:?}") };
    assert_eq!((result.work.fits, result.work.rows_read, result.progress()), (0, 0, (0, 3)));
    assert!(error.to_string().contains("0 of 3 pairs"), "{error}");
}

#[test]
fn a_search_that_runs_out_of_time_takes_the_best_so_far() {
    let tuned = search(passes([1, 2, 0])).max_time(SHORT).fit(&scene(90, 3, 1)).unwrap();
    let best = tuned.result.best_candidate().unwrap();
    assert_eq!((best.index, best.scored_folds), (0, 1));
    let note = tuned.result.notes.iter().find(|note| note.note.message.contains("ended early")).unwrap();
    assert!(note.note.message.contains("2 of 9 pairs") && note.note.message.contains("0.06 s"), "{note}");
    // Without any score there is nothing to take.
    let error = search(passes([0])).max_time(SHORT).fit(&scene(90, 3, 1)).unwrap_err();
    let Error::Cancelled { reason, .. } = error else { panic!("{error:?}") };
    assert_eq!(reason, CancelReason::Deadline(SHORT));
}

#[test]
fn a_fit_that_takes_too_long_fails_alone() {
    let tuned = search(passes([1, 0])).max_fit_time(SHORT).fit(&scene(90, 3, 1)).unwrap();
    assert_eq!(tuned.result.best, 0);
    let failed = &tuned.result.candidates[1].folds;
    assert!(failed.iter().all(|fold| fold.outcome == Outcome::Failed));
    let message = failed[0].error.as_ref().unwrap().to_string();
    assert!(message.contains("longer than 0.06 s (max_fit_seconds)"), "{message}");
}

#[test]
fn too_many_failures_end_a_search() {
    let grid = ParamGrid::new().add(Slow::FAILS, [false, true]).add(Slow::PASSES, [1, 2, 3]);
    let tuned = search(grid.clone()).max_failures(9).fit(&scene(90, 3, 1)).unwrap();
    assert_eq!(tuned.result.failures()[0].times, 9);
    let error = search(grid).max_failures(3).fit(&scene(90, 3, 1)).unwrap_err();
    let Error::TooManyFailures { result, limit, .. } = &error else { panic!("{error:?}") };
    // The fourth failure is the first one of the second fold.
    assert_eq!((*limit, result.progress()), (3, (6, 18)));
    let message = error.to_string();
    assert!(message.contains("more than 3 fits failed") && message.contains("it fails"), "{message}");
}

/// Waits until the test program ends.
fn forever() {
    loop {
        thread::sleep(Duration::from_secs(1));
    }
}

#[derive(Debug)]
struct Stuck;

impl Executor for Stuck {
    fn execute(&self, _: Arc<dyn Job>, _: NonZeroUsize, _: &dyn Sink) -> anyhow::Result<()> {
        forever();
        Ok(())
    }
}

impl Splitter for Stuck {
    fn split(&self, _: &DataFrame, _: u64) -> anyhow::Result<Split> {
        forever();
        anyhow::bail!("no split")
    }

    fn num_rounds(&self) -> Option<usize> {
        None
    }
}

impl Strategy for Stuck {
    fn propose(&self, _: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        forever();
        Ok(Vec::new())
    }
}

impl Observer for Stuck {
    fn on_event(&self, event: &SearchEvent) {
        if let SearchEvent::UnitStarted { .. } = event {
            forever();
        }
    }
}

/// Does not listen to anybody.
#[derive(Debug, Clone, Params)]
struct Deaf {}

impl Estimator for Deaf {
    const NAME: &'static str = "test.deaf";
    type Model = PipelineModel;

    fn fit(&self, _: &Dataset, _: &FitContext) -> anyhow::Result<PipelineModel> {
        forever();
        Ok(PipelineModel::new(Vec::new()))
    }

    fn outputs(&self, _: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(Vec::new())
    }
}

#[test]
fn parts_that_never_return_are_named() {
    let data = scene(60, 3, 1);
    let base = || search(passes([1])).max_time(SHORT).grace(SHORT);
    let deaf =
        Search::new(Box::new(Deaf::new()), ParamGrid::new(), Box::new(Rows::new()), Arc::new(KFold::new()));
    let cases = [
        (base().executor(Arc::new(Stuck)), "the executor `Stuck`"),
        (base().splitter(Arc::new(Stuck)), "the splitter `Stuck`"),
        (base().strategy(Arc::new(Stuck)), "the strategy `Stuck`"),
        (base().observe(Arc::new(Stuck)), "the observer `Stuck`"),
        (deaf.max_time(SHORT).grace(SHORT), "the fit of test.deaf"),
    ];
    for (search, part) in cases {
        let error = search.fit(&data).unwrap_err();
        assert!(matches!(error, Error::NotReturned { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.starts_with(part) && message.contains("did not return within 0.06 s"), "{message}");
    }
}

/// Always has another candidate.
#[derive(Debug)]
struct Endless;

impl Strategy for Endless {
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        Ok(vec![Trial::new(luthier::core::ParamMap::new().with("passes", seen.trials.len() as i64 + 1))])
    }
}

#[test]
fn a_strategy_without_end_is_cancelled_also_while_the_search_is_planned() {
    let token = CancelToken::new();
    let search = search(passes([1])).strategy(Arc::new(Endless)).cancel_token(token.clone());
    let cancelling = thread::spawn(move || {
        thread::sleep(SHORT);
        token.cancel();
    });
    let error = search.fit(&scene(60, 3, 1)).unwrap_err();
    cancelling.join().unwrap();
    assert!(matches!(error, Error::Cancelled { .. }), "{error:?}");
}
