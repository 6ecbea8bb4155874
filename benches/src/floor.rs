//! What the machine can do at best: bytes read and flops of a symmetric product per second.

use std::time::Instant;

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

/// Rows of a block: 4 MB at a width of 100.
const BLOCK_ROWS: usize = 5000;

/// Sums the slice with all threads of the current pool.
pub fn read_all(values: &[f64]) -> f64 {
    let sum = |chunk: &[f64]| {
        let (lanes, rest) = chunk.as_chunks::<16>();
        let mut sums = [0.0; 16];
        lanes.iter().for_each(|lane| sums.iter_mut().zip(lane).for_each(|(sum, x)| *sum += x));
        sums.iter().chain(rest).sum::<f64>()
    };
    values.par_chunks(1 << 16).map(sum).sum()
}

/// The lower triangle of `XᵀX` for row-major rows of `width`: faer's triangular product on row blocks, blocks
/// divided among the threads of the current pool.
pub fn gram(values: &[f64], width: usize) -> Mat<f64> {
    let blocks = values.par_chunks(BLOCK_ROWS * width);
    let add = |mut sum: Mat<f64>, block: &[f64]| {
        add_gram(&mut sum, block, width, Par::Seq);
        sum
    };
    blocks.fold(|| Mat::zeros(width, width), add).reduce(|| Mat::zeros(width, width), |a, b| a + b)
}

/// The same with the threads inside of each product.
pub fn gram_threads_inside(values: &[f64], width: usize) -> Mat<f64> {
    let mut sum = Mat::zeros(width, width);
    let threads = Par::rayon(rayon::current_num_threads());
    values.chunks(BLOCK_ROWS * width).for_each(|block| add_gram(&mut sum, block, width, threads));
    sum
}

fn add_gram(sum: &mut Mat<f64>, block: &[f64], width: usize, threads: Par) {
    let rows = MatRef::from_row_major_slice(block, block.len() / width, width);
    triangular::matmul(
        sum.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Add,
        rows.transpose(),
        BlockStructure::Rectangular,
        rows,
        BlockStructure::Rectangular,
        1.0,
        threads,
    );
}

/// Median seconds of some runs.
pub fn median_seconds(runs: usize, mut f: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..runs.max(1))
        .map(|_| {
            let start = Instant::now();
            f();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}
