//! What was scored is found again, whatever happens in between.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use luthier::prelude::*;
use luthier::tune::{Error, Outcome, SearchEvent, SearchResult};
use tempfile::TempDir;

use crate::data::scene;
use crate::probe::{Constant, Mood, ONE_AT_A_TIME};

fn grid() -> ParamGrid {
    ParamGrid::new().add_by_name("pca.k", [1i64, 2, 3]).add_by_name("lr.reg_param", [0.01, 0.1, 1.0])
}

fn search(folder: &Path) -> CrossValidator<Pipeline> {
    let pca = Pca::new().input_col("features").output_col("components").k(2);
    let lr = LinearRegression::new().features_col("components");
    let pipeline = Pipeline::new().stage("pca", pca).stage("lr", lr);
    CrossValidator::new(pipeline, grid(), RegressionEvaluator::new()).num_folds(4).journal(folder)
}

/// What a fold tells apart from times: the bits of the metric, the fits that were reused, the outcome and the error.
type Fold = (u64, u32, Outcome, Option<String>);

/// The ranks and the folds of the candidates, without times and the work that was done.
fn found(result: &SearchResult) -> Vec<(usize, Vec<Fold>)> {
    let folds = |candidate: &luthier::tune::CandidateResult| {
        let fold = |fold: &luthier::tune::FoldResult| {
            let error = fold.error.as_ref().map(|error| error.message.clone());
            (fold.metric.to_bits(), fold.reused_fits, fold.outcome, error)
        };
        candidate.folds.iter().map(fold).collect()
    };
    result.candidates.iter().map(|candidate| (candidate.rank, folds(candidate))).collect()
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect();
    paths.sort();
    paths
}

/// The journal with every `part`-th line left out.
fn thin(folder: &Path, part: usize) {
    for path in segments(folder) {
        let text = std::fs::read_to_string(&path).unwrap();
        let kept = text.lines().enumerate().filter(|(at, _)| *at == 0 || at % part != 0);
        std::fs::write(&path, kept.map(|(_, line)| format!("{line}\n")).collect::<String>()).unwrap();
    }
}

#[test]
fn any_executor_goes_on_where_any_other_was() {
    let data = scene(80, 4, 2);
    let reference = search(TempDir::new().unwrap().path()).fit(&data).unwrap();
    let folder = TempDir::new().unwrap();
    let predict =
        |tuned: &TunedModel<Pipeline>| tuned.transform(&data).unwrap().column_f64("prediction").unwrap();
    for round in 0..5 {
        let search = search(folder.path());
        let search = match round {
            0 => search.executor(Serial::new()),
            1 => search.executor(ThreadPool::new()).parallelism(3).unwrap(),
            2 => search.executor(Rayon::new()).parallelism(2).unwrap(),
            3 => search.executor(ThreadPool::new()).parallelism(8).unwrap(),
            _ => search.join(true),
        };
        let tuned = search.fit(&data).unwrap();
        assert_eq!(found(tuned.result()), found(reference.result()), "{round}");
        assert_eq!(predict(&tuned), predict(&reference));
        thin(folder.path(), round + 2);
    }
}

fn moody(folder: &Path, millis: u64) -> CrossValidator<Constant> {
    let moods = [Mood::Fine, Mood::Fails, Mood::Panics, Mood::FailsOnFoldOne];
    let grid = ParamGrid::new().add(Constant::MOOD, moods).add(Constant::MILLIS, [0, millis]);
    CrossValidator::new(Constant::new(), grid, RegressionEvaluator::new()).num_folds(3).journal(folder)
}

fn units(search: CrossValidator<Constant>) -> (TunedModel<Constant>, usize) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let search = search.on_event(move |event| {
        if let SearchEvent::UnitFinished { .. } = event {
            counter.fetch_add(1, SeqCst);
        }
    });
    (search.fit(&scene(30, 2, 1)).unwrap(), count.load(SeqCst))
}

#[test]
fn failures_are_rows_that_are_not_tried_again() {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let folder = TempDir::new().unwrap();
    let (first, ran) = units(moody(folder.path(), 1));
    let (again, ran_again) = units(moody(folder.path(), 1));
    assert!(ran > 0);
    assert_eq!(ran_again, 0);
    assert_eq!(found(first.result()), found(again.result()));
    assert_eq!(first.result().failures().len(), again.result().failures().len());
    assert!(first.result().failures().len() >= 3);
}

#[test]
fn what_took_too_long_is_tried_again_with_more_time() {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let folder = TempDir::new().unwrap();
    let limited = |millis| moody(folder.path(), 300).max_fit_time(Duration::from_millis(millis));
    let (first, _) = units(limited(100));
    let late = |tuned: &TunedModel<Constant>| {
        let folds = tuned.result().candidates.iter().flat_map(|candidate| &candidate.folds);
        folds
            .filter(|fold| fold.error.as_ref().is_some_and(|error| error.contains("max_fit_seconds")))
            .count()
    };
    assert!(late(&first) > 0);
    let (same, ran) = units(limited(100));
    assert_eq!((late(&same), ran), (late(&first), 0));
    let (more, ran) = units(limited(60_000));
    assert_eq!(late(&more), 0);
    assert!(ran > 0);
}

#[test]
fn a_second_search_is_refused_and_a_joined_one_shares_the_work() {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let folder = TempDir::new().unwrap();
    let slow = |join: bool| {
        let grid = ParamGrid::new().add(Constant::VALUE, (0..12).map(f64::from)).add(Constant::MILLIS, [150]);
        let search = CrossValidator::new(Constant::new(), grid, RegressionEvaluator::new());
        search.num_folds(3).journal(folder.path()).join(join).sharing(Sharing::Off)
    };
    let running = {
        let search = slow(true);
        thread::spawn(move || units(search))
    };
    while segments(folder.path()).is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
    let refused = slow(false).fit(&scene(30, 2, 1)).unwrap_err();
    assert!(matches!(refused, Error::JournalInUse { .. }), "{refused}");
    let other = slow(true).seed(5).fit(&scene(30, 2, 1)).unwrap_err();
    assert!(other.to_string().contains("another seed"), "{other}");
    let (joined, own) = units(slow(true));
    let (first, others) = running.join().unwrap();
    assert_eq!(own + others, 36, "each cell is computed by one of them");
    assert!(own > 0 && others > 0, "{own} and {others}");
    assert_eq!(found(joined.result()), found(first.result()));
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_before_anything_is_fitted() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let search = search(&file.join("journal")).on_event(move |event| {
        if let SearchEvent::UnitStarted { .. } = event {
            counter.fetch_add(1, SeqCst);
        }
    });
    let error = search.fit(&scene(30, 4, 1)).unwrap_err();
    assert!(matches!(error, Error::Journal { .. }), "{error}");
    assert_eq!(count.load(SeqCst), 0);
}

#[test]
fn nothing_is_left_of_a_search_but_its_cells() {
    let folder = TempDir::new().unwrap();
    let threads = || std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    let data = scene(60, 4, 1);
    search(folder.path()).fit(&data).unwrap();
    let before = threads();
    (0..5).for_each(|_| drop(search(folder.path()).fit(&data).unwrap()));
    // Other tests start and end threads as well.
    assert!(threads() < before + 40);
    assert_eq!(segments(folder.path()).len(), 1, "a search that finds everything writes nothing");
}
