//! The rows of one fit, standardised, in blocks that do not depend on the caller's partitions.

use luthier_core::{Dataset, Error, Result};
use rayon::prelude::*;

use super::blocks::{Block, read_blocks};
use super::cells::Cells;
use super::class_labels;
use super::powers::{exponent, scale};

/// Parts of a pass over blocks that are summed up on their own and merged in order: fewer where each sum is of
/// many numbers.
pub(super) fn shards<B: Sync>(blocks: &[B], numbers: usize) -> rayon::slice::Chunks<'_, B> {
    let count = if numbers > 1000 { 8 } else { 64 };
    blocks.par_chunks(blocks.len().div_ceil(count).max(1))
}

/// Squares of numbers up to this, and down to its inverse, can be added up.
const SAFE: f64 = 1e100;

/// The part of a mean's square below which a sparse feature's variance is rounding.
const ROUNDING: f64 = 1e-28;

/// The columns of a fit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RowColumns {
    pub(super) features: String,
    pub(super) label: String,
    pub(super) weight: Option<String>,
}

/// Where features are counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// An intercept makes up for it.
    Mean,
    /// There is an intercept with bounds of its own.
    ZeroBesideIntercept,
    /// There is no intercept, so that a constant feature is one.
    Zero,
}

/// `t = (x − centre) / unit` for the features that count: those that vary, and without intercept all but zeros.
#[derive(Debug, Clone)]
pub(super) struct Units {
    /// Number of features, constant ones included.
    pub(super) features: usize,
    /// Those that count.
    pub(super) active: Vec<usize>,
    /// Of the active ones: the mean, or 0 where rows are not centred.
    pub(super) centre: Vec<f64>,
    /// Of the active ones: the deviation, or the root mean square where rows are not centred.
    pub(super) unit: Vec<f64>,
    /// Whether `centre` was subtracted, or is to be where rows are used.
    pub(super) is_centred: bool,
    /// What is still to be subtracted from the numbers in sparse blocks, `centre / unit`; empty if nothing is.
    pub(super) shift: Vec<f64>,
    /// Of the active ones: the sample's standard deviation `√(Σ w (x−μ)² / (W − Σw²/W))`, 0 of constant ones.
    pub(super) deviation: Vec<f64>,
}

/// Standardised rows and their labels.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) blocks: Vec<Block>,
    pub(super) units: Units,
    /// Number of rows, whatever their weights.
    pub(super) count: u64,
    /// `W`, as all weights here in units of `2^weight_exponent`.
    pub(super) weight_sum: f64,
    /// Keeps squares of weights from over- and underflowing: the largest weight is from 1 to 2 in these units.
    pub(super) weight_exponent: i32,
    /// The smallest positive weight.
    pub(super) least_weight: f64,
    /// The labels of two classes that are not 0 and 1.
    pub(super) class_labels: Option<[f64; 2]>,
    /// The largest label and one, at least 2, or as many as are known by name.
    pub(super) classes: usize,
    /// The largest label and one, at least 2.
    pub(super) found_classes: usize,
    /// The labels that have scores of their own, ascending: 0 and 1, and all up to the largest that occurs, except that
    /// those that do not occur are left out where rows are centred and there are more than two classes.
    pub(super) present: Vec<u32>,
    /// Their weights.
    pub(super) class_weights: Vec<f64>,
}

