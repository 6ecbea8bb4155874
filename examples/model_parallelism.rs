//! One model at a time, then three: PCA and linear regression over a 4 x 4 grid on 10,000 rows of 100 features.
//!
//! `cargo run --release -p luthier --example model_parallelism`
//!
//! First as Luthier does it: one unit decomposes for all `k`, then one unit for each `k` fits every `reg_param`.
//! Then with sharing off: 16 units, each of which fits its candidate alone, from the rows.
//!
//! `rayon` has no more units in flight than its pool has threads, by default one for each core, whatever the
//! parallelism; `thread_pool` starts as many threads as it asks for.

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
    for (sharing, title) in [
        (Sharing::On, "AS IT IS: what candidates have in common is computed once"),
        (Sharing::Off, "WITH SHARING OFF: every candidate is fitted alone, from the rows"),
    ] {
        println!("\n=== {title} ===\n");
        compare(&data, sharing)?;
    }
    Ok(())
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
    let mut pipeline = Pipeline::new();
    let pca = pipeline.add("pca", Pca::new().output_col("components"));
    let lr = pipeline.add("lr", LinearRegression::new().features_col("components"));
    let grid = ParamGrid::new()
        .add(pca.at(Pca::K), [15, 30, 45, 75])
        .add(lr.at(LinearRegression::REG_PARAM), [0.001, 0.003, 0.01, 0.03]);
    TrainValidationSplit::new(pipeline, grid, RegressionEvaluator::new()).train_ratio(0.8).seed(7)
}

/// The search on every executor, one unit at a time and three, and the timelines of the thread pool.
fn compare(data: &DataFrame, sharing: Sharing) -> Result<(), Box<dyn Error>> {
    println!("executor     parallelism  in flight   seconds  rows read  best");
    let mut timelines = Vec::new();
    for parallelism in [1, 3] {
        run("serial", Serial::new(), parallelism, sharing, data)?;
        run("rayon", Rayon::new(), parallelism, sharing, data)?;
        let tuned = run("thread_pool", ThreadPool::new(), parallelism, sharing, data)?;
        timelines.push((parallelism, timeline(&tuned.result().events, WIDTH)));
    }
    for (parallelism, timeline) in timelines {
        print!("\nthread_pool, parallelism {parallelism}\n\n{timeline}");
    }
    Ok(())
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
