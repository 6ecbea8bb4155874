//! Do strategies find what a grid finds, and with how many fits?

use std::path::Path;

use anyhow::Context;
use luthier::frame::DataFrame;
use luthier::prelude::*;
use luthier::tune::strategy::{Bayesian, Halving, Racing, Random};
use luthier::tune::{CandidateResult, SearchResult};

use crate::statistics::share;

const FOLDS: u32 = 10;

/// A quarter of the pairs of a candidate and a fold.
const QUARTER: u64 = 500 * FOLDS as u64 / 4;

/// A stage that iterates over the rows, behind a scaler, with two parameters.
#[derive(Debug, Clone, Copy)]
enum Task {
    /// Logistic regression with an elastic net, scored by the log loss.
    Logistic(&'static str),
    /// Linear regression with Huber's loss, scored by the mean absolute error.
    Huber(&'static str),
}

impl Task {
    fn name(self) -> &'static str {
        let (Self::Logistic(name) | Self::Huber(name)) = self;
        name
    }

    fn data(self, folder: &Path) -> anyhow::Result<DataFrame> {
        let path = folder.join(format!("{}.csv", self.name()));
        let frame = DataFrame::read_csv(&path, &CsvOptions::new())
            .with_context(|| format!("{} is missing: run `datasets.py` first", path.display()))?;
        let names = frame.schema().names().filter(|name| *name != "label").map(str::to_owned);
        let names: Vec<String> = names.collect();
        VectorAssembler::new().input_cols(names).output_col("raw").transform(&frame)
    }

    fn pipeline(self) -> Pipeline {
        let mut pipeline = Pipeline::new();
        let scaler = StandardScaler::new().input_col("raw").output_col("features").with_mean(true);
        pipeline.add("scaler", scaler);
        if let Self::Logistic(_) = self {
            pipeline.add("model", LogisticRegression::new());
        } else {
            pipeline.add("model", LinearRegression::new().loss(Loss::Huber));
        }
        pipeline
    }

    /// 25 × 20 values, or the ranges between the ends.
    fn grid(self, ranges: bool) -> anyhow::Result<ParamGrid> {
        let ((first, from, to), (second, least, most)) = match self {
            Self::Logistic(_) => (("model.reg_param", 1e-5, 1.0), ("model.elastic_net_param", 0.0, 1.0)),
            Self::Huber(_) => (("model.reg_param", 1e-4, 10.0), ("model.epsilon", 1.05, 3.0)),
        };
        if ranges {
            let grid = ParamGrid::new().range_by_name(first, ParamRange::log(from, to)?);
            return Ok(grid.range_by_name(second, ParamRange::uniform(least, most)?));
        }
        let log = |i: i32| from * f64::powf(to / from, f64::from(i) / 24.0);
        let linear = |i: i32| least + (most - least) * f64::from(i) / 19.0;
        let grid = ParamGrid::new().add_by_name(first, (0..25).map(log));
        Ok(grid.add_by_name(second, (0..20).map(linear)))
    }

    fn search(self, ranges: bool, seed: u64) -> anyhow::Result<CrossValidator<Pipeline>> {
        let (pipeline, grid) = (self.pipeline(), self.grid(ranges)?);
        let search = match self {
            Self::Logistic(_) => CrossValidator::new(
                pipeline,
                grid,
                MulticlassClassificationEvaluator::new().metric(MulticlassMetric::LogLoss),
            ),
            Self::Huber(_) => {
                CrossValidator::new(pipeline, grid, RegressionEvaluator::new().metric(RegressionMetric::Mae))
            }
        };
        Ok(search.num_folds(FOLDS).seed(seed))
    }
}

/// What one strategy found with one seed.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// Whether its mean, on the same folds, is at most one standard error `s / √n` above the grid's best.
    within: bool,
    /// The same with the standard error that is corrected for overlapping training rows.
    within_corrected: bool,
    /// Whether it is as good as the grid's best.
    best: bool,
    fits: u64,
    planned: u64,
    /// Its seconds per second of the grid.
    time: f64,
}

