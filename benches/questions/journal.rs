//! What does a journal cost: 10,000 cells of a millisecond, with and without it, in processor time?
//!
//! The two ways take turns, so that what else the machine does meets both.

#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints")]

use std::sync::Arc;
use std::time::Duration;

use luthier::prelude::*;
use luthier::tune::{KFold, Search};
use luthier_bench::data;
use luthier_bench::spin::Spin;
use rustix::time::{ClockId, clock_gettime};

/// Turns of each way.
const TURNS: usize = 2;

/// The cells of a turn: 1,000 candidates on 10 folds.
const CELLS: usize = 10_000;

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn main() -> anyhow::Result<()> {
    let frame = data::frame(500, 5, 2)?;
    let shifts: Vec<f64> = (0..1000).map(f64::from).collect();
    let grid = ParamGrid::new().add_by_name("shift", shifts);
    let estimator = Box::new(Spin::new().millis(1));
    let search = Search::new(
        estimator,
        grid,
        Box::new(RegressionEvaluator::new()),
        Arc::new(KFold::new().num_folds(10)),
    );
    let search = search.executor(Arc::new(Serial::new()));
    let folder = tempfile::tempdir()?;
    // Once: the program is hashed.
    let few = ParamGrid::new().add_by_name("shift", [0.0]);
    let first =
        Search::new(Box::new(Spin::new()), few, Box::new(RegressionEvaluator::new()), Arc::new(KFold::new()));
    first.journal(folder.path().join("first")).fit(&frame)?;
    let mut times = [Duration::ZERO; 2];
    for turn in 0..TURNS {
        for with in [turn % 2, 1 - turn % 2] {
            let search = match with {
                1 => search.clone().journal(folder.path().join(turn.to_string())),
                _ => search.clone(),
            };
            let start = processor_time();
            let cells: usize = search.fit(&frame)?.result.candidates.iter().map(|one| one.folds.len()).sum();
            anyhow::ensure!(cells == CELLS, "{cells} cells");
            times[with] += processor_time() - start;
        }
    }
    let [without, with] = times.map(|time| time.as_secs_f64());
    let each = (with - without) / (TURNS * CELLS) as f64 * 1e6;
    println!(
        "{TURNS} x {CELLS} cells: {without:.3} s without a journal, {with:.3} s with it: {:.2} %, {each:.1} µs a cell",
        (with / without - 1.0) * 100.0
    );
    Ok(())
}
