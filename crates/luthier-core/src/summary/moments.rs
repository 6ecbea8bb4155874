//! Weighted, centred first and second moments.

use std::collections::{HashMap, HashSet};

use luthier_frame::Schema;
use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use serde::{Deserialize, Serialize};

use super::centre::{self, Shifted, lay_out, too_large, too_small, total_width};
use super::scatter::{HeldRows, Scatter, WIDE};
use super::{ColumnSpan, Summary};
use crate::affine::{Affine, AffineColumns, Linear};
use crate::rows::Tile;
use crate::{Error, Result, linalg};

/// The largest relative error of a derived variance; beyond it, the rows are read.
pub(super) const DIGITS_KEPT: f64 = 1e-11;

/// How many times larger than the scatter so far the squared distance of a tile's mean from the mean so far may be. The
/// rounding error of the scatter grows by the same factor.
const DRIFT_ALLOWED: f64 = 8.0;

/// Deviations in stored rows must be smaller than this, so that the sum of the squares over any number of rows is finite.
const LARGEST_HELD: f64 = 1e150;

/// The columns of [`Moments`] or a [`QrFactor`](super::QrFactor), and their weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MomentsSpec {
    /// Numeric and vector columns, concatenated in this order.
    pub columns: Vec<String>,
    /// A numeric column of weights; without it, every row has weight 1.
    pub weight_col: Option<String>,
}

impl MomentsSpec {
    /// The unweighted moments of these columns; duplicate names are ignored.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        let mut seen = HashSet::new();
        let columns = columns.into_iter().map(Into::into);
        let columns = columns.filter(|column: &String| seen.insert(column.clone())).collect();
        Self { columns, weight_col: None }
    }

    /// The same spec with rows weighted by a column.
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

/// The columns of a layout by their names.
fn by_name(spans: &[ColumnSpan]) -> HashMap<&str, &ColumnSpan> {
    spans.iter().map(|span| (span.name.as_str(), span)).collect()
}

/// Positions of the columns' features in a layout; `None` if a column is missing.
pub(super) fn feature_indices(columns: &[String], spans: &[ColumnSpan]) -> Option<Vec<usize>> {
    let (mut indices, spans) = (Vec::new(), by_name(spans));
    for column in columns {
        let span = spans.get(column.as_str())?;
        indices.extend(span.start..span.start + span.width);
    }
    Some(indices)
}

/// The layout of some of the columns, and the previous positions of their features.
pub(super) fn selected_layout(
    columns: &[String],
    spans: &[ColumnSpan],
) -> Option<(Vec<ColumnSpan>, Vec<usize>)> {
    let indices = feature_indices(columns, spans)?;
    let (mut start, spans) = (0, by_name(spans));
    let selected = columns.iter().filter_map(|name| spans.get(name.as_str())).map(|&span| {
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
    let (mut start, spans) = (0, by_name(spans));
    to.columns
        .iter()
        .map(|name| {
            let width = if *name == map.columns.output {
                map.output_width(inputs.len())
            } else {
                spans.get(name.as_str()).ok_or_else(|| missing(name))?.width
            };
            start += width;
            Ok(ColumnSpan { name: name.clone(), start: start - width, width })
        })
        .collect()
}

/// The positions of the map's input features, checked against its size.
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
    Error::invalid(format!("the summary does not include the column `{name}`"))
}

/// Weighted count, mean and centred scatter of several concatenated columns:
/// `W = Σw`, `μ = Σ w x / W`, `scatter = Σ w (x−μ)(x−μ)ᵀ`.
///
/// The rows of a tile are squared relative to the mean of the rows so far. If that mean is far from the mean of the tile,
/// compared with the scatter so far, the tile is first centred at its own mean. Means and scatters are merged by the formula
/// of Chan, Golub and LeVeque (1979). So neither a large offset nor the order of the rows costs digits. A constant column
/// has a variance of exactly zero.
///
/// The products of all pairs of `p` features take `p²` numbers. With more than 512 features, the rows themselves are stored
/// instead until there are as many rows as features: see [`centred_rows`](Self::centred_rows).
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{Dataset, Moments, MomentsSpec};
///
/// let frame = DataFrame::from_columns(vec![
///     ("x", Column::f64(vec![1.0, 2.0, 3.0])),
///     ("y", Column::f64(vec![2.0, 4.0, 9.0])),
/// ])?;
/// let moments = Dataset::new(frame).summarize::<Moments>(&MomentsSpec::new(["x", "y"]))?;
/// assert_eq!(moments.mean_of("y")?[0], 5.0);
/// assert!((moments.scatter_between("x", "y")?[[0, 0]] - 7.0).abs() < 1e-12); // Σ (x − 2)(y − 5)
/// # Ok::<(), luthier_core::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Moments {
    spans: Vec<ColumnSpan>,
    rows: u64,
    weight_sum: f64,
    weight_sq_sum: f64,
    mean: Array1<f64>,
    scatter: Scatter,
    /// Features that vary so little that a square has underflowed.
    faint: Vec<usize>,
    /// Size of the quantities each feature was computed from, when it was derived from others.
    noise: Option<Array1<f64>>,
    /// The same for the means.
    mean_noise: Option<Array1<f64>>,
}

