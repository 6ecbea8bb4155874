//! The mean log loss and its gradient at the points of several candidates, in one pass over the rows.

use rayon::prelude::*;

use super::blocks::Block;
use super::cells::Cells;
use super::products::{ROW_STEP, dense_gradient, dense_scores, sparse_gradient, sparse_scores};
use super::rows::{Rows, shards};
use super::wide::{LANES, exp, exp_lane, log1p, log1p_lane};

/// Floats that stay in a first-level cache, or nearly, while they are used for scores and for gradients.
const PIECE_FLOATS: usize = 1 << 13;

/// Fewer rows would cost more for taking sums up and putting them down than they save.
const LEAST_ROWS: usize = 24;

/// The unknowns of a model: `width` coefficients and an intercept for each of `sets` scores. One set is the score of
/// class 1 of a binomial model; a multinomial model has a set for each class that occurs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub(super) sets: usize,
    pub(super) width: usize,
}

impl Shape {
    pub(super) fn unknowns(self) -> usize {
        self.sets * (self.width + 1)
    }

    /// Where the intercept of a set is.
    pub(super) fn intercept(self, set: usize) -> usize {
        set * (self.width + 1) + self.width
    }
}

/// Which blocks are read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Part {
    All,
    /// Every so many-th block.
    Sample(usize),
}

impl Part {
    pub(super) fn of(self, blocks: &[Block]) -> (Vec<&Block>, f64) {
        let step = match self {
            Self::All => 1,
            Self::Sample(step) => step.max(1),
        };
        let chosen: Vec<&Block> = blocks.iter().step_by(step).collect();
        let weight = chosen.iter().map(|b| b.weights.iter().sum::<f64>()).sum();
        (chosen, weight)
    }
}

/// A point of a candidate, and what its decisions add to the scores.
#[derive(Debug)]
pub(super) struct Query<'a> {
    pub(super) point: &'a [f64],
    /// One a set: class 1 is predicted where `score + offset > 0`, or else the class where it is largest.
    pub(super) offsets: &'a [f64],
}

/// The loss `Σ w ℓ / W` at a point.
#[derive(Debug, Clone)]
pub(super) struct LossAt {
    pub(super) loss: f64,
    pub(super) gradient: Vec<f64>,
    /// Share of the weight that is predicted right.
    pub(super) accuracy: f64,
}

/// Some candidates side by side: eight, or one alone where the features are sparse.
struct Panel<const N: usize> {
    point: Vec<[f64; N]>,
    offsets: Vec<[f64; N]>,
}

#[derive(Clone)]
struct Sums<const N: usize> {
    loss: [f64; N],
    correct: [f64; N],
    gradient: Vec<[f64; N]>,
}

