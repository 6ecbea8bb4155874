//! How many units are in flight: the limit is reached and never exceeded.

use std::sync::Mutex;

use luthier::prelude::*;
use luthier::tune::{SearchEvent, units_in_flight};

use crate::data::scene;
use crate::probe::{Constant, ONE_AT_A_TIME, SLEEPERS};

fn sleepers() -> (Constant, ParamGrid) {
    (Constant::new().millis(20), ParamGrid::new().add(Constant::VALUE, (0..16).map(f64::from)))
}

fn split() -> TrainValidationSplit<Constant> {
    let (constant, grid) = sleepers();
    TrainValidationSplit::new(constant, grid, RegressionEvaluator::new())
}

fn cross_validation() -> CrossValidator<Constant> {
    let (constant, grid) = sleepers();
    CrossValidator::new(constant, grid, RegressionEvaluator::new()).num_folds(2)
}

/// Fits on a rayon pool of 8 threads and checks what was in flight, by the events and by the fits themselves.
fn check(what: &str, limit: usize, fit: impl FnOnce(&DataFrame) -> TunedModel<Constant> + Send) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(8).build().unwrap();
    let data = scene(400, 3, 2);
    SLEEPERS.take_most();
    let tuned = pool.install(|| fit(&data));
    assert_eq!(units_in_flight(&tuned.result().events), limit, "{what}: units by the events");
    assert_eq!(SLEEPERS.take_most(), limit, "{what}: fits at once");
}

#[test]
fn the_limit_is_reached_and_never_exceeded() {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    for limit in [1, 2, 3, 8] {
        let name = |executor: &str| format!("{executor}, limit {limit}");
        check(&name("rayon, split"), limit, |data| {
            split().executor(Rayon::new()).parallelism(limit).unwrap().fit(data).unwrap()
        });
        check(&name("threads, split"), limit, |data| {
            split().executor(ThreadPool::new()).parallelism(limit).unwrap().fit(data).unwrap()
        });
        check(&name("rayon, folds"), limit, |data| {
            cross_validation().executor(Rayon::new()).parallelism(limit).unwrap().fit(data).unwrap()
        });
        check(&name("threads, folds"), limit, |data| {
            cross_validation().executor(ThreadPool::new()).parallelism(limit).unwrap().fit(data).unwrap()
        });
    }
}

#[test]
fn serial_runs_one_unit_whatever_the_limit() {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    check("serial", 1, |data| {
        let tuned = split().executor(Serial::new()).parallelism(8).unwrap().fit(data).unwrap();
        let note = tuned.result().executor_note.clone().unwrap();
        assert!(note.contains("`serial` runs one unit at a time, although parallelism is 8"), "{note}");
        tuned
    });
}

#[test]
fn parallelism_alone_does_what_it_says() {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    check("default", 8, |data| split().parallelism(8).unwrap().fit(data).unwrap());
    check("default, folds", 5, |data| cross_validation().parallelism(5).unwrap().fit(data).unwrap());
}

#[test]
fn an_observer_sees_every_unit() {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
    let watched = std::sync::Arc::clone(&seen);
    let search = cross_validation().parallelism(3).unwrap();
    let search = search.on_event(move |event| {
        if let SearchEvent::UnitFinished { done, total, .. } = event {
            watched.lock().unwrap().push((*done, *total));
        }
    });
    search.fit(&scene(60, 3, 2)).unwrap();
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_unstable();
    assert_eq!(seen, (1..=32).map(|done| (done, 32)).collect::<Vec<_>>());
}

#[test]
fn by_default_one_unit_runs_on_the_calling_thread() {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let tuned = split().fit(&scene(400, 3, 2)).unwrap();
    assert_eq!(units_in_flight(&tuned.result().events), 1);
    assert!(tuned.result().events.iter().all(|event| event.worker == 0));
}

#[test]
fn a_limit_of_zero_is_refused() {
    let message = split().parallelism(0).unwrap_err().to_string();
    assert_eq!(message, "parallelism is 0, expected an integer of at least 1, or \"auto\"");
}
