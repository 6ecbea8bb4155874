//! Sparse features, fitted as they are: without the products of all pairs, which would take the square of their number.

use luthier_core::{Dataset, Error, Result, Tile};
use ndarray::Array1;

use super::design::{Cells, Design, SparseColumns};
use super::moments::Totals;
use super::scaling::{About, Spread};
use super::unit::{UnitSystem, Units};

/// Numbers below this have squares that lose digits.
const SMALLEST: f64 = 1e-145;

/// The rows with a positive weight of one fit, row by row.
#[derive(Debug)]
pub(super) struct SparseRows {
    width: usize,
    rows: Held,
    totals: Totals,
}

#[derive(Debug, Default)]
struct Held {
    /// Where each row ends.
    ends: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f64>,
    label: Vec<f64>,
    weight: Vec<f64>,
    count: u64,
}

/// The columns of a fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) features: &'a str,
    pub(super) label: &'a str,
    pub(super) weight: Option<&'a str>,
}

impl Held {
    fn add(&mut self, tile: &Tile<'_>, columns: Columns<'_>) -> Result<()> {
        let bad = [columns.features, columns.label].map(|column| tile.first_not_finite(column));
        if let Some(error) = bad.into_iter().flatten().min_by_key(Error::row) {
            return Err(error);
        }
        let weights = tile.weights(columns.weight)?;
        let labels = tile.numbers(columns.label)?;
        let sparse = tile.sparse(columns.features);
        let dense = if sparse.is_none() { Some(tile.vectors(columns.features)?) } else { None };
        self.count += tile.len() as u64;
        for (i, &label) in labels.iter().enumerate() {
            let weight = weights.as_ref().map_or(1.0, |weights| weights[i]);
            if weight == 0.0 {
                continue;
            }
            if let Some(rows) = &sparse {
                let (indices, values) = rows.row(i);
                let held = indices.iter().zip(values).filter(|(_, x)| **x != 0.0);
                held.for_each(|(j, x)| self.push(*j, *x));
            } else if let Some(rows) = &dense {
                let held = (0..).zip(rows.row(i)).filter(|(_, x)| **x != 0.0);
                held.for_each(|(j, x)| self.push(j, *x));
            }
            self.ends.push(self.values.len());
            self.label.push(label);
            self.weight.push(weight);
        }
        Ok(())
    }

    fn push(&mut self, j: u32, x: f64) {
        self.indices.push(j);
        self.values.push(x);
    }

    fn append(&mut self, other: Self) {
        let before = self.values.len();
        self.ends.extend(other.ends.iter().map(|end| end + before));
        self.indices.extend(other.indices);
        self.values.extend(other.values);
        self.label.extend(other.label);
        self.weight.extend(other.weight);
        self.count += other.count;
    }

    fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = i.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[i];
        self.indices[range.clone()].iter().map(|&j| j as usize).zip(self.values[range].iter().copied())
    }

    /// Checks that numbers are not so small that their squares vanish.
    fn require_visible(&self, columns: Columns<'_>) -> Result<()> {
        let named = [(columns.features, &self.values), (columns.label, &self.label)];
        let weight = columns.weight.map(|column| (column, &self.weight));
        for (column, numbers) in named.into_iter().chain(weight) {
            let largest = numbers.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
            if largest > 0.0 && largest < SMALLEST {
                return Err(Error::invalid(format!(
                    "the numbers of `{column}` are at most {largest:e}, too small to be squared in f64: multiply them by \
                     a constant first"
                )));
            }
        }
        Ok(())
    }

    /// Means and sums of squares about them; what is not held is taken in all at once.
    fn totals(&self, width: usize) -> Totals {
        let weight_sum: f64 = self.weight.iter().sum();
        let mut x_mean = Array1::<f64>::zeros(width);
        let mut held = vec![0.0; width];
        for (i, w) in self.weight.iter().enumerate() {
            self.row(i).for_each(|(j, x)| {
                x_mean[j] += w * x;
                held[j] += w;
            });
        }
        x_mean /= weight_sum;
        let mut xx: Array1<f64> =
            x_mean.iter().zip(&held).map(|(mean, held)| (weight_sum - held).max(0.0) * mean * mean).collect();
        for (i, w) in self.weight.iter().enumerate() {
            self.row(i).for_each(|(j, x)| xx[j] += w * (x - x_mean[j]).powi(2));
        }
        let first = self.label.first().copied().unwrap_or(0.0);
        let labels = || self.label.iter().zip(&self.weight);
        let y_mean = first + labels().map(|(y, w)| w * (y - first)).sum::<f64>() / weight_sum;
        Totals {
            rows: self.count,
            weight_sum,
            weight_sq_sum: self.weight.iter().map(|w| w * w).sum(),
            x_mean,
            y_mean,
            xx,
            yy: labels().map(|(y, w)| w * (y - y_mean).powi(2)).sum(),
        }
    }
}

