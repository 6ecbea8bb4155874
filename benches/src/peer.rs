//! Requests and answers of the peer process.

use std::collections::{HashMap, HashSet};
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use luthier::core::{Dataset, Moments, MomentsSpec, Rows, linalg};
use luthier::prelude::*;
use luthier::tune::{CandidateResult, Event, EventKind, Nested, units_in_flight};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::workload::{Grids, SEED, Scheme, Shape, Workload, executor};
use crate::{classify, data, floor, memory, spin};

/// What can be asked for.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    /// Opens a Parquet file under a name; into memory unless `scan` is set.
    Load {
        name: String,
        shape: Shape,
        path: String,
        grids: Grids,
        #[serde(default)]
        hold_out: bool,
        #[serde(default)]
        scan: bool,
    },
    /// Searches, and tells seconds and metrics.
    Search {
        name: String,
        grids: Option<Grids>,
        #[serde(default)]
        options: Options,
    },
    /// The training and validation rows of a round.
    Round { name: String, scheme: Scheme, round: usize },
    /// Fits the first candidate on the rows outside of fold 0 and scores it on those inside, without a search.
    SingleFit { name: String, grids: Option<Grids> },
    /// Fits every candidate on the rows outside of fold 0, and tells its coefficients and intercept.
    Models { name: String, grids: Option<Grids> },
    /// Takes the area under the roc of the column `score`.
    Area { name: String, weighted: bool },
    /// Goes from a CSV file of categorical columns to a classifier.
    Categorical { path: PathBuf, reg_param: f64 },
    /// Takes the moments of the features.
    Moments { name: String },
    /// Multiplies the features with themselves at the machine's best.
    Gram { name: String },
    /// Decomposes `count` matrices of the given width, on all threads.
    Factorise { count: usize, width: usize },
    /// Reads a Parquet file, row groups in parallel, and does nothing with it.
    Read { path: String },
    /// What the machine can do, measured on rows of this many.
    Floor { rows: usize, width: usize },
    /// Spins as the ideal schedule would.
    Ideal { fits: usize, millis: u64 },
    /// The largest resident set so far.
    Memory,
}

/// How a search is run; Luthier's engine decides where nothing is said.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    executor: Option<String>,
    parallelism: Option<Parallelism>,
    threads: Option<usize>,
    #[serde(default)]
    sharing_off: bool,
    /// Other rounds than those of the column `fold`.
    scheme: Option<Scheme>,
    /// Whether the procedure is scored by nested cross-validation.
    #[serde(default)]
    nested: bool,
    /// The rounds whose metrics are told; all of them if there are none.
    #[serde(default)]
    told: Vec<usize>,
}

/// A process with data in memory.
#[derive(Debug, Default)]
pub struct Peer {
    loaded: HashMap<String, Loaded>,
}

#[derive(Debug)]
struct Loaded {
    workload: Workload,
    /// Training and held-out rows, made when they are first asked for.
    split: Option<(DataFrame, DataFrame)>,
}

impl Loaded {
    fn split(&mut self) -> anyhow::Result<&(DataFrame, DataFrame)> {
        if self.split.is_none() {
            self.split = Some(self.workload.split()?);
        }
        self.split.as_ref().context("the rows were not split")
    }
}

