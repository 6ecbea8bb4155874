//! Weighted, centred first and second moments.

use luthier_frame::Schema;
use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use serde::{Deserialize, Serialize};

use super::centre::{self, Shifted, lay_out, too_large, total_width};
use super::{ColumnSpan, Summary};
use crate::affine::{Affine, AffineColumns, Linear};
use crate::rows::Tile;
use crate::{Error, Result, linalg};

/// A derived variance must keep this many of its digits, else the rows are read.
pub(super) const DIGITS_KEPT: f64 = 1e-11;

/// How much larger than the scatter so far the squared distance of a tile's mean from the mean so far may be: as
/// many times its rounding error goes into the scatter.
const DRIFT_ALLOWED: f64 = 8.0;

/// The columns of [`Moments`] or a [`QrFactor`](super::QrFactor), and their weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MomentsSpec {
    /// Numeric and vector columns, side by side in this order.
    pub columns: Vec<String>,
    /// A numeric column of weights; every row weighs 1 without it.
    pub weight_col: Option<String>,
}

impl MomentsSpec {
    /// The moments of these columns, unweighted; a column named twice is taken once.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        let mut unique: Vec<String> = Vec::new();
        for column in columns.into_iter().map(Into::into) {
            if !unique.contains(&column) {
                unique.push(column);
            }
        }
        Self { columns: unique, weight_col: None }
    }

    /// The same with rows weighted by a column.
    pub fn weighted_by(mut self, weight_col: Option<&str>) -> Self {
        self.weight_col = weight_col.map(str::to_owned);
        self
    }

    pub(super) fn columns_read(&self) -> Vec<String> {
        self.columns.iter().chain(&self.weight_col).cloned().collect()
    }

    pub(super) fn union(a: &Self, b: &Self) -> Option<Self> {
        (a.weight_col == b.weight_col)
            .then(|| Self::new(a.columns.iter().chain(&b.columns)).weighted_by(a.weight_col.as_deref()))
    }

    pub(super) fn pull_back(&self, map: &AffineColumns) -> Option<Self> {
        if self.weight_col.as_ref() == Some(&map.output) {
            return None;
        }
        let columns = self
            .columns
            .iter()
            .flat_map(|column| if *column == map.output { map.inputs.clone() } else { vec![column.clone()] });
        Some(Self::new(columns).weighted_by(self.weight_col.as_deref()))
    }
}

/// Positions of the columns' features in a layout; `None` if a column is missing.
pub(super) fn feature_indices(columns: &[String], spans: &[ColumnSpan]) -> Option<Vec<usize>> {
    let mut indices = Vec::new();
    for column in columns {
        let span = spans.iter().find(|span| span.name == *column)?;
        indices.extend(span.start..span.start + span.width);
    }
    Some(indices)
}

/// The layout of some of the columns, and where their features were.
pub(super) fn selected_layout(
    columns: &[String],
    spans: &[ColumnSpan],
) -> Option<(Vec<ColumnSpan>, Vec<usize>)> {
    let indices = feature_indices(columns, spans)?;
    let mut start = 0;
    let selected = columns.iter().filter_map(|name| spans.iter().find(|span| span.name == *name));
    let selected = selected.map(|span| {
        start += span.width;
        ColumnSpan { start: start - span.width, ..span.clone() }
    });
    Some((selected.collect(), indices))
}

/// Position and width of a column.
pub(super) fn span_of(column: &str, spans: &[ColumnSpan]) -> Result<std::ops::Range<usize>> {
    match spans.iter().find(|span| span.name == column) {
        Some(span) => Ok(span.start..span.start + span.width),
        None => Err(missing(column)),
    }
}

/// The layout behind an affine map.
pub(super) fn lifted_layout(to: &MomentsSpec, spans: &[ColumnSpan], map: &Affine) -> Result<Vec<ColumnSpan>> {
    let inputs = input_indices(spans, map)?;
    let mut start = 0;
    to.columns
        .iter()
        .map(|name| {
            let width = if *name == map.columns.output {
                map.output_width(inputs.len())
            } else {
                spans.iter().find(|span| span.name == *name).ok_or_else(|| missing(name))?.width
            };
            start += width;
            Ok(ColumnSpan { name: name.clone(), start: start - width, width })
        })
        .collect()
}

