//! Second derivatives of the mean log loss.

use luthier_core::linalg;
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};
use rayon::prelude::*;

use super::blocks::Block;
use super::cells::Cells;
use super::loss::{Part, Shape};
use super::rows::Rows;
use crate::optim::Curvature;

/// Parts that are summed up on their own: each holds matrices.
const HESSIAN_SHARDS: usize = 8;

/// The Hessian of `Σ w ℓ / W` at a point, symmetric and whole.
///
/// With `G_kl = Σ w p_k p_l (x,1)(x,1)ᵀ / W` the block of the classes `k ≠ l` is `−G_kl` and that of `k = k` is
/// `Σ_l G_kl`: no difference is taken, and a shift that all classes share changes exactly nothing. A binomial model
/// has `G_01` alone.
pub(super) fn hessian(rows: &Rows, shape: Shape, part: Part, point: &[f64]) -> Array2<f64> {
    let q = shape.width + 1;
    let (blocks, weight) = part.of(&rows.blocks);
    let pairs = pairs(shape);
    let parts: Vec<Vec<Array2<f64>>> = blocks
        .par_chunks(blocks.len().div_ceil(HESSIAN_SHARDS).max(1))
        .map(|blocks| {
            let mut grams = vec![Array2::zeros((q, q)); pairs.len()];
            let shift = &rows.units.shift;
            blocks.iter().for_each(|block| add_block(block, shape, shift, point, &pairs, &mut grams));
            grams
        })
        .collect();
    let mut grams = vec![Array2::zeros((q, q)); pairs.len()];
    for part in &parts {
        grams.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    for gram in &mut grams {
        linalg::mirror_lower(gram);
        *gram /= weight;
    }
    assemble(shape, &pairs, &grams)
}

/// The second derivatives of the loss at a point, with all their digits. The last unknown of a binomial model may be
/// held fast.
pub(super) fn curvature(rows: &Rows, shape: Shape, point: &[f64], held: impl Fn(usize) -> bool) -> Curvature {
    let matrix = Curvature::from_matrix(hessian(rows, shape, Part::All, point));
    if !matrix.needs_factor(held) {
        return matrix;
    }
    let factor = factor(rows, shape, Part::All, point);
    Curvature::from_rows(&[factor.view()], &vec![0.0; shape.unknowns()], rows.units.offset())
}

/// The Hessian where every row has the same probabilities, from `Σ w (x,1)(x,1)ᵀ / W`.
pub(super) fn constant_hessian(shape: Shape, probabilities: &[f64], gram: &Array2<f64>) -> Array2<f64> {
    let pairs = pairs(shape);
    let probability = |k: usize| probabilities.get(k).copied().unwrap_or(0.0);
    let grams: Vec<Array2<f64>> =
        pairs.iter().map(|(k, l)| gram * (probability(*k) * probability(*l))).collect();
    assemble(shape, &pairs, &grams)
}

/// `Σ w (x,1)(x,1)ᵀ / W`.
pub(super) fn gram(rows: &Rows, width: usize, part: Part) -> Array2<f64> {
    // At zero p(1−p) is ¼.
    let shape = Shape { sets: 1, width };
    hessian(rows, shape, part, &vec![0.0; shape.unknowns()]) * 4.0
}

fn pairs(shape: Shape) -> Vec<(usize, usize)> {
    match shape.sets {
        1 => vec![(0, 1)],
        sets => (0..sets).flat_map(|k| (k + 1..sets).map(move |l| (k, l))).collect(),
    }
}

fn assemble(shape: Shape, pairs: &[(usize, usize)], grams: &[Array2<f64>]) -> Array2<f64> {
    if let (1, [gram]) = (shape.sets, grams) {
        return gram.clone();
    }
    let q = shape.width + 1;
    let mut whole = Array2::zeros((shape.unknowns(), shape.unknowns()));
    let mut add = |k: usize, l: usize, gram: &Array2<f64>, sign: f64| {
        let mut block = whole.slice_mut(s![k * q..(k + 1) * q, l * q..(l + 1) * q]);
        block.scaled_add(sign, gram);
    };
    for ((k, l), gram) in pairs.iter().zip(grams) {
        add(*k, *k, gram, 1.0);
        add(*l, *l, gram, 1.0);
        add(*k, *l, gram, -1.0);
        add(*l, *k, gram, -1.0);
    }
    whole
}

fn add_block(
    block: &Block,
    shape: Shape,
    shift: &[f64],
    point: &[f64],
    pairs: &[(usize, usize)],
    grams: &mut [Array2<f64>],
) {
    let n = block.len();
    let probabilities = probabilities(block, shape, shift, point);
    let mut tile = Array2::zeros((n, shape.width + 1));
    for ((k, l), gram) in pairs.iter().zip(grams) {
        let (p, other) = (&probabilities[k * n..(k + 1) * n], &probabilities[l * n..(l + 1) * n]);
        let roots: Vec<f64> =
            p.iter().zip(other).zip(&block.weights).map(|((p, other), w)| (w * p * other).sqrt()).collect();
        fill(&mut tile, block, shape.width, shift, &roots);
        linalg::add_gram_lower(gram, tile.view());
    }
}

/// Rows `root · (x, 1)`.
pub(super) fn fill(tile: &mut Array2<f64>, block: &Block, width: usize, shift: &[f64], roots: &[f64]) {
    let q = width + 1;
    let Some(tile) = tile.as_slice_mut() else { return };
    match &block.cells {
        Cells::Dense(features) => {
            for (i, (target, root)) in tile.chunks_exact_mut(q).zip(roots).enumerate() {
                let row = &features[i * width..(i + 1) * width];
                target.iter_mut().zip(row).for_each(|(target, x)| *target = root * x);
                target[width] = *root;
            }
        }
        cells => {
            for (target, root) in tile.chunks_exact_mut(q).zip(roots) {
                target.fill(0.0);
                target.iter_mut().zip(shift).for_each(|(target, shift)| *target = -root * shift);
                target[width] = *root;
            }
            cells.for_each(width, |i, j, x| tile[i * q + j] += roots[i] * x);
        }
    }
}

/// A triangular factor `R` of the Hessian `RᵀR`, from weighted rows: what products of rows would lose it keeps.
///
/// As `diag(p) − p pᵀ = Σ p_k (e_k − p)(e_k − p)ᵀ`, the rows are `√(w p_k / W) (e_k − p) ⊗ (x, 1)`, one for each score;
/// of a binomial model `√(w p₀ p₁ / W) (x, 1)`.
pub(super) fn factor(rows: &Rows, shape: Shape, part: Part, point: &[f64]) -> Array2<f64> {
    let (blocks, weight) = part.of(&rows.blocks);
    let shift = &rows.units.shift;
    let parts: Vec<Array2<f64>> = blocks
        .par_chunks(blocks.len().div_ceil(HESSIAN_SHARDS).max(1))
        .map(|blocks| {
            let mut triangle = Triangle::new(shape.unknowns());
            blocks.iter().for_each(|block| triangle.push(weighted_rows(block, shape, shift, point).view()));
            triangle.finish()
        })
        .collect();
    let mut triangle = Triangle::new(shape.unknowns());
    parts.iter().for_each(|part| triangle.push(part.view()));
    triangle.finish() / weight.sqrt()
}

fn weighted_rows(block: &Block, shape: Shape, shift: &[f64], point: &[f64]) -> Array2<f64> {
    let (n, q) = (block.len(), shape.width + 1);
    let p = probabilities(block, shape, shift, point);
    let mut tile = Array2::zeros((n, q));
    if shape.sets == 1 {
        let (zero, one) = p.split_at(n);
        let products = zero.iter().zip(one).zip(&block.weights);
        let roots: Vec<f64> = products.map(|((zero, one), w)| (w * zero * one).sqrt()).collect();
        fill(&mut tile, block, shape.width, shift, &roots);
        return tile;
    }
    fill(&mut tile, block, shape.width, shift, &vec![1.0; n]);
    let mut rows = Array2::zeros((n * shape.sets, shape.unknowns()));
    let mut targets = rows.outer_iter_mut();
    for (i, x) in tile.outer_iter().enumerate() {
        for k in 0..shape.sets {
            let Some(mut target) = targets.next() else { continue };
            let root = (block.weights[i] * p[k * n + i]).sqrt();
            // 1 − p as the sum of the other probabilities.
            let others: f64 = (0..shape.sets).filter(|l| *l != k).map(|l| p[l * n + i]).sum();
            for l in 0..shape.sets {
                let part = if l == k { others } else { -p[l * n + i] };
                target.slice_mut(s![l * q..(l + 1) * q]).assign(&(&x * (root * part)));
            }
        }
    }
    rows
}

/// The triangular factor of rows that arrive piece by piece.
pub(super) struct Triangle {
    columns: usize,
    pieces: Vec<Array2<f64>>,
    rows: usize,
}

impl Triangle {
    pub(super) fn new(columns: usize) -> Self {
        Self { columns, pieces: Vec::new(), rows: 0 }
    }

    pub(super) fn push(&mut self, rows: ArrayView2<'_, f64>) {
        self.rows += rows.nrows();
        self.pieces.push(rows.to_owned());
        // Few rows at a time would factorise the triangle again and again.
        if self.rows > 4 * self.columns {
            self.reduce();
        }
    }

    fn reduce(&mut self) {
        let views: Vec<ArrayView2<'_, f64>> = self.pieces.iter().map(|piece| piece.view()).collect();
        if let Ok(stacked) = concatenate(Axis(0), &views) {
            let triangle = linalg::triangular_factor(stacked.view());
            self.rows = triangle.nrows();
            self.pieces = vec![triangle];
        }
    }

    pub(super) fn finish(mut self) -> Array2<f64> {
        self.reduce();
        self.pieces.pop().unwrap_or_else(|| Array2::zeros((0, self.columns)))
    }
}

/// The scores of all rows, set by set.
pub(super) fn scores(block: &Block, shape: Shape, shift: &[f64], point: &[f64]) -> Vec<f64> {
    let n = block.len();
    let mut all = Vec::with_capacity(shape.sets.max(2) * n);
    for point in point.chunks_exact(shape.width + 1) {
        let (slopes, moved) = (&point[..shape.width], point.iter().zip(shift).map(|(t, shift)| t * shift));
        let intercept = point[shape.width] - moved.sum::<f64>();
        let mut scores = vec![0.0; n];
        match &block.cells {
            Cells::Dense(features) => {
                if let Ok(rows) = ArrayView2::from_shape((n, shape.width), features) {
                    scores = linalg::matvec(rows, ndarray::aview1(slopes)).to_vec();
                }
            }
            cells => cells.for_each(shape.width, |i, j, x| scores[i] += x * slopes[j]),
        }
        all.extend(scores.iter().map(|score| score + intercept));
    }
    all
}

/// Class by class, a row each; of a binomial model those of both classes.
fn probabilities(block: &Block, shape: Shape, shift: &[f64], point: &[f64]) -> Vec<f64> {
    let n = block.len();
    let mut all = scores(block, shape, shift, point);
    if shape.sets == 1 {
        let both = |z: f64| {
            let e = (-z.abs()).exp();
            let (near, far) = (1.0 / (1.0 + e), e / (1.0 + e));
            if z < 0.0 { (near, far) } else { (far, near) }
        };
        let (zero, one): (Vec<f64>, Vec<f64>) = all.iter().map(|z| both(*z)).unzip();
        return zero.into_iter().chain(one).collect();
    }
    for i in 0..n {
        let scores = || (0..shape.sets).map(|k| k * n + i);
        let largest = scores().map(|at| all[at]).fold(f64::NEG_INFINITY, f64::max);
        scores().for_each(|at| all[at] = (all[at] - largest).exp());
        let sum: f64 = scores().map(|at| all[at]).sum();
        scores().for_each(|at| all[at] /= sum);
    }
    all
}