impl Moments {
    /// The positions of the columns, in the order of the spec.
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
        let mut full = match &self.scatter {
            Scatter::Products(products) => products.clone(),
            Scatter::Rows(held) => held.products(&self.mean),
        };
        linalg::mirror_lower(&mut full);
        full
    }

    /// The diagonal of the scatter, `Σ w (x−μ)²` of each feature.
    pub fn sums_of_squares(&self) -> Array1<f64> {
        self.scatter.diagonal(&self.mean)
    }

    /// The rows `√w (x−μ)`, whose products are the scatter, if they are stored instead of it: `n < p` rows of more
    /// than 512 features. Computations with them cost `n²p` instead of `p³`.
    pub fn centred_rows(&self) -> Option<Array2<f64>> {
        match &self.scatter {
            Scatter::Products(_) => None,
            Scatter::Rows(held) => Some(held.centred(&self.mean)),
        }
    }

    /// Checks that no square of a column has underflowed because its numbers are too small for `f64`.
    ///
    /// # Errors
    /// If one has, or if all squares of weights have; if a column is not in the spec.
    pub fn require_visible(&self, columns: &[&str]) -> Result<()> {
        if self.weight_sum > 0.0 && self.weight_sq_sum < centre::FAINT {
            return Err(Error::invalid(format!(
                "the weights are too small to be squared in f64: they sum to {:e}; multiply all of them by a constant",
                self.weight_sum
            )));
        }
        for column in columns {
            let span = self.span(column)?;
            if let Some(j) = self.faint.iter().find(|j| span.contains(j)) {
                return Err(too_small(column, (span.len() > 1).then(|| j - span.start)));
            }
        }
        Ok(())
    }

    /// The part of the scatter between the features of two columns.
    ///
    /// # Errors
    /// If one of them is not in the spec.
    pub fn scatter_between(&self, a: &str, b: &str) -> Result<Array2<f64>> {
        let (a, b) = (self.span(a)?, self.span(b)?);
        Ok(match &self.scatter {
            Scatter::Products(products) => Array2::from_shape_fn((a.len(), b.len()), |(i, j)| {
                product(products, a.start + i, b.start + j)
            }),
            Scatter::Rows(held) => {
                let rows = held.centred(&self.mean);
                linalg::matmul(rows.slice(s![.., a]).t(), rows.slice(s![.., b]))
            }
        })
    }

    /// The weighted means of a column's features.
    ///
    /// # Errors
    /// If the column is not in the spec.
    pub fn mean_of(&self, column: &str) -> Result<Array1<f64>> {
        Ok(self.mean.slice(s![self.span(column)?]).to_owned())
    }

    /// Sample variances `scatter_jj / (W − Σw²/W)`, with reliability weights; for unit weights the divisor is
    /// `n − 1`. NaN when the divisor is not positive.
    pub fn sample_variance(&self) -> Array1<f64> {
        let divisor = self.weight_sum - self.weight_sq_sum / self.weight_sum;
        let divisor = if divisor > 0.0 { divisor } else { f64::NAN };
        self.sums_of_squares().mapv(|x| x / divisor)
    }

    /// For each feature, the size, in the units of `sqrt(scatter_jj)`, of the quantities from which it was computed: a
    /// variance derived by cancellation has an absolute error of about `ε · noise²`.
    pub fn noise(&self) -> Array1<f64> {
        match &self.noise {
            Some(noise) => noise.clone(),
            None => self.sums_of_squares().mapv(f64::sqrt),
        }
    }

    /// For each feature, the size of the quantities from which its mean was computed: a mean derived by cancellation
    /// has an absolute error of about `ε · mean_noise`.
    pub fn mean_noise(&self) -> Array1<f64> {
        match &self.mean_noise {
            Some(noise) => noise.clone(),
            None => self.mean.mapv(f64::abs),
        }
    }

    /// Whether all parts have the sizes that the columns ask for: those that were read from a file may have any.
    fn is_sound(&self) -> bool {
        let width = total_width(&self.spans);
        let fits = |noise: &Option<Array1<f64>>| noise.as_ref().is_none_or(|noise| noise.len() == width);
        self.mean.len() == width
            && self.scatter.fits(width)
            && fits(&self.noise)
            && fits(&self.mean_noise)
            && self.faint.iter().all(|&feature| feature < width)
    }

    fn select(&self, columns: &[String]) -> Option<Self> {
        let (spans, indices) = selected_layout(columns, &self.spans)?;
        let mean = self.mean.select(Axis(0), &indices);
        let scatter = match &self.scatter {
            Scatter::Products(products) => {
                Scatter::Products(Array2::from_shape_fn((indices.len(), indices.len()), |(i, j)| {
                    if i >= j { product(products, indices[i], indices[j]) } else { 0.0 }
                }))
            }
            Scatter::Rows(held) => Scatter::of_rows(held.select(&indices), &mean),
        };
        let faint = |(_, j): &(usize, &usize)| self.faint.contains(j);
        Some(Self {
            spans,
            faint: indices.iter().enumerate().filter(faint).map(|(i, _)| i).collect(),
            scatter,
            mean,
            noise: self.noise.as_ref().map(|noise| noise.select(Axis(0), &indices)),
            mean_noise: self.mean_noise.as_ref().map(|noise| noise.select(Axis(0), &indices)),
            ..*self
        })
    }

    /// Covariances of the kept features with the mapped ones, and of the mapped ones with each other.
    fn map_products(
        products: &Array2<f64>,
        inputs: &[usize],
        kept: &[usize],
        map: &Affine,
    ) -> (Array2<f64>, Array2<f64>) {
        let across =
            Array2::from_shape_fn((kept.len(), inputs.len()), |(i, j)| product(products, kept[i], inputs[j]));
        let across = map.apply_linear(across.view());
        let side_by_side = inputs.windows(2).all(|pair| pair[1] == pair[0] + 1);
        let among = match (&map.linear, inputs.first()) {
            // A model's prediction: one sweep over the triangle.
            (Linear::Dense(matrix), Some(&start)) if matrix.ncols() == 1 && side_by_side => {
                let square = products.slice(s![start..start + inputs.len(), start..start + inputs.len()]);
                Array2::from_elem((1, 1), linalg::quadratic_form_lower(square, matrix.column(0)))
            }
            _ => {
                let full = Array2::from_shape_fn((inputs.len(), inputs.len()), |(i, j)| {
                    product(products, inputs[i], inputs[j])
                });
                map.apply_linear(map.apply_linear(full.view()).t())
            }
        };
        (across, among)
    }

    fn lift_products(
        products: &Array2<f64>,
        inputs: &[usize],
        origin: &[std::result::Result<usize, usize>],
        map: &Affine,
    ) -> Scatter {
        let kept: Vec<usize> = origin.iter().filter_map(|from| from.ok()).collect();
        let (across, among) = Self::map_products(products, inputs, &kept, map);
        // Rows of `across` are counted along the kept features.
        let row: Vec<usize> = origin
            .iter()
            .scan(0, |next, from| {
                let row = *next;
                *next += usize::from(from.is_ok());
                Some(row)
            })
            .collect();
        let entry = |(i, j): (usize, usize)| match (origin[i], origin[j]) {
            (Ok(a), Ok(b)) => product(products, a, b),
            (Ok(_), Err(b)) => across[[row[i], b]],
            (Err(a), Ok(_)) => across[[row[j], a]],
            (Err(a), Err(b)) => among[[a.max(b), a.min(b)]],
        };
        Scatter::Products(Array2::from_shape_fn((origin.len(), origin.len()), entry))
    }

    /// Adds rows that are relative to the mean so far. Only if they are far from it, compared with the scatter so far, a second
    /// sweep centres them at their own mean before they are squared.
    fn take_in(&mut self, mut tile: Shifted<'_>) -> Result<()> {
        let (before, added) = (self.weight_sum, tile.weight_sum);
        self.weight_sq_sum += tile.weight_sq_sum;
        let products = match &mut self.scatter {
            Scatter::Products(products) => products,
            Scatter::Rows(held) => {
                held.push(tile.rows.view(), tile.weights, &tile.reference)?;
                let mean = &tile.reference + &tile.drift;
                self.absorb_mean(&mean, added);
                return Ok(());
            }
        };
        let near = |(drift, scatter): (&f64, &f64)| added * drift * drift <= DRIFT_ALLOWED * scatter;
        if before > 0.0 && tile.drift.iter().zip(products.diag()).all(near) {
            linalg::add_gram_lower(products, tile.rows.view());
            let total = before + added;
            linalg::add_outer_lower(products, &tile.drift, -added * (added / total));
            self.mean.scaled_add(added / total, &tile.drift);
            self.weight_sum = total;
        } else {
            tile.centre();
            linalg::add_gram_lower(products, tile.rows.view());
            self.absorb_mean(&tile.reference, added);
        }
        self.note_faint(|j| tile.rows.column(j).iter().any(|x| *x != 0.0));
        Ok(())
    }

    /// Records features whose squares are nearly zero although `varies` says that they are not constant.
    fn note_faint(&mut self, varies: impl Fn(usize) -> bool) {
        let Scatter::Products(products) = &self.scatter else { return };
        for (j, square) in products.diag().iter().enumerate() {
            match self.faint.iter().position(|known| *known == j) {
                Some(at) if *square >= centre::FAINT => drop(self.faint.remove(at)),
                None if *square < centre::FAINT && varies(j) => self.faint.push(j),
                _ => {}
            }
        }
    }

    /// Adds rows that were centred by `mean` and whose scatter has already been added.
    fn absorb_mean(&mut self, mean: &Array1<f64>, weight_sum: f64) {
        let total = self.weight_sum + weight_sum;
        if weight_sum == 0.0 {
            return;
        }
        if self.weight_sum == 0.0 {
            self.mean.assign(mean);
        } else {
            let delta = mean - &self.mean;
            if let Scatter::Products(products) = &mut self.scatter {
                linalg::add_outer_lower(products, &delta, self.weight_sum * (weight_sum / total));
            }
            self.mean.scaled_add(weight_sum / total, &delta);
        }
        self.weight_sum = total;
    }

    /// Multiplies stored rows out once there are as many rows as features.
    fn compact(&mut self) {
        if let Scatter::Rows(held) = &mut self.scatter {
            let held = std::mem::replace(held, HeldRows::empty(0));
            self.scatter = Scatter::of_rows(held, &self.mean);
        }
    }

    fn lift_rows(
        &self,
        held: &HeldRows,
        (inputs, origin): (&[usize], &[std::result::Result<usize, usize>]),
        map: &Affine,
        mean: &Array1<f64>,
    ) -> Scatter {
        let rows = held.centred(&self.mean);
        let new = map.apply_linear(rows.select(Axis(1), inputs).view());
        let mut lifted = Array2::zeros((rows.nrows(), origin.len()));
        for (mut to, from) in lifted.columns_mut().into_iter().zip(origin) {
            match *from {
                Ok(old) => to.assign(&rows.column(old)),
                Err(mapped) => to.assign(&new.column(mapped)),
            }
        }
        Scatter::of_rows(held.with(lifted, mean.clone()), mean)
    }
}