/// Positions of the map's input features, checked against its size.
pub(super) fn input_indices(spans: &[ColumnSpan], map: &Affine) -> Result<Vec<usize>> {
    let inputs = feature_indices(&map.columns.inputs, spans).ok_or_else(|| missing(&map.columns.output))?;
    if !map.accepts(inputs.len()) {
        return Err(Error::invalid(format!(
            "the affine map to `{}` does not fit its {} input features",
            map.columns.output,
            inputs.len()
        )));
    }
    Ok(inputs)
}

fn missing(name: &str) -> Error {
    Error::invalid(format!("the summary holds no column for `{name}`"))
}

/// Weighted count, mean and centred scatter of several columns side by side:
/// `W = Σw`, `μ = Σ w x / W`, `scatter = Σ w (x−μ)(x−μ)ᵀ`.
///
/// Each tile is centred by its own mean before it is squared, and parts are merged by the formula of Chan,
/// Golub and LeVeque (1979), so neither a large offset nor the order of the rows costs digits. A constant
/// column has a variance of exactly zero.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Moments {
    spans: Vec<ColumnSpan>,
    rows: u64,
    weight_sum: f64,
    weight_sq_sum: f64,
    mean: Array1<f64>,
    /// Only the lower triangle counts.
    scatter: Array2<f64>,
    /// Size of the quantities each feature was computed from, when it was derived from others.
    noise: Option<Array1<f64>>,
    /// The same for the means.
    mean_noise: Option<Array1<f64>>,
}

impl Moments {
    /// Where the columns lie, in the order of the spec.
    pub fn spans(&self) -> &[ColumnSpan] {
        &self.spans
    }

    /// Position and width of a column.
    ///
    /// # Errors
    /// If it is not among the spec's columns.
    pub fn span(&self, column: &str) -> Result<std::ops::Range<usize>> {
        span_of(column, &self.spans)
    }

    /// Number of rows, whatever their weights.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Σw.
    pub fn weight_sum(&self) -> f64 {
        self.weight_sum
    }

    /// Σw².
    pub fn weight_sq_sum(&self) -> f64 {
        self.weight_sq_sum
    }