fn best(result: &SearchResult) -> anyhow::Result<&CandidateResult> {
    result.best_candidate().context("no candidate has a mean")
}

impl Found {
    fn new(result: &SearchResult, grid: &SearchResult) -> anyhow::Result<Self> {
        let (own, all) = (best(result)?, best(grid)?);
        // The candidate's mean over all folds, also if the strategy did not score it on all of them.
        let known = grid.candidates.iter().find(|candidate| candidate.params == own.params);
        let mean = known.map_or(own.mean, |known| known.mean);
        let n = all.scored_folds as f64;
        // Losses: smaller is better.
        Ok(Self {
            within: mean <= all.mean + all.std / (n - 1.0).sqrt(),
            within_corrected: mean <= all.mean + all.std_error,
            best: mean <= all.mean,
            fits: result.work.evaluations,
            planned: result.forecast.work.evaluations,
            time: result.search_seconds / grid.search_seconds,
        })
    }
}

/// A strategy by its name.
type Named = (&'static str, fn(Task, u64) -> anyhow::Result<CrossValidator<Pipeline>>);

const STRATEGIES: [Named; 8] = [
    ("racing, max_fits 1250", |task, seed| {
        Ok(task.search(false, seed)?.strategy(Racing::new()).max_fits(QUARTER))
    }),
    ("halving", |task, seed| Ok(task.search(false, seed)?.strategy(Halving::new()))),
    ("random 60, values", |task, seed| Ok(task.search(false, seed)?.strategy(Random::new()))),
    ("random 60, ranges", |task, seed| Ok(task.search(true, seed)?.strategy(Random::new()))),
    ("random 120, values", |task, seed| {
        Ok(task.search(false, seed)?.strategy(Random::new().max_candidates(120)))
    }),
    ("bayesian 60, values", |task, seed| Ok(task.search(false, seed)?.strategy(Bayesian::new()))),
    ("bayesian 60, ranges", |task, seed| Ok(task.search(true, seed)?.strategy(Bayesian::new()))),
    ("bayesian 30, ranges", |task, seed| {
        Ok(task.search(true, seed)?.strategy(Bayesian::new().max_candidates(30)))
    }),
];

/// Prints the table.
pub(crate) fn run(folder: &str, seeds: u64) -> anyhow::Result<()> {
    println!("grids of 500, {FOLDS} folds, {seeds} seeds; the grid takes {} fits\n", 500 * FOLDS);
    println!(
        "| data | strategy | within s/√n of the grid's best | within the corrected error | as good as the grid's best | fits \
         (least–most) | planned | time beside the grid |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for task in [Task::Logistic("breast_cancer"), Task::Huber("diabetes"), Task::Logistic("wine")] {
        let data = task.data(Path::new(folder))?;
        let mut found: Vec<Vec<Found>> = vec![Vec::new(); STRATEGIES.len()];
        for seed in 0..seeds {
            let grid = task.search(false, seed)?.fit(&data)?;
            for (found, (_, search)) in found.iter_mut().zip(STRATEGIES) {
                found.push(Found::new(search(task, seed)?.fit(&data)?.result(), grid.result())?);
            }
        }
        for ((name, _), found) in STRATEGIES.iter().zip(found) {
            let count =
                |of: fn(&Found) -> bool| share(found.iter().filter(|one| of(one)).count(), found.len());
            let fits = || found.iter().map(|one| one.fits);
            let planned = || found.iter().map(|one| one.planned);
            let (least, most) = (fits().min().unwrap_or(0), fits().max().unwrap_or(0));
            let over = found.iter().filter(|one| one.fits > one.planned).count();
            let time = found.iter().map(|one| one.time).sum::<f64>() / found.len() as f64;
            println!(
                "| {} | {name} | {} | {} | {} | {least}–{most} | at most {}{} | {time:.2} |",
                task.name(),
                count(|one| one.within),
                count(|one| one.within_corrected),
                count(|one| one.best),
                planned().max().unwrap_or(0),
                if over > 0 { format!(", exceeded {over} times") } else { String::new() },
            );
        }
    }
    Ok(())
}