impl Peer {
    /// Does what a line of JSON asks for. Times never include loading or converting.
    ///
    /// # Errors
    /// A request that cannot be read, a name that was not loaded, and whatever fails while it is done.
    pub fn answer(&mut self, line: &str) -> anyhow::Result<Value> {
        match serde_json::from_str(line).context("the request")? {
            Request::Load { name, shape, path, grids, hold_out, scan } => {
                let frame =
                    if scan { DataFrame::scan_parquet(&path) } else { DataFrame::read_parquet(&path) }?;
                let answer = json!({ "rows": frame.num_rows(), "partitions": frame.num_partitions() });
                let workload = Workload { shape, frame, grids, hold_out };
                self.loaded.insert(name, Loaded { workload, split: None });
                Ok(answer)
            }
            Request::Search { name, grids, options } => {
                search(&self.get(&name)?.workload, grids.as_ref(), &options)
            }
            Request::Round { name, scheme, round } => {
                round_of(&self.get(&name)?.workload.frame, scheme, round)
            }
            Request::SingleFit { name, grids } => single_fit(self.get(&name)?, grids.as_ref()),
            Request::Models { name, grids } => models(self.get(&name)?, grids.as_ref()),
            Request::Area { name, weighted } => classify::area(&self.get(&name)?.workload.frame, weighted),
            Request::Categorical { path, reg_param } => classify::categorical(&path, reg_param),
            Request::Moments { name } => {
                let data = Dataset::new(self.get(&name)?.workload.frame.clone());
                let start = Instant::now();
                let moments = data.summarize::<Moments>(&MomentsSpec::new(["features"]))?;
                Ok(json!({ "seconds": start.elapsed().as_secs_f64(), "rows": moments.rows() }))
            }
            Request::Gram { name } => {
                let features = self.get(&name)?.workload.frame.vectors("features")?;
                let values = features.as_slice().context(SCATTERED)?;
                Ok(json!({ "seconds": gram_seconds(values, features.ncols(), 1) }))
            }
            Request::Factorise { count, width } => factorise(count, width),
            Request::Read { path } => read(&path),
            Request::Floor { rows, width } => floor(rows, width),
            Request::Ideal { fits, millis } => {
                let threads = rayon::current_num_threads();
                let start = Instant::now();
                rayon::broadcast(|ctx| {
                    (ctx.index()..fits).step_by(threads).for_each(|_| spin::spin(millis));
                });
                Ok(json!({ "seconds": start.elapsed().as_secs_f64() }))
            }
            Request::Memory => Ok(json!({ "peak_bytes": memory::peak_bytes()? })),
        }
    }

    fn get(&mut self, name: &str) -> anyhow::Result<&mut Loaded> {
        self.loaded.get_mut(name).with_context(|| format!("`{name}` was not loaded"))
    }
}

fn search(workload: &Workload, grids: Option<&Grids>, options: &Options) -> anyhow::Result<Value> {
    let mut search = workload.search(grids)?;
    if let Some(name) = &options.executor {
        search = search.executor(executor(name)?);
    }
    if let Some(parallelism) = options.parallelism {
        search = search.parallelism(parallelism);
    }
    if options.sharing_off {
        search = search.sharing(Sharing::Off);
    }
    if let Some(scheme) = options.scheme {
        search = search.splitter(scheme.splitter());
    }
    if options.nested {
        search = search.nested(Nested::On);
    }
    let run = || {
        let start = Instant::now();
        search.fit(&workload.frame).map(|tuned| (start.elapsed().as_secs_f64(), tuned))
    };
    let (seconds, tuned) = match options.threads {
        Some(threads) => rayon::ThreadPoolBuilder::new().num_threads(threads).build()?.install(run)?,
        None => run()?,
    };
    let result = &tuned.result;
    let length = |kind| -> f64 {
        result.events.iter().filter(|event| event.kind == kind).map(|event| event.end - event.start).sum()
    };
    let is_told = |round: &usize| options.told.is_empty() || options.told.contains(round);
    let of_candidate = |candidate: &CandidateResult| -> Vec<f64> {
        let folds = candidate.folds.iter().enumerate().filter(|(round, _)| is_told(round));
        folds.map(|(_, fold)| fold.metric).collect()
    };
    let metrics: Vec<Vec<f64>> = result.candidates.iter().map(of_candidate).collect();
    let procedure = result.procedure.iter().flat_map(|score| &score.rounds);
    let procedure: Vec<_> = procedure.map(|round| (round.fold, round.candidate, round.metric)).collect();
    Ok(json!({
        "seconds": seconds,
        "refit_seconds": length(EventKind::Refit),
        "summarise_seconds": length(EventKind::Summarise),
        "unit_seconds": length(EventKind::Unit),
        "outside_seconds": seconds - covered(&result.events),
        "units_in_flight": units_in_flight(&result.events),
        "best": result.best,
        "metrics": metrics,
        "procedure": procedure,
        "work": result.work,
    }))
}

fn round_of(frame: &DataFrame, scheme: Scheme, round: usize) -> anyhow::Result<Value> {
    let split = scheme.splitter().split(frame, SEED)?;
    let rows = split.rounds().get(round).with_context(|| format!("there is no round {round}"))?;
    let within = |rows: &Rows| -> Vec<usize> {
        let chosen: HashSet<u32> = rows.blocks_within(split.blocks().count()).collect();
        let blocks = split.blocks().assignment().iter().enumerate();
        blocks.filter(|(_, block)| chosen.contains(block)).map(|(row, _)| row).collect()
    };
    Ok(json!({ "train": within(&rows.train), "validate": within(&rows.validate) }))
}

