//! Many searches with faults, one after the other in one process: nothing is left behind.
//!
//! `LUTHIER_SOAK` is the number of searches; without it there are few. This is a test program of its own, because it counts what the process holds.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use luthier::core::frame::{Field, Schema};
use luthier::core::{Dataset, FitContext, Outputs, ParamEnum, ParamMap, Tile};
use luthier::prelude::*;
use luthier::tune::strategy::{Halving, Racing};
use luthier::tune::{Outcome, SearchResult};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// How a fit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
enum Fault {
    /// With a model.
    None,
    /// With an error.
    Error,
    /// With a panic.
    Panic,
    /// Not within its time.
    Late,
    /// With a model whose predictions are not numbers.
    Nan,
}

/// Predicts a multiple of the mean label, or has a fault.
#[derive(Debug, Clone, Params)]
struct Faulty {
    /// The multiple.
    #[param(default = 1.0)]
    factor: f64,
    /// How a fit ends.
    #[param(default = Fault::None)]
    fault: Fault,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct FaultyModel {
    #[serde(with = "luthier::core::json::float")]
    value: f64,
}

impl Estimator for Faulty {
    const NAME: &'static str = "tests.faulty";
    type Model = FaultyModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<FaultyModel> {
        let labels = data.collect(&["label"])?.column_f64("label")?;
        let mean = labels.iter().sum::<f64>() / labels.len() as f64;
        match self.fault {
            Fault::Error => anyhow::bail!("an error"),
            Fault::Panic => std::panic::resume_unwind(Box::new("a panic")),
            Fault::Late => {
                while !ctx.cancel_token().is_cancelled() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                anyhow::bail!("late")
            }
            Fault::Nan => Ok(FaultyModel { value: f64::NAN }),
            Fault::None => Ok(FaultyModel { value: self.factor * mean }),
        }
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        schema.require("label")?;
        Ok(vec![Field::number("prediction")])
    }
}

impl Transformer for FaultyModel {
    fn inputs(&self) -> Vec<String> {
        Vec::new()
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![Field::number("prediction")])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        out.numbers(vec![self.value; rows.len()]);
        Ok(())
    }
}

/// Of 20 candidates two fail, two panic, one is late and one is not a number.
fn candidates() -> ParamGrid {
    let all: Vec<ParamMap> = (0..20)
        .map(|number| {
            let fault = match number {
                3 | 11 => "error",
                5 | 17 => "panic",
                8 => "late",
                13 => "nan",
                _ => "none",
            };
            ParamMap::new().with("fault", fault).with("factor", 0.5 + f64::from(number) / 10.0)
        })
        .collect();
    all.into()
}

fn rows() -> DataFrame {
    let x = Array2::from_shape_fn((60, 2), |(i, j)| ((i * (7 + j)) % 13) as f64);
    let label = (0..60).map(|i| 10.0 + (i % 7) as f64).collect();
    DataFrame::from_ndarray(x, label).unwrap().repartition(2).unwrap()
}

fn search(number: usize, folder: &Path) -> CrossValidator<Faulty> {
    let search = CrossValidator::new(Faulty::new(), candidates(), RegressionEvaluator::new())
        .num_folds(3)
        .max_fit_time(Duration::from_millis(20));
    let search = match number % 4 {
        0 => search.executor(Serial::new()),
        1 => search.executor(Rayon::new()).parallelism(2).unwrap(),
        2 => search.executor(ThreadPool::new()).parallelism(3).unwrap(),
        _ => search.executor(ThreadPool::new()).parallelism(Parallelism::Auto).unwrap(),
    };
    let search = match number % 3 {
        1 => search.strategy(Halving::new()),
        2 => search.strategy(Racing::new()),
        _ => search,
    };
    match number % 5 {
        0 => search.journal(folder.join(format!("{}", number % 50))),
        _ => search,
    }
}

/// The scores of the candidates that have any, as bits.
fn scores(result: &SearchResult) -> Vec<(usize, Vec<Option<u64>>)> {
    let bits = |candidate: &luthier::tune::CandidateResult| {
        let scored = |fold: &luthier::tune::FoldResult| {
            (fold.outcome == Outcome::Scored).then(|| fold.metric.to_bits())
        };
        candidate.folds.iter().map(scored).collect()
    };
    result.candidates.iter().map(|candidate| (candidate.index, bits(candidate))).collect()
}

/// Megabytes, threads and open files of this process.
fn held() -> (f64, usize, usize) {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
    let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
    (pages * 4096.0 / 1e6, count("/proc/self/task"), count("/proc/self/fd"))
}

#[test]
fn searches_with_faults_leave_nothing_behind() {
    let searches: usize = std::env::var("LUTHIER_SOAK").ok().map_or(120, |count| count.parse().unwrap());
    let (data, folder) = (rows(), tempfile::tempdir().unwrap());
    // Each kind of search once, with nothing from a journal.
    let expected: Vec<_> = (0..60)
        .map(|number| {
            let folder = tempfile::tempdir().unwrap();
            scores(search(number, folder.path()).fit(&data).unwrap().result())
        })
        .collect();
    for number in 0..60 {
        assert_eq!(expected[number], expected[number % 3], "executors agree: {number}");
    }
    let grid: Vec<bool> = expected[0].iter().map(|(_, folds)| folds.iter().all(Option::is_some)).collect();
    // A metric that is not a number is a score, which never wins.
    let sound = |number: usize| !matches!(number, 3 | 5 | 8 | 11 | 17);
    assert!((0..20).all(|number| grid[number] == sound(number)), "{grid:?}");

    let warm = searches.min(100);
    let mut before = held();
    for number in 0..warm + searches {
        if number == warm {
            before = held();
        }
        let tuned = search(number, folder.path()).fit(&data).unwrap();
        assert_eq!(scores(tuned.result()), expected[number % 60], "{number}");
    }
    // Threads of a pool that has ended may take a moment.
    std::thread::sleep(Duration::from_millis(200));
    let after = held();
    eprintln!("{searches} searches: before {before:?}, after {after:?}");
    assert!(after.0 < 1.05 * before.0 + 2.0, "megabytes: before {}, after {}", before.0, after.0);
    assert!(after.1 <= before.1, "threads: before {}, after {}", before.1, after.1);
    assert!(after.2 <= before.2, "open files: before {}, after {}", before.2, after.2);
}
