//! Units run beside each other: as many as the limit says, never more, and without waiting for each other.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use acme::{MeanModel, Sleepy};
use acme_executor::Crew;
use common::{at_most, frame, parallel_executors, search};
use luthier_core::frame::{Field, Schema};
use luthier_core::{Dataset, Estimator, FitContext, Moments, MomentsSpec, Params, StagePlan};
use luthier_tune::{Event, EventKind, ParamGrid, Rayon, Search, ThreadPool, units_in_flight};
use rayon::prelude::*;

fn in_pool<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
}

/// Seconds from the start of the first unit to the end of the last.
fn span(events: &[Event]) -> f64 {
    let units = || events.iter().filter(|event| event.kind == EventKind::Unit);
    let (start, end) = (units().map(|e| e.start), units().map(|e| e.end));
    end.fold(0.0, f64::max) - start.fold(f64::INFINITY, f64::min)
}

/// Worker, start and end of each unit.
fn times(events: &[Event]) -> Vec<(usize, f64, f64)> {
    let units = events.iter().filter(|event| event.kind == EventKind::Unit);
    units.map(|event| (event.worker, event.start, event.end)).collect()
}

#[test]
fn two_at_a_time_take_half_the_time() {
    let grid = ParamGrid::new().add(Sleepy::SHIFT, (0..16).map(f64::from));
    let data = frame(40, 1, 2);
    for executor in parallel_executors() {
        let search = search(Sleepy::new().millis(40), grid.clone()).executor(executor);
        let events = |n: usize| {
            in_pool(4, || search.clone().parallelism(at_most(n)).fit(&data)).unwrap().result.events
        };
        let ratio = || {
            let (one, two) = (events(1), events(2));
            assert_eq!((units_in_flight(&one), units_in_flight(&two)), (1, 2), "{search:?}");
            span(&two) / span(&one)
        };
        // On a busy machine threads wake up late now and then.
        let best = (0..5).map(|_| ratio()).find(|ratio| *ratio <= 0.55);
        assert!(best.is_some(), "never within 0.55 of the time of one at a time: {search:?}");
    }
}

/// Uses rayon inside: a parallel loop, and a summary that it did not declare.
#[derive(Debug, Clone, Params)]
struct Nested {
    /// Makes candidates differ.
    #[param(default = 0)]
    id: usize,
    /// Whether the summary is declared.
    #[param(default = false)]
    declared: bool,
    /// Steps of a parallel loop of a millisecond each.
    #[param(default = 0)]
    steps: usize,
}

static RUNNING: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn label() -> MomentsSpec {
    MomentsSpec::new(["label"])
}

impl Estimator for Nested {
    const NAME: &'static str = "test.nested";
    type Model = MeanModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<MeanModel> {
        MOST.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
        (0..self.steps).into_par_iter().for_each(|_| thread::sleep(Duration::from_millis(1)));
        let moments = data.summarize::<Moments>(&label());
        (0..self.steps).into_par_iter().for_each(|_| thread::sleep(Duration::from_millis(1)));
        RUNNING.fetch_sub(1, SeqCst);
        moments?;
        Sleepy::new().millis(0).fit(data, ctx)
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Sleepy::new().outputs(schema)
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        if self.declared { StagePlan::opaque().need::<Moments>(label()) } else { StagePlan::opaque() }
    }
}

fn nested(ids: Range<usize>, declared: bool, steps: usize) -> Search {
    let grid = ParamGrid::new().add(Nested::ID, ids);
    search(Nested::new().declared(declared).steps(steps), grid)
}

/// The limit holds in the events and in an independent count; one test, since the count is of the process.
#[test]
fn the_limit_is_reached_and_never_exceeded_when_units_use_rayon() {
    let data = frame(40, 1, 4);
    for limit in 1..=3 {
        for threads in [3, 4] {
            for executor in parallel_executors() {
                let search = nested(0..18, false, 6).executor(executor).parallelism(at_most(limit));
                MOST.store(0, SeqCst);
                let result = in_pool(threads, || search.fit(&data)).unwrap().result;
                let counted = (units_in_flight(&result.events), MOST.load(SeqCst));
                let times = || times(&result.events);
                assert_eq!(counted, (limit, limit), "{search:?} on {threads} threads: {:?}", times());
            }
        }
    }
}

/// A unit that waited for another's summary would hang within seconds.
#[test]
fn units_that_need_one_summary_do_not_hang() {
    let (done, finished) = channel();
    thread::spawn(move || {
        let data = frame(8, 1, 2);
        for threads in 1..=4 {
            for declared in [false, true] {
                let rayon =
                    nested(0..64, declared, 0).executor(Arc::new(Rayon::new())).parallelism(at_most(64));
                in_pool(threads, || (0..125).for_each(|_| drop(rayon.fit(&data).unwrap())));
                let threads_of_its_own =
                    rayon.clone().executor(Arc::new(ThreadPool::new())).parallelism(at_most(8));
                let crew = rayon.executor(Arc::new(Crew::new().threads(8)));
                for search in [threads_of_its_own, crew] {
                    in_pool(threads, || (0..5).for_each(|_| drop(search.fit(&data).unwrap())));
                }
            }
        }
        done.send(()).unwrap();
    });
    finished.recv_timeout(Duration::from_secs(240)).expect("no unit waits for another");
}