/// Seconds in which anything was recorded; what is missing is checks, plans and bookkeeping.
fn covered(events: &[Event]) -> f64 {
    let mut stretches: Vec<(f64, f64)> = events.iter().map(|event| (event.start, event.end)).collect();
    stretches.sort_by(|a, b| a.0.total_cmp(&b.0));
    let add = |(sum, until): (f64, f64), (start, end): (f64, f64)| {
        (sum + (end - start.max(until)).max(0.0), end.max(until))
    };
    stretches.into_iter().fold((0.0, 0.0), add).0
}

/// As a program without a search would: fit, transform, evaluate.
fn single_fit(loaded: &mut Loaded, grids: Option<&Grids>) -> anyhow::Result<Value> {
    let candidates = loaded.workload.candidates(grids)?;
    let pipeline = candidates.first().context("the grid has no candidates")?;
    let evaluator = loaded.workload.shape.evaluator();
    let (training, held_out) = loaded.split()?;
    let start = Instant::now();
    let model = pipeline.fit_frame(training)?;
    let fit_seconds = start.elapsed().as_secs_f64();
    let scored = Dataset::new(model.transform(held_out)?);
    let metric = evaluator.evaluate(&scored)?;
    Ok(json!({ "seconds": start.elapsed().as_secs_f64(), "fit_seconds": fit_seconds, "metric": metric }))
}

fn models(loaded: &mut Loaded, grids: Option<&Grids>) -> anyhow::Result<Value> {
    let candidates = loaded.workload.candidates(grids)?;
    let (training, _) = loaded.split()?;
    let fitted = candidates.iter().map(|pipeline| {
        let model = pipeline.fit_frame(training)?;
        let (coefficients, intercept) = classify::weights(&model)?;
        Ok(json!({ "coefficients": coefficients, "intercept": intercept }))
    });
    Ok(json!({ "models": fitted.collect::<anyhow::Result<Vec<_>>>()? }))
}

fn factorise(count: usize, width: usize) -> anyhow::Result<Value> {
    let rows = data::features(2 * width, width);
    let gram = rows.t().dot(&rows);
    let start = Instant::now();
    (0..count).into_par_iter().try_for_each(|_| linalg::symmetric_eigen(gram.view()).map(|_| ()))?;
    Ok(json!({ "seconds": start.elapsed().as_secs_f64() }))
}

fn read(path: &str) -> anyhow::Result<Value> {
    let start = Instant::now();
    let frame = DataFrame::scan_parquet(path)?;
    let rows = |partition: &luthier::frame::Partition| -> luthier::frame::Result<usize> {
        partition.batches(None)?.map(|batch| batch.map(|batch| batch.num_rows())).sum()
    };
    let counts: Vec<usize> = frame.partitions().par_iter().map(rows).collect::<Result<_, _>>()?;
    Ok(json!({ "seconds": start.elapsed().as_secs_f64(), "rows": counts.iter().sum::<usize>() }))
}

const SCATTERED: &str = "the features are not in one piece";

/// The better of threads beside and inside of the products.
fn gram_seconds(values: &[f64], width: usize, runs: usize) -> f64 {
    let beside = floor::median_seconds(runs, || drop(black_box(floor::gram(values, width))));
    let inside = floor::median_seconds(runs, || drop(black_box(floor::gram_threads_inside(values, width))));
    beside.min(inside)
}

fn floor(rows: usize, width: usize) -> anyhow::Result<Value> {
    let (features, runs) = (data::features(rows, width), 9);
    let values = features.as_slice().context(SCATTERED)?;
    // Far more than any cache holds.
    let large = vec![1.0; 1 << 26];
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let bytes = (large.len() * 8) as f64;
    let read_seconds = || {
        floor::median_seconds(runs, || {
            black_box(floor::read_all(&large));
        })
    };
    Ok(json!({
        "threads": rayon::current_num_threads(),
        "bytes_per_second": bytes / read_seconds(),
        "bytes_per_second_one_thread": bytes / one.install(read_seconds),
        "gram_seconds": gram_seconds(values, width, runs),
        "gram_seconds_one_thread": one.install(|| gram_seconds(values, width, runs)),
        "flops": 2.0 * (rows * width * width) as f64,
    }))
}