    /// The weighted means, one per feature.
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.view()
    }

    /// The centred scatter `Σ w (x−μ)(x−μ)ᵀ`: divide by `weight_sum()` for the population covariance.
    pub fn scatter(&self) -> Array2<f64> {
        let mut full = self.scatter.clone();
        linalg::mirror_lower(&mut full);
        full
    }

    /// The part of the scatter between the features of two columns.
    ///
    /// # Errors
    /// If one of them is not among the spec's columns.
    pub fn scatter_between(&self, a: &str, b: &str) -> Result<Array2<f64>> {
        let (a, b) = (self.span(a)?, self.span(b)?);
        Ok(Array2::from_shape_fn((a.len(), b.len()), |(i, j)| {
            let (i, j) = (a.start + i, b.start + j);
            self.product(i, j)
        }))
    }

    /// The weighted means of a column's features.
    ///
    /// # Errors
    /// If the column is not among the spec's.
    pub fn mean_of(&self, column: &str) -> Result<Array1<f64>> {
        Ok(self.mean.slice(s![self.span(column)?]).to_owned())
    }

    /// Sample variances `scatter_jj / (W − Σw²/W)`, with reliability weights; for unit weights the divisor is
    /// `n − 1`. NaN when the divisor is not positive.
    pub fn sample_variance(&self) -> Array1<f64> {
        let divisor = self.weight_sum - self.weight_sq_sum / self.weight_sum;
        let divisor = if divisor > 0.0 { divisor } else { f64::NAN };
        self.scatter.diag().mapv(|x| x / divisor)
    }

    /// For each feature the size, in the units of `sqrt(scatter_jj)`, of the quantities it was computed from: a
    /// variance derived by cancellation carries an absolute error of about `ε · noise²`.
    pub fn noise(&self) -> Array1<f64> {
        match &self.noise {
            Some(noise) => noise.clone(),
            None => self.scatter.diag().mapv(f64::sqrt),
        }
    }

    /// For each feature the size of the quantities its mean was computed from: a mean derived by cancellation
    /// carries an absolute error of about `ε · mean_noise`.
    pub fn mean_noise(&self) -> Array1<f64> {
        match &self.mean_noise {
            Some(noise) => noise.clone(),
            None => self.mean.mapv(f64::abs),
        }
    }

    /// An entry of the scatter, of whose triangles one counts.
    fn product(&self, i: usize, j: usize) -> f64 {
        self.scatter[[i.max(j), i.min(j)]]
    }

    fn select(&self, columns: &[String]) -> Option<Self> {
        let (spans, indices) = selected_layout(columns, &self.spans)?;
        Some(Self {
            spans,
            mean: self.mean.select(Axis(0), &indices),
            scatter: Array2::from_shape_fn((indices.len(), indices.len()), |(i, j)| {
                if i >= j { self.product(indices[i], indices[j]) } else { 0.0 }
            }),
            noise: self.noise.as_ref().map(|noise| noise.select(Axis(0), &indices)),
            mean_noise: self.mean_noise.as_ref().map(|noise| noise.select(Axis(0), &indices)),
            ..*self
        })
    }

    /// Covariances of the kept features with the mapped ones, and of the mapped ones with each other.
    fn map_scatter(&self, inputs: &[usize], kept: &[usize], map: &Affine) -> (Array2<f64>, Array2<f64>) {
        let across =
            Array2::from_shape_fn((kept.len(), inputs.len()), |(i, j)| self.product(kept[i], inputs[j]));
        let across = map.apply_linear(across.view());
        let side_by_side = inputs.windows(2).all(|pair| pair[1] == pair[0] + 1);
        let among = match (&map.linear, inputs.first()) {
            // A model's prediction: one sweep over the triangle.
            (Linear::Dense(matrix), Some(&start)) if matrix.ncols() == 1 && side_by_side => {
                let square = self.scatter.slice(s![start..start + inputs.len(), start..start + inputs.len()]);
                Array2::from_elem((1, 1), linalg::quadratic_form_lower(square, matrix.column(0)))
            }
            _ => {
                let full = Array2::from_shape_fn((inputs.len(), inputs.len()), |(i, j)| {
                    self.product(inputs[i], inputs[j])
                });
                map.apply_linear(map.apply_linear(full.view()).t())
            }
        };
        (across, among)
    }

    /// Adds rows that are relative to the mean so far. Only where they lie far off in terms of the scatter so far
    /// does it take a second sweep to centre them by themselves before they are squared.
    fn take_in(&mut self, mut tile: Shifted<'_>) {
        let (before, added) = (self.weight_sum, tile.weight_sum);
        let near = |(drift, scatter): (&f64, &f64)| added * drift * drift <= DRIFT_ALLOWED * scatter;
        self.weight_sq_sum += tile.weight_sq_sum;
        if before > 0.0 && tile.drift.iter().zip(self.scatter.diag()).all(near) {
            linalg::add_gram_lower(&mut self.scatter, tile.rows.view());
            let total = before + added;
            self.add_outer(&tile.drift, -added * (added / total));
            self.mean.scaled_add(added / total, &tile.drift);
            self.weight_sum = total;
        } else {
            tile.centre();
            linalg::add_gram_lower(&mut self.scatter, tile.rows.view());
            self.absorb_mean(&tile.reference, added);
        }
    }

    /// Adds `factor · v vᵀ` to the scatter.
    fn add_outer(&mut self, v: &Array1<f64>, factor: f64) {
        linalg::add_outer_lower(&mut self.scatter, v, factor);
    }

    /// Adds rows that were centred by `mean`, whose scatter is in place already.
    fn absorb_mean(&mut self, mean: &Array1<f64>, weight_sum: f64) {
        let total = self.weight_sum + weight_sum;
        if weight_sum == 0.0 {
            return;
        }
        if self.weight_sum == 0.0 {
            self.mean.assign(mean);
        } else {
            let delta = mean - &self.mean;
            self.add_outer(&delta, self.weight_sum * (weight_sum / total));
            self.mean.scaled_add(weight_sum / total, &delta);
        }
        self.weight_sum = total;
    }
}

impl Summary for Moments {
    type Spec = MomentsSpec;
    const NAME: &'static str = "moments";

    fn columns(spec: &MomentsSpec) -> Vec<String> {
        spec.columns_read()
    }

    fn empty(spec: &MomentsSpec, schema: &Schema) -> Result<Self> {
        let spans = lay_out(&spec.columns, schema)?;
        let width = total_width(&spans);
        Ok(Self {
            spans,
            rows: 0,
            weight_sum: 0.0,
            weight_sq_sum: 0.0,
            mean: Array1::zeros(width),
            scatter: Array2::zeros((width, width)),
            noise: None,
            mean_noise: None,
        })
    }

