//! The same bytes for any executor, any parallelism and any number of threads.

use luthier::core::{Work, persist};
use luthier::prelude::*;
use luthier::tune::{Executor, KFold, Splitter};

use crate::data::{assert_close, diabetes, metric, pca_and_regression, scene};

/// Everything a search finds that is not a time.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// Mean, deviation and the metrics of the folds of every candidate, as bits.
    metrics: Vec<Vec<u64>>,
    ranks: Vec<usize>,
    work: Work,
    model: String,
}

impl Outcome {
    fn of(tuned: &TunedModel<Pipeline>) -> Self {
        let result = tuned.result();
        let metrics = |c: &luthier::tune::CandidateResult| {
            let folds = c.folds.iter().map(|fold| fold.metric);
            [c.mean, c.std].into_iter().chain(folds).map(f64::to_bits).collect()
        };
        Self {
            metrics: result.candidates.iter().map(metrics).collect(),
            ranks: result.candidates.iter().map(|c| c.rank).collect(),
            work: result.work,
            model: persist::model_to_json(tuned.model().as_ref()).unwrap().to_string(),
        }
    }
}

fn search(of: RegressionMetric) -> CrossValidator<Pipeline> {
    let (pipeline, grid) = pca_and_regression(&[2, 5, 8], &[0.0, 0.1, 1.0]);
    CrossValidator::new(pipeline, grid, metric(of)).num_folds(3).seed(7)
}

fn run(of: RegressionMetric, data: &DataFrame, executor: impl Executor, parallelism: usize) -> Outcome {
    let search = search(of).executor(executor).parallelism(parallelism).unwrap();
    Outcome::of(&search.fit(data).unwrap())
}

fn with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
}

#[test]
fn the_same_bytes_on_every_executor_and_any_number_of_threads() {
    for (of, data) in [
        (RegressionMetric::Rmse, diabetes().repartition(3).unwrap()),
        (RegressionMetric::Mae, scene(1500, 12, 4)),
    ] {
        let expected = run(of, &data, Serial::new(), 1);
        for threads in [1, 2, 3, 8] {
            with_threads(threads, || {
                for parallelism in [1, 2, 3, 8] {
                    let what = format!("{of:?}, {threads} threads, parallelism {parallelism}");
                    assert_eq!(run(of, &data, Serial::new(), parallelism), expected, "serial, {what}");
                    assert_eq!(run(of, &data, Rayon::new(), parallelism), expected, "rayon, {what}");
                    assert_eq!(run(of, &data, ThreadPool::new(), parallelism), expected, "threads, {what}");
                }
            });
        }
        let auto = search(of).executor(ThreadPool::new()).parallelism(Parallelism::Auto).unwrap();
        assert_eq!(Outcome::of(&auto.fit(&data).unwrap()), expected);
    }
}

#[test]
fn the_same_bytes_without_sharing() {
    let data = diabetes().repartition(2).unwrap();
    let run = |executor: Box<dyn Fn(CrossValidator<Pipeline>) -> CrossValidator<Pipeline>>| {
        Outcome::of(&executor(search(RegressionMetric::Rmse).sharing(Sharing::Off)).fit(&data).unwrap())
    };
    let expected = run(Box::new(|search| search));
    assert_eq!(run(Box::new(|search| search.executor(Rayon::new()).parallelism(3).unwrap())), expected);
    assert_eq!(run(Box::new(|search| search.executor(ThreadPool::new()).parallelism(3).unwrap())), expected);
}

#[test]
fn partitions_move_no_row_to_another_fold_and_metrics_only_by_rounding() {
    let data = diabetes();
    let folds = |data: &DataFrame| KFold::new().split(data, 7).unwrap().blocks().assignment().to_vec();
    for of in [RegressionMetric::Rmse, RegressionMetric::Mae] {
        let expected = search(of).fit(&data).unwrap();
        for partitions in [1, 2, 5] {
            let data = data.repartition(partitions).unwrap();
            assert_eq!(data.num_partitions(), partitions);
            assert_eq!(folds(&data), folds(&diabetes()));
            let tuned = search(of).fit(&data).unwrap();
            for (a, b) in tuned.result().candidates.iter().zip(&expected.result().candidates) {
                for (a, b) in a.folds.iter().zip(&b.folds) {
                    assert_close(a.metric, b.metric, 1e-12, &format!("{of:?}, {partitions} partitions"));
                }
            }
            assert_eq!(tuned.result().best, expected.result().best);
        }
    }
}

#[test]
fn another_seed_makes_other_folds() {
    let data = diabetes();
    let metrics = |seed| search(RegressionMetric::Rmse).seed(seed).fit(&data).unwrap().avg_metrics();
    assert_eq!(metrics(1), metrics(1));
    assert!(metrics(1).iter().zip(metrics(2)).all(|(a, b)| *a != b));
}