impl Rows {
    /// Reads the rows once; of so many classes there are names.
    ///
    /// # Errors
    /// A feature that is null, NaN or infinite, a label that is no class, a weight that is negative or not finite,
    /// each with column and row; no row with a positive weight; features whose squares overflow.
    pub(super) fn read(data: &Dataset, columns: &RowColumns, origin: Origin, named: usize) -> Result<Self> {
        let centred = origin == Origin::Mean;
        let width = crate::columns::width(data.schema(), &columns.features)?;
        let (mut blocks, count) = read_blocks(data, columns, width)?;
        let weight_sum: f64 = blocks.iter().map(|b| b.weights.iter().sum::<f64>()).sum();
        if !(weight_sum > 0.0 && weight_sum.is_finite()) {
            return Err(Error::invalid(format!(
                "nothing to fit: {count} rows with a total weight of {weight_sum}; at least one row with a positive, \
                 finite weight is needed"
            )));
        }
        let weight_exponent = scale_weights(&mut blocks)?;
        let weight_sum = scale(weight_sum, -weight_exponent);
        let exponents = scale_features(&mut blocks, width);
        let Some(units) = standardise(&mut blocks, width, weight_sum, origin) else {
            return Err(not_finite(data, &columns.features));
        };
        let class_labels = class_labels::number(&mut blocks, data, &columns.label)?;
        let units = units.scaled(&exponents, data, &columns.features)?;
        let labels = blocks.iter().flat_map(|b| &b.classes);
        let found_classes = labels.max().map_or(0, |label| *label as usize + 1).max(2);
        let classes = found_classes.max(named);
        let mut all = vec![0.0; classes];
        for block in &blocks {
            block.classes.iter().zip(&block.weights).for_each(|(c, w)| all[*c as usize] += w);
        }
        let kept = |w: &f64| *w > 0.0 || !centred || classes == 2;
        let present: Vec<u32> = (0..).zip(&all).filter(|(_, w)| kept(w)).map(|(c, _)| c).collect();
        let class_weights = present.iter().map(|c| all[*c as usize]).collect();
        let mut place = vec![0; classes];
        (0..).zip(&present).for_each(|(k, c)| place[*c as usize] = k);
        for block in &mut blocks {
            block.classes.iter_mut().for_each(|c| *c = place[*c as usize]);
        }
        let weights = blocks.iter().flat_map(|b| &b.weights);
        let least_weight = weights.fold(f64::INFINITY, |a, b| a.min(*b));
        Ok(Self {
            blocks,
            units,
            count,
            weight_sum,
            weight_exponent,
            least_weight,
            classes,
            found_classes,
            class_labels,
            present,
            class_weights,
        })
    }

    /// A weight in the data's units.
    pub(super) fn weight(&self, weight: f64) -> f64 {
        scale(weight, self.weight_exponent)
    }

    /// The labels that no row has, among those up to the largest.
    pub(super) fn absent_classes(&self) -> Vec<usize> {
        let has_rows = |class: &usize| {
            let place = self.present.iter().position(|present| *present as usize == *class);
            place.is_some_and(|place| self.class_weights[place] > 0.0)
        };
        (0..self.classes).filter(|class| !has_rows(class)).collect()
    }

    /// Number of features in the blocks.
    pub(super) fn width(&self) -> usize {
        self.units.active.len()
    }
}

/// Why the moments of the features are not finite.
fn not_finite(data: &Dataset, features: &str) -> Error {
    let bad = data.for_each_tile(&[features], |tile| tile.first_not_finite(features).map_or(Ok(()), Err));
    bad.err().unwrap_or_else(|| {
        Error::invalid(format!("the moments of the features in `{features}` are not finite: rescale them"))
    })
}

/// Brings weights into units in which the largest is from 1 to 2.
fn scale_weights(blocks: &mut [Block]) -> Result<i32> {
    let weights = || blocks.iter().flat_map(|block| &block.weights);
    let largest = weights().fold(0.0_f64, |a, b| a.max(*b));
    let least = weights().fold(f64::INFINITY, |a, b| a.min(*b));
    let exponent = exponent(largest);
    if exponent != 0 {
        if scale(least, -exponent) < f64::MIN_POSITIVE {
            return Err(Error::invalid(format!(
                "weights from {least:e} to {largest:e} cannot be added up: rows whose weights are negligible beside others \
                 should be left out, or weigh 0"
            )));
        }
        for block in blocks {
            block.weights.iter_mut().for_each(|w| *w = scale(*w, -exponent));
        }
    }
    Ok(exponent)
}