impl SparseRows {
    /// Reads the rows once.
    ///
    /// # Errors
    /// A feature or label that is null, NaN or infinite, a weight that is negative or not finite, with column and row.
    pub(super) fn read(data: &Dataset, columns: Columns<'_>) -> Result<Self> {
        let width = crate::columns::width(data.schema(), columns.features)?;
        let mut names = vec![columns.features, columns.label];
        names.extend(columns.weight);
        let stretches = data.gather(&names, |_| Held::default(), |held, tile| held.add(tile, columns))?;
        let mut rows = Held::default();
        stretches.into_iter().for_each(|held| rows.append(held));
        rows.require_visible(columns)?;
        let totals = rows.totals(width);
        Ok(Self { width, totals, rows })
    }

    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The rows in unit coordinates.
    pub(super) fn system(&self, spread: &Spread, about: About) -> UnitSystem {
        let (totals, w, is_centred) = (&self.totals, self.totals.weight_sum, about == About::Mean);
        let active = spread.active(about);
        let about_zero = |mean: f64| if is_centred { 0.0 } else { w * mean * mean };
        let x_unit: Array1<f64> =
            active.iter().map(|&j| ((totals.xx[j] + about_zero(totals.x_mean[j])) / w).sqrt()).collect();
        let y_unit = ((totals.yy + about_zero(totals.y_mean)) / w).sqrt();
        let y_origin = if is_centred { totals.y_mean } else { 0.0 };
        let roots: Vec<f64> = self.rows.weight.iter().map(|weight| (weight / w).sqrt()).collect();
        let mean = active.iter().zip(&x_unit);
        let mean = mean.map(|(&j, unit)| if is_centred { totals.x_mean[j] / unit } else { 0.0 }).collect();
        let mut place = vec![None; self.width];
        active.iter().enumerate().for_each(|(at, &j)| place[j] = Some(at));
        let mut starts = vec![0; active.len() + 1];
        for at in self.rows.indices.iter().filter_map(|&j| place[j as usize]) {
            starts[at + 1] += 1;
        }
        for at in 0..active.len() {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let held = starts[active.len()];
        let (mut rows, mut values) = (vec![0; held], vec![0.0; held]);
        for (i, root) in roots.iter().enumerate() {
            for (at, x) in self.rows.row(i).filter_map(|(j, x)| Some((place[j]?, x))) {
                rows[next[at]] = i as u32;
                values[next[at]] = root * (x / x_unit[at]);
                next[at] += 1;
            }
        }
        let label = self.rows.label.iter().zip(&roots).map(|(y, root)| root * ((y - y_origin) / y_unit));
        let design = Design {
            label: label.collect(),
            cells: Cells::Sparse(SparseColumns { starts, rows, values, mean, roots }),
        };
        let units = Units::new(is_centred, totals, active, x_unit, y_unit);
        UnitSystem::of_design(units, design)
    }

    /// `Σ w (y − ŷ)²` and `Σ w (ŷ − ȳ)²` of a model.
    pub(super) fn sums_of_squares(&self, coefficients: &Array1<f64>, intercept: f64) -> (f64, f64) {
        let rows = self.rows.label.iter().zip(&self.rows.weight).enumerate();
        rows.fold((0.0, 0.0), |(residual, explained), (i, (y, w))| {
            let fitted = intercept + self.rows.row(i).map(|(j, x)| x * coefficients[j]).sum::<f64>();
            (residual + w * (y - fitted).powi(2), explained + w * (fitted - self.totals.y_mean).powi(2))
        })
    }
}