/// An entry of the scatter, of which only one triangle is valid.
fn product(products: &Array2<f64>, i: usize, j: usize) -> f64 {
    products[[i.max(j), i.min(j)]]
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
            scatter: Scatter::empty(width),
            faint: Vec::new(),
            noise: None,
            mean_noise: None,
        })
    }

    fn update(&mut self, spec: &MomentsSpec, tile: &Tile<'_>) -> Result<()> {
        self.rows += tile.len() as u64;
        let reference = (self.weight_sum > 0.0).then(|| match &self.scatter {
            Scatter::Products(_) => self.mean.clone(),
            Scatter::Rows(held) => held.origin().clone(),
        });
        let spans = std::mem::take(&mut self.spans);
        let weight_col = spec.weight_col.as_deref();
        let taken = centre::with_shifted(tile, &spans, weight_col, reference.as_ref(), |tile| {
            let largest = match &self.scatter {
                Scatter::Products(_) => 0.0,
                Scatter::Rows(_) => tile.rows.iter().fold(0.0, |largest: f64, x| largest.max(x.abs())),
            };
            self.take_in(tile)?;
            Ok(largest)
        });
        self.spans = spans;
        let largest = taken?.unwrap_or(0.0);
        self.compact();
        let finite = match &self.scatter {
            Scatter::Products(products) => products.diag().iter().all(|x| x.is_finite()),
            // Room for sums of squares over all rows there may be.
            Scatter::Rows(_) => largest < LARGEST_HELD,
        };
        if finite { Ok(()) } else { Err(too_large(&self.spans)) }
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.spans != other.spans {
            return Err(Error::invalid("moments of different columns cannot be merged"));
        }
        if !other.is_sound() {
            return Err(Error::invalid("the moments are damaged: their parts have different sizes"));
        }
        let noise = (self.noise.is_some() || other.noise.is_some())
            .then(|| ndarray::Zip::from(&self.noise()).and(&other.noise()).map_collect(|a, b| a.hypot(*b)));
        let mean_noise = (self.mean_noise.is_some() || other.mean_noise.is_some()).then(|| {
            ndarray::Zip::from(&self.mean_noise()).and(&other.mean_noise()).map_collect(|a, b| a.max(*b))
        });
        self.rows += other.rows;
        self.weight_sq_sum += other.weight_sq_sum;
        match (&mut self.scatter, &other.scatter) {
            (Scatter::Rows(mine), Scatter::Rows(theirs)) => mine.append(theirs)?,
            (mine, theirs) => {
                let mine = mine.products_mut(&self.mean);
                match theirs {
                    Scatter::Products(products) => *mine += products,
                    Scatter::Rows(held) => linalg::add_gram_lower(mine, held.centred(&other.mean).view()),
                }
            }
        }
        let before = (self.weight_sum > 0.0 && other.weight_sum > 0.0).then(|| self.mean.clone());
        self.absorb_mean(&other.mean, other.weight_sum);
        self.compact();
        let moved = |j: usize| before.as_ref().is_some_and(|mean| mean[j] != other.mean[j]);
        self.note_faint(|j| other.faint.contains(&j) || moved(j));
        self.noise = noise;
        self.mean_noise = mean_noise;
        Ok(())
    }

    fn bytes(&self) -> usize {
        size_of::<f64>() * self.scatter.len()
    }

    fn bytes_of_rows(&self, rows: u64) -> usize {
        let (width, rows) = (self.mean.len(), usize::try_from(rows).unwrap_or(usize::MAX));
        size_of::<f64>() * width * if width > WIDE { width.min(rows) } else { width }
    }

    fn holds_rows(&self) -> bool {
        self.rows > 0 && matches!(self.scatter, Scatter::Rows(_))
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
        let before = by_name(&self.spans);
        let origin: Vec<std::result::Result<usize, usize>> = spans
            .iter()
            .flat_map(|span| {
                let old = before.get(span.name.as_str()).filter(|_| span.name != map.columns.output);
                (0..span.width).map(move |j| old.map_or(Err(j), |old| Ok(old.start + j)))
            })
            .collect();
        let new_mean = map.apply(self.mean.select(Axis(0), &inputs).insert_axis(Axis(0)).view());
        let new_noise = map.apply_noise(&noise.select(Axis(0), &inputs));
        let mean_noise = self.mean_noise();
        let mut new_mean_noise = map.apply_noise(&mean_noise.select(Axis(0), &inputs));
        if !map.offset.is_empty() {
            new_mean_noise.zip_mut_with(&map.offset, |noise, offset| *noise = noise.hypot(*offset));
        }
        let pick = |old: &Array1<f64>, new: ArrayView1<'_, f64>| {
            origin.iter().map(|from| from.map_or_else(|j| new[j], |i| old[i])).collect::<Array1<f64>>()
        };
        let mean = pick(&self.mean, new_mean.row(0));
        let scatter = match &self.scatter {
            Scatter::Products(products) => Self::lift_products(products, &inputs, &origin, map),
            Scatter::Rows(held) => self.lift_rows(held, (&inputs, &origin), map, &mean),
        };
        // Reading the rows will name values that are not finite.
        let squares = scatter.diagonal(&mean);
        let cancelled = |(from, &variance): (&std::result::Result<usize, usize>, &f64)| match *from {
            Ok(_) => false,
            Err(j) => {
                let noise: f64 = new_noise[j];
                !variance.is_finite() || f64::EPSILON * noise * noise > DIGITS_KEPT * variance
            }
        };
        let faint = inputs.iter().any(|j| self.faint.contains(j));
        if faint || origin.iter().zip(&squares).any(cancelled) {
            return Ok(None);
        }
        let faint = |(_, from): &(usize, &std::result::Result<usize, usize>)| {
            from.is_ok_and(|j| self.faint.contains(&j))
        };
        Ok(Some(Self {
            faint: origin.iter().enumerate().filter(faint).map(|(i, _)| i).collect(),
            noise: Some(pick(&noise, new_noise.view())),
            mean_noise: Some(pick(&mean_noise, new_mean_noise.view())),
            mean,
            spans,
            scatter,
            ..*self
        }))
    }
}