/// Where a feature's squares could over- or underflow, brings it into units of a power of two; the exponents.
fn scale_features(blocks: &mut [Block], width: usize) -> Vec<i32> {
    let parts: Vec<Vec<f64>> = shards(blocks, width)
        .map(|blocks| {
            let mut largest = vec![0.0_f64; width];
            for block in blocks {
                block.cells.for_each(width, |_, j, x| largest[j] = largest[j].max(x.abs()));
            }
            largest
        })
        .collect();
    let largest = |j: usize| parts.iter().fold(0.0_f64, |a, part| a.max(part[j]));
    let is_safe = |x: f64| x == 0.0 || !x.is_finite() || (SAFE.recip()..=SAFE).contains(&x);
    let exponents: Vec<i32> =
        (0..width).map(largest).map(|x| if is_safe(x) { 0 } else { exponent(x) }).collect();
    if exponents.iter().any(|exponent| *exponent != 0) {
        let scaled = |j: usize, x: f64| if exponents[j] == 0 { x } else { scale(x, -exponents[j]) };
        blocks.par_iter_mut().for_each(|block| block.cells.map(width, scaled));
    }
    exponents
}

/// Sums over all blocks, in parallel and in a fixed order.
fn sum_rows(blocks: &[Block], len: usize, add: impl Fn(&Block, &mut [f64]) + Sync) -> Vec<f64> {
    let parts: Vec<Vec<f64>> = shards(blocks, len)
        .map(|blocks| {
            let mut sums = vec![0.0; len];
            blocks.iter().for_each(|block| add(block, &mut sums));
            sums
        })
        .collect();
    let mut total = vec![0.0; len];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
    }
    total
}

impl Block {
    /// Adds `Σ w (x − reference)`.
    fn add_offsets(&self, reference: &[f64], sums: &mut [f64]) {
        self.add(reference, sums, |w, offset| w * offset);
    }

    /// Adds `Σ w (x − reference)²`.
    fn add_squares(&self, reference: &[f64], sums: &mut [f64]) {
        self.add(reference, sums, |w, offset| w * offset * offset);
    }

    #[inline(always)]
    fn add(&self, reference: &[f64], sums: &mut [f64], term: impl Fn(f64, f64) -> f64) {
        match &self.cells {
            Cells::Dense(all) => {
                for (row, &w) in all.chunks_exact(sums.len().max(1)).zip(&self.weights) {
                    let each = sums.iter_mut().zip(row).zip(reference);
                    each.for_each(|((sum, x), reference)| *sum += term(w, x - reference));
                }
            }
            cells => cells.for_each(sums.len(), |i, j, x| sums[j] += term(self.weights[i], x - reference[j])),
        }
    }
}

/// Standardises the rows in place and takes constant features out of them. Zeros of sparse rows stay zeros: they are
/// centred where they are used. `None` if the moments are not finite.
fn standardise(blocks: &mut [Block], width: usize, weight_sum: f64, origin: Origin) -> Option<Units> {
    let centred = origin == Origin::Mean;
    let is_sparse = matches!(blocks.first(), Some(Block { cells: Cells::Sparse { .. }, .. }));
    let reference: Vec<f64> = match blocks.first().map(|block| &block.cells) {
        Some(Cells::Dense(all)) => all[..width].to_vec(),
        _ => vec![0.0; width],
    };
    let offsets = sum_rows(blocks, width, |block, sums| block.add_offsets(&reference, sums));
    let mean: Vec<f64> =
        reference.iter().zip(&offsets).map(|(reference, sum)| reference + sum / weight_sum).collect();
    let mut squares = sum_rows(blocks, width, |block, sums| block.add_squares(&mean, sums));
    if is_sparse {
        let held = sum_rows(blocks, width, |block, sums| {
            block.cells.for_each(width, |i, j, _| sums[j] += block.weights[i]);
        });
        for j in 0..width {
            let zeros = (weight_sum - held[j]).max(0.0);
            squares[j] += zeros * mean[j] * mean[j];
            if squares[j] <= ROUNDING * weight_sum * mean[j] * mean[j] {
                squares[j] = 0.0;
            }
        }
    }
    if !squares.iter().chain(&mean).all(|x| x.is_finite()) {
        return None;
    }
    let weight_squares: f64 = blocks.iter().flat_map(|b| &b.weights).map(|w| w * w).sum();
    let divisor = weight_sum - weight_squares / weight_sum;
    let varies = |j: usize| squares[j] > 0.0 && divisor > 0.0;
    let counts = |j: &usize| varies(*j) || (origin == Origin::Zero && mean[*j] != 0.0);
    let active: Vec<usize> = (0..width).filter(counts).collect();
    let pick = |f: &dyn Fn(usize) -> f64| -> Vec<f64> { active.iter().map(|&j| f(j)).collect() };
    let deviation = pick(&|j| if varies(j) { (squares[j] / divisor).sqrt() } else { 0.0 });
    let (centre, unit) = match centred {
        true => (pick(&|j| mean[j]), deviation.clone()),
        false => (vec![0.0; active.len()], pick(&|j| (squares[j] / weight_sum + mean[j] * mean[j]).sqrt())),
    };
    let shift = match centred && is_sparse {
        true => centre.iter().zip(&unit).map(|(centre, unit)| centre / unit).collect(),
        false => Vec::new(),
    };
    let units = Units { features: width, active, centre, unit, is_centred: centred, shift, deviation };
    units.apply(blocks);
    Some(units)
}