/// The losses at all points. What a candidate gets does not depend on the others, to the last bit.
pub(super) fn losses(rows: &Rows, shape: Shape, part: Part, queries: &[Query<'_>]) -> Vec<LossAt> {
    let is_sparse = rows.blocks.iter().any(|block| matches!(block.cells, Cells::Sparse { .. }));
    match queries {
        // Sparse numbers touch a place in memory each: seven lanes that nobody asked for would cost what they weigh.
        [_] if is_sparse => losses_by::<1>(rows, shape, part, queries),
        _ => losses_by::<LANES>(rows, shape, part, queries),
    }
}

fn losses_by<const N: usize>(rows: &Rows, shape: Shape, part: Part, queries: &[Query<'_>]) -> Vec<LossAt> {
    let panels: Vec<Panel<N>> =
        queries.chunks(N).map(|some| Panel::new(shape, &rows.units.shift, some)).collect();
    let (blocks, weight) = part.of(&rows.blocks);
    let parts: Vec<Vec<Sums<N>>> = shards(&blocks, shape.unknowns())
        .map(|blocks| {
            let mut sums: Vec<Sums<N>> = panels.iter().map(|_| Sums::empty(shape)).collect();
            let mut scratch = Vec::new();
            for block in blocks {
                scratch.resize(shape.sets * block.len(), [0.0; N]);
                let (panels, sums) = (&panels[..], &mut sums[..]);
                pulp::Arch::new().dispatch(AddBlock { block, shape, panels, scratch: &mut scratch, sums });
            }
            sums
        })
        .collect();
    let mut total: Vec<Sums<N>> = panels.iter().map(|_| Sums::empty(shape)).collect();
    for part in &parts {
        total.iter_mut().zip(part).for_each(|(total, part)| total.add(part));
    }
    total.iter_mut().for_each(|sums| sums.centre(shape, &rows.units.shift));
    let at = |i: usize| {
        let (sums, lane) = (&total[i / N], i % N);
        LossAt {
            loss: sums.loss[lane] / weight,
            gradient: sums.gradient.iter().map(|g| g[lane] / weight).collect(),
            accuracy: sums.correct[lane] / weight,
        }
    };
    (0..queries.len()).map(at).collect()
}

impl<const N: usize> Panel<N> {
    fn new(shape: Shape, shift: &[f64], queries: &[Query<'_>]) -> Self {
        let mut point = vec![[0.0; N]; shape.unknowns()];
        let mut offsets = vec![[0.0; N]; shape.sets];
        for (lane, query) in queries.iter().enumerate() {
            point.iter_mut().zip(query.point).for_each(|(all, one)| all[lane] = *one);
            offsets.iter_mut().zip(query.offsets).for_each(|(all, one)| all[lane] = *one);
        }
        // The scores of numbers that are not centred.
        for set in point.chunks_exact_mut(shape.width + 1) {
            let mut intercept = set[shape.width];
            for (slope, shift) in set.iter().zip(shift) {
                for m in 0..N {
                    intercept[m] -= shift * slope[m];
                }
            }
            set[shape.width] = intercept;
        }
        Self { point, offsets }
    }
}

impl<const N: usize> Sums<N> {
    fn empty(shape: Shape) -> Self {
        Self { loss: [0.0; N], correct: [0.0; N], gradient: vec![[0.0; N]; shape.unknowns()] }
    }

    /// `Σ r (x − shift)` from `Σ r x`.
    fn centre(&mut self, shape: Shape, shift: &[f64]) {
        for set in self.gradient.chunks_exact_mut(shape.width + 1) {
            let residuals = set[shape.width];
            for (sum, shift) in set.iter_mut().zip(shift) {
                for m in 0..N {
                    sum[m] -= shift * residuals[m];
                }
            }
        }
    }

    fn add(&mut self, other: &Self) {
        for m in 0..N {
            self.loss[m] += other.loss[m];
            self.correct[m] += other.correct[m];
        }
        for (sum, other) in self.gradient.iter_mut().zip(&other.gradient) {
            for m in 0..N {
                sum[m] += other[m];
            }
        }
    }
}

struct AddBlock<'a, const N: usize> {
    block: &'a Block,
    shape: Shape,
    panels: &'a [Panel<N>],
    /// For scores, set by set.
    scratch: &'a mut [[f64; N]],
    /// One for each panel.
    sums: &'a mut [Sums<N>],
}

impl<const N: usize> pulp::WithSimd for AddBlock<'_, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        // One lane would not fill a register.
        match N.is_multiple_of(S::F64_LANES) {
            true => self.add(simd),
            false => self.add(pulp::Scalar::new()),
        }
    }
}

impl<const N: usize> AddBlock<'_, N> {
    #[inline(always)]
    fn add<S: pulp::Simd>(self, simd: S) {
        let Self { block, shape, panels, scratch, sums } = self;
        let (width, q) = (shape.width, shape.width + 1);
        match &block.cells {
            Cells::Dense(features) => {
                let most = (PIECE_FLOATS / width.max(1)).clamp(LEAST_ROWS, 1024) / ROW_STEP * ROW_STEP;
                let labels = block.classes.chunks(most).zip(block.weights.chunks(most));
                let mut rest = &features[..];
                for (classes, weights) in labels {
                    let n = classes.len();
                    let piece;
                    (piece, rest) = rest.split_at(n * width);
                    let scores = &mut scratch[..shape.sets * n];
                    for (panel, sums) in panels.iter().zip(sums.iter_mut()) {
                        for (scores, point) in scores.chunks_exact_mut(n).zip(panel.point.chunks_exact(q)) {
                            dense_scores(simd, piece, point, scores);
                        }
                        residuals(classes, weights, shape, panel, scores, sums);
                        for (scores, gradient) in
                            scores.chunks_exact(n).zip(sums.gradient.chunks_exact_mut(q))
                        {
                            dense_gradient(simd, piece, scores, gradient);
                        }
                    }
                }
            }
            Cells::Sparse { ends, indices, values } => {
                let n = block.len();
                for (panel, sums) in panels.iter().zip(sums) {
                    for (scores, point) in scratch.chunks_exact_mut(n).zip(panel.point.chunks_exact(q)) {
                        sparse_scores(ends, indices, values, point, scores);
                    }
                    residuals(&block.classes, &block.weights, shape, panel, scratch, sums);
                    for (scores, gradient) in scratch.chunks_exact(n).zip(sums.gradient.chunks_exact_mut(q)) {
                        sparse_gradient(ends, indices, values, scores, gradient);
                    }
                }
            }
        }
    }
}