    fn update(&mut self, spec: &MomentsSpec, tile: &Tile<'_>) -> Result<()> {
        self.rows += tile.len() as u64;
        let reference = (self.weight_sum > 0.0).then(|| self.mean.clone());
        let spans = std::mem::take(&mut self.spans);
        let weight_col = spec.weight_col.as_deref();
        let taken = centre::with_shifted(tile, &spans, weight_col, reference.as_ref(), |tile| {
            self.take_in(tile);
            Ok(())
        });
        self.spans = spans;
        taken?;
        if self.scatter.diag().iter().all(|x| x.is_finite()) { Ok(()) } else { Err(too_large(&self.spans)) }
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.spans != other.spans {
            return Err(Error::invalid("moments of different columns cannot be merged"));
        }
        let noise = (self.noise.is_some() || other.noise.is_some())
            .then(|| ndarray::Zip::from(&self.noise()).and(&other.noise()).map_collect(|a, b| a.hypot(*b)));
        let mean_noise = (self.mean_noise.is_some() || other.mean_noise.is_some()).then(|| {
            ndarray::Zip::from(&self.mean_noise()).and(&other.mean_noise()).map_collect(|a, b| a.max(*b))
        });
        self.rows += other.rows;
        self.weight_sq_sum += other.weight_sq_sum;
        self.scatter += &other.scatter;
        self.absorb_mean(&other.mean, other.weight_sum);
        self.noise = noise;
        self.mean_noise = mean_noise;
        Ok(())
    }

    fn bytes(&self) -> usize {
        size_of::<f64>() * self.scatter.len()
    }

    fn union(a: &MomentsSpec, b: &MomentsSpec) -> Option<MomentsSpec> {
        MomentsSpec::union(a, b)
    }

    fn project(&self, from: &MomentsSpec, to: &MomentsSpec) -> Option<Self> {
        if from.weight_col == to.weight_col { self.select(&to.columns) } else { None }
    }

    fn pull_back(spec: &MomentsSpec, columns: &AffineColumns) -> Option<MomentsSpec> {
        spec.pull_back(columns)
    }

    fn lift(&self, to: &MomentsSpec, map: &Affine) -> Result<Option<Self>> {
        let spans = lifted_layout(to, &self.spans, map)?;
        let inputs = input_indices(&self.spans, map)?;
        let noise = self.noise();
        // Each feature behind the map is an old one or a new one.
        let origin: Vec<Result<usize, usize>> = spans
            .iter()
            .flat_map(|span| {
                let old =
                    self.spans.iter().find(|old| old.name == span.name && span.name != map.columns.output);
                (0..span.width).map(move |j| old.map_or(Err(j), |old| Ok(old.start + j)))
            })
            .collect();
        let kept: Vec<usize> = origin.iter().filter_map(|from| from.ok()).collect();
        let (across, among) = self.map_scatter(&inputs, &kept, map);
        let new_mean = map.apply(self.mean.select(Axis(0), &inputs).insert_axis(Axis(0)).view());
        let new_noise = map.apply_noise(&noise.select(Axis(0), &inputs));
        let mean_noise = self.mean_noise();
        let mut new_mean_noise = map.apply_noise(&mean_noise.select(Axis(0), &inputs));
        if !map.offset.is_empty() {
            new_mean_noise.zip_mut_with(&map.offset, |noise, offset| *noise = noise.hypot(*offset));
        }
        // Values that are not finite are for the rows to name.
        let cancelled = |(&variance, &noise): (&f64, &f64)| {
            !variance.is_finite() || f64::EPSILON * noise * noise > DIGITS_KEPT * variance
        };
        if among.diag().iter().zip(&new_noise).any(cancelled) {
            return Ok(None);
        }
        let width = origin.len();
        // Rows of `across` are counted along the kept features.
        let row: Vec<usize> = origin
            .iter()
            .scan(0, |next, from| {
                let row = *next;
                *next += usize::from(from.is_ok());
                Some(row)
            })
            .collect();
        let scatter = Array2::from_shape_fn((width, width), |(i, j)| match (origin[i], origin[j]) {
            (Ok(a), Ok(b)) => self.product(a, b),
            (Ok(_), Err(b)) => across[[row[i], b]],
            (Err(a), Ok(_)) => across[[row[j], a]],
            (Err(a), Err(b)) => among[[a.max(b), a.min(b)]],
        });
        let pick = |old: &Array1<f64>, new: ArrayView1<'_, f64>| {
            origin.iter().map(|from| from.map_or_else(|j| new[j], |i| old[i])).collect::<Array1<f64>>()
        };
        Ok(Some(Self {
            mean: pick(&self.mean, new_mean.row(0)),
            noise: Some(pick(&noise, new_noise.view())),
            mean_noise: Some(pick(&mean_noise, new_mean_noise.view())),
            spans,
            scatter,
            ..*self
        }))
    }
}