impl Units {
    /// How many times their units the features lie from zero at most: they are known to `ε` of that.
    pub(super) fn offset(&self) -> f64 {
        self.centre.iter().zip(&self.unit).map(|(centre, unit)| (centre / unit).abs()).fold(0.0, f64::max)
    }

    /// The same in the data's units, where the blocks were scaled by powers of two.
    ///
    /// # Errors
    /// Units that no double is, or only one with fewer digits.
    fn scaled(mut self, exponents: &[i32], data: &Dataset, features: &str) -> Result<Self> {
        for (at, &feature) in self.active.iter().enumerate() {
            let back = |x: f64| scale(x, exponents[feature]);
            self.centre[at] = back(self.centre[at]);
            self.unit[at] = back(self.unit[at]);
            self.deviation[at] = back(self.deviation[at]);
            let sizes = [self.unit[at], self.unit[at].recip()];
            let deviation = self.deviation[at];
            if !(sizes.iter().all(|size| size.is_normal()) && (deviation == 0.0 || deviation.is_normal())) {
                let name = super::notes::Names::of(data.schema(), features, None).feature(feature);
                return Err(Error::invalid(format!(
                    "{name} has values of a size of {:e}, which cannot be computed with: rescale it",
                    self.unit[at]
                )));
            }
        }
        Ok(self)
    }

    fn apply(&self, blocks: &mut [Block]) {
        let inverse: Vec<f64> = self.unit.iter().map(|unit| 1.0 / unit).collect();
        let mut place = vec![None; self.features];
        self.active.iter().enumerate().for_each(|(at, &feature)| place[feature] = Some(at));
        blocks.par_iter_mut().for_each(|block| match &mut block.cells {
            Cells::Dense(rows) => self.apply_dense(rows, &inverse),
            Cells::Sparse { ends, indices, values } => {
                let (mut from, mut to) = (0, 0);
                for end in ends {
                    for k in from..*end {
                        if let Some(at) = place[indices[k] as usize] {
                            indices[to] = at as u32;
                            values[to] = values[k] * inverse[at];
                            to += 1;
                        }
                    }
                    (from, *end) = (*end, to);
                }
                indices.truncate(to);
                values.truncate(to);
            }
        });
    }

    fn apply_dense(&self, rows: &mut Vec<f64>, inverse: &[f64]) {
        let (from, to) = (self.features, self.active.len());
        let count = rows.len().checked_div(from).unwrap_or(0);
        if from == to {
            for row in rows.chunks_exact_mut(from.max(1)) {
                let entries = row.iter_mut().zip(&self.centre).zip(inverse);
                entries.for_each(|((x, centre), inverse)| *x = (*x - centre) * inverse);
            }
            return;
        }
        // What is written lies before what is still to be read.
        for i in 0..count {
            for (j, &feature) in self.active.iter().enumerate() {
                rows[i * to + j] = (rows[i * from + feature] - self.centre[j]) * inverse[j];
            }
        }
        rows.truncate(count * to);
        rows.shrink_to_fit();
    }
}