/// Scores become residuals.
#[inline(always)]
fn residuals<const N: usize>(
    classes: &[u32],
    weights: &[f64],
    shape: Shape,
    panel: &Panel<N>,
    scores: &mut [[f64; N]],
    sums: &mut Sums<N>,
) {
    match shape.sets {
        1 => binomial(classes, weights, &panel.offsets[0], scores, sums),
        sets => multinomial(classes, weights, sets, &panel.offsets, scores, sums),
    }
}

/// `−z` where the label is 1 and `z` where it is 0 lose no digits to `1 − p`. Scores become residuals `w (p − y)`.
#[inline(always)]
fn binomial<const N: usize>(
    classes: &[u32],
    weights: &[f64],
    offsets: &[f64; N],
    scores: &mut [[f64; N]],
    sums: &mut Sums<N>,
) {
    let (mut loss, mut correct) = (sums.loss, sums.correct);
    for ((z, &class), &w) in scores.iter_mut().zip(classes).zip(weights) {
        let (sign, predicted_zero) = if class == 1 { (1.0, 0.0) } else { (-1.0, w) };
        for m in 0..N {
            let margin = sign * z[m];
            let e = exp_lane(-margin.abs());
            let inverse = 1.0 / (1.0 + e);
            let wrong = if margin < 0.0 { inverse } else { e * inverse };
            loss[m] += w * (log1p_lane(e, inverse) - margin.min(0.0));
            // Class 0 is predicted at the threshold itself.
            let is_one = if z[m] + offsets[m] > 0.0 { 1.0 } else { 0.0 };
            correct[m] += (sign * w).mul_add(is_one, predicted_zero);
            // A score that is not a number must not be mended.
            z[m] = if margin.is_nan() { f64::NAN } else { -sign * w * wrong };
        }
    }
    sums.loss = loss;
    sums.correct = correct;
}

/// Scores become residuals `w (p_k − [y = k])`.
#[inline(always)]
fn multinomial<const N: usize>(
    classes: &[u32],
    weights: &[f64],
    sets: usize,
    offsets: &[[f64; N]],
    scores: &mut [[f64; N]],
    sums: &mut Sums<N>,
) {
    let n = classes.len();
    for (i, (&class, &w)) in classes.iter().zip(weights).enumerate() {
        let (mut largest, mut place) = (scores[i], [0.0; N]);
        let (mut decided, mut choice) = (scores[i], [0.0; N]);
        for m in 0..N {
            decided[m] += offsets[0][m];
        }
        for k in 1..sets {
            let z = scores[k * n + i];
            for m in 0..N {
                let better = z[m] > largest[m];
                largest[m] = if better { z[m] } else { largest[m] };
                place[m] = if better { k as f64 } else { place[m] };
                let with_offset = z[m] + offsets[k][m];
                let better = with_offset > decided[m];
                decided[m] = if better { with_offset } else { decided[m] };
                choice[m] = if better { k as f64 } else { choice[m] };
            }
        }
        let (own, mut others) = (scores[class as usize * n + i], [0.0; N]);
        for k in 0..sets {
            let z = &mut scores[k * n + i];
            for m in 0..N {
                z[m] -= largest[m];
            }
            let e = exp(*z);
            for m in 0..N {
                others[m] += if place[m] == k as f64 { 0.0 } else { e[m] };
            }
            *z = e;
        }
        let mut inverse = [0.0; N];
        for m in 0..N {
            inverse[m] = 1.0 / (1.0 + others[m]);
        }
        let log = log1p(others, inverse);
        let own_e = scores[class as usize * n + i];
        for m in 0..N {
            sums.loss[m] += w * (log[m] + (largest[m] - own[m]));
            sums.correct[m] += if choice[m] == f64::from(class) { w } else { 0.0 };
        }
        for k in 0..sets {
            let e = &mut scores[k * n + i];
            for m in 0..N {
                e[m] *= w * inverse[m];
            }
        }
        // 1 − p as the sum of the other probabilities.
        let own_residual = &mut scores[class as usize * n + i];
        for m in 0..N {
            let rest = if place[m] == f64::from(class) { others[m] } else { 1.0 + others[m] - own_e[m] };
            own_residual[m] = -w * rest * inverse[m];
        }
    }
}
