//! One model at a time, then three: PCA and linear regression with four values each of `k` and `reg_param`, on 10,000 rows
//! of 100 features in 2 partitions.
//!
//! `cargo run --release -p luthier --example model_parallelism`
//!
//! The first run is with sharing, the default. Nothing overlaps, whatever the parallelism: one pass over the rows serves
//! all candidates, one unit computes the decomposition for all `k`, and the following units, one per `k`, only solve small
//! systems and are done before the next thread has started.
//!
//! The second run is without sharing: 16 units, each of which fits its candidate alone, from the rows. These overlap.
//!
//! With the name of a folder, and the feature `pictures`, it also draws the timelines of the second run into it:
//! `cargo run --release -p luthier --features pictures --example model_parallelism docs/pictures`
//!
//! `rayon` runs at most as many units as its pool has threads, by default one per core, whatever the parallelism;
//! `thread_pool` starts as many threads as `parallelism` says; `serial` runs one unit at a time.

use std::error::Error;

use luthier::prelude::*;
use luthier::report::timeline;
use luthier::tune::{Executor, units_in_flight};
use ndarray::Array2;

const ROWS: usize = 10_000;
const FEATURES: usize = 100;
const PARTITIONS: usize = 2;
/// Characters of a timeline.
const WIDTH: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let data = data()?;
    println!("{ROWS} rows of {FEATURES} features in {PARTITIONS} partitions");
    println!("\n=== WITH SHARING: work that candidates have in common is done once ===\n");
    let shared = compare(&data, Sharing::On)?;
    println!("\nNothing overlaps: the rows are read once for all candidates, one unit decomposes for all k,");
    println!("and the remaining units, one per k, take less time than it takes to start a thread.");
    println!("\n=== WITHOUT SHARING: every candidate is fitted alone, from the rows ===\n");
    let alone = compare(&data, Sharing::Off)?;
    if let Some(folder) = std::env::args().nth(1) {
        draw(&alone, &data, &folder)?;
    }
    println!(
        "\nOn {} cores, 16 candidates took {:.3} s alone one at a time, {:.3} s alone three at a time ({:.1} times as \
         fast), and {:.3} s with sharing ({:.0} times as fast), which read {} rows instead of {}.",
        std::thread::available_parallelism()?,
        alone.one,
        alone.three,
        alone.one / alone.three,
        shared.one,
        alone.one / shared.one,
        shared.rows_read,
        alone.rows_read,
    );
    Ok(())
}

/// What the thread pool took.
struct Took {
    /// Seconds with one unit at a time.
    one: f64,
    /// Seconds with three.
    three: f64,
    rows_read: u64,
    /// The searches with one and with three.
    #[cfg_attr(not(feature = "pictures"), allow(dead_code, reason = "only pictures show them"))]
    searches: Vec<TunedModel<Pipeline>>,
}

/// Writes the timelines under each other, on one axis of time, on light and on dark ground.
#[cfg(feature = "pictures")]
fn draw(took: &Took, data: &DataFrame, folder: &str) -> Result<(), Box<dyn Error>> {
    use luthier::report::{PictureOptions, Report, pictures};

    let document = |place: usize, parallelism: usize| -> Result<serde_json::Value, Box<dyn Error>> {
        let tuned = took.searches.get(place).ok_or("a search is missing")?;
        let plan = search().parallelism(parallelism)?.sharing(Sharing::Off).plan(data)?;
        let report = Report::new(tuned.result()).title(format!("parallelism {parallelism}")).plan(&plan);
        Ok(serde_json::to_value(report)?)
    };
    let both = Report::beside(&document(0, 1)?, &document(1, 3)?);
    std::fs::create_dir_all(folder)?;
    for (name, is_dark) in [("timelines.svg", false), ("timelines-dark.svg", true)] {
        let drawn = pictures(&both, PictureOptions { is_dark, ..PictureOptions::default() })?;
        let timeline = drawn.iter().find(|picture| picture.id == "timeline").ok_or("there is no timeline")?;
        std::fs::write(format!("{folder}/{name}"), &timeline.svg)?;
    }
    Ok(())
}

#[cfg(not(feature = "pictures"))]
fn draw(_: &Took, _: &DataFrame, _: &str) -> Result<(), Box<dyn Error>> {
    Err("pictures are drawn with `--features pictures`".into())
}

/// Rows of features whose spread grows from the first to the last, and a noisy linear label.
fn data() -> Result<DataFrame, Box<dyn Error>> {
    let mut state = 7u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let features = Array2::from_shape_fn((ROWS, FEATURES), |(_, j)| uniform() * (1.0 + j as f64 / 10.0));
    let label = features.rows().into_iter().map(|row| row.sum() + 3.0 * uniform()).collect();
    Ok(DataFrame::from_ndarray(features, label)?.repartition(PARTITIONS)?)
}

fn search() -> TrainValidationSplit<Pipeline> {
    let (pipeline, (pca, lr)) = Pipeline::of((
        ("pca", Pca::new().output_col("components")),
        ("lr", LinearRegression::new().features_col("components")),
    ));
    let grid = ParamGrid::new()
        .add(pca.at(Pca::K), [15, 20, 40, 75])
        .add(lr.at(LinearRegression::REG_PARAM), [0.001, 0.003, 0.01, 0.03]);
    TrainValidationSplit::new(pipeline, grid, RegressionEvaluator::new()).train_ratio(0.8).seed(7)
}

/// The search on every executor, one unit at a time and three, and the timelines of the thread pool.
fn compare(data: &DataFrame, sharing: Sharing) -> Result<Took, Box<dyn Error>> {
    println!("executor     parallelism  in flight   seconds  rows read  best");
    let mut pooled = Vec::new();
    for parallelism in [1, 3] {
        run("serial", Serial::new(), parallelism, sharing, data)?;
        run("rayon", Rayon::new(), parallelism, sharing, data)?;
        pooled.push(run("thread_pool", ThreadPool::new(), parallelism, sharing, data)?);
    }
    for (parallelism, tuned) in [1, 3].into_iter().zip(&pooled) {
        print!("\nthread_pool, parallelism {parallelism}\n\n{}", timeline(&tuned.result().events, WIDTH));
    }
    let seconds = |place: usize| pooled.get(place).map_or(f64::NAN, |tuned| tuned.result().search_seconds);
    let rows_read = pooled.first().map_or(0, |tuned| tuned.result().work.rows_read);
    Ok(Took { one: seconds(0), three: seconds(1), rows_read, searches: pooled })
}

fn run(
    name: &str,
    executor: impl Executor,
    parallelism: usize,
    sharing: Sharing,
    data: &DataFrame,
) -> Result<TunedModel<Pipeline>, Box<dyn Error>> {
    let search = search().executor(executor).parallelism(parallelism)?.sharing(sharing);
    let tuned = search.fit(data)?;
    let result = tuned.result();
    println!(
        "{name:<11}  {parallelism:>11}  {:>9}  {:>8.3}  {:>9}  {}",
        units_in_flight(&result.events),
        result.search_seconds,
        result.work.rows_read,
        result.candidates[result.best].params,
    );
    Ok(tuned)
}
