//! The triangular factor of centred rows.

use luthier_frame::Schema;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, concatenate, s};
use serde::{Deserialize, Serialize};

use super::centre::{self, lay_out, total_width};
use super::moments::{DIGITS_KEPT, input_indices, lifted_layout, selected_layout, span_of};
use super::{ColumnSpan, MomentsSpec, Summary};
use crate::affine::{Affine, AffineColumns};
use crate::rows::Tile;
use crate::{Error, Result, linalg};

/// The triangular factor `R` with `RᵀR = Σ w (x−μ)(x−μ)ᵀ`. It does not square the condition number: a least-squares
/// problem solved from it keeps twice as many digits as with normal equations.
///
/// Factors of parts are stacked, with one row for the difference of their means, and factorised again
/// (Householder; "TSQR", Demmel et al. 2012).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QrFactor {
    spans: Vec<ColumnSpan>,
    rows: u64,
    weight_sum: f64,
    weight_sq_sum: f64,
    mean: Array1<f64>,
    r: Array2<f64>,
    noise: Option<Array1<f64>>,
}

impl QrFactor {
    /// The positions of the columns, in the order of the spec.
    pub fn spans(&self) -> &[ColumnSpan] {
        &self.spans
    }

    /// Position and width of a column.
    ///
    /// # Errors
    /// If it is not in the spec.
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

    /// The factor: upper triangular, one column per feature, at most as many rows as columns.
    pub fn r(&self) -> ArrayView2<'_, f64> {
        self.r.view()
    }

    fn noise(&self) -> Array1<f64> {
        match &self.noise {
            Some(noise) => noise.clone(),
            None => self.r.map_axis(Axis(0), |column| column.dot(&column).sqrt()),
        }
    }

    fn stack(&mut self, below: ArrayView2<'_, f64>, mean: &Array1<f64>, weight_sum: f64) -> Result<()> {
        if weight_sum == 0.0 {
            return Ok(());
        }
        let total = self.weight_sum + weight_sum;
        let step = mean - &self.mean;
        let between = &step * (self.weight_sum * (weight_sum / total)).sqrt();
        let stacked = if self.weight_sum == 0.0 {
            below.to_owned()
        } else {
            concatenate(Axis(0), &[self.r.view(), between.insert_axis(Axis(0)).view(), below])
                .map_err(|e| Error::invalid(e.to_string()))?
        };
        self.r = linalg::triangular_factor(stacked.view());
        if self.weight_sum == 0.0 {
            self.mean.assign(mean);
        } else {
            self.mean.scaled_add(weight_sum / total, &step);
        }
        self.weight_sum = total;
        Ok(())
    }
}

impl Summary for QrFactor {
    type Spec = MomentsSpec;
    const NAME: &'static str = "qr_factor";

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
            r: Array2::zeros((0, width)),
            noise: None,
        })
    }

    fn update(&mut self, spec: &MomentsSpec, tile: &Tile<'_>) -> Result<()> {
        self.rows += tile.len() as u64;
        let taken = centre::with_shifted(tile, &self.spans, spec.weight_col.as_deref(), None, |mut tile| {
            tile.centre();
            Ok((tile.rows.to_owned(), tile.reference, tile.weight_sum, tile.weight_sq_sum))
        })?;
        if let Some((rows, mean, weight_sum, weight_sq_sum)) = taken {
            self.stack(rows.view(), &mean, weight_sum)?;
            self.weight_sq_sum += weight_sq_sum;
        }
        if self.r.iter().all(|x| x.is_finite()) { Ok(()) } else { Err(centre::too_large(&self.spans)) }
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.spans != other.spans {
            return Err(Error::invalid("factors of different columns cannot be merged"));
        }
        let width = self.mean.len();
        let noise = other.noise.as_ref().map_or(width, Array1::len);
        if [other.mean.len(), other.r.ncols(), noise].iter().any(|size| *size != width) {
            return Err(Error::invalid("the factor is damaged: its parts have different sizes"));
        }
        let noise = (self.noise.is_some() || other.noise.is_some())
            .then(|| ndarray::Zip::from(&self.noise()).and(&other.noise()).map_collect(|a, b| a.hypot(*b)));
        self.stack(other.r.view(), &other.mean, other.weight_sum)?;
        self.rows += other.rows;
        self.weight_sq_sum += other.weight_sq_sum;
        self.noise = noise;
        Ok(())
    }

    fn bytes(&self) -> usize {
        size_of::<f64>() * self.mean.len() * self.mean.len()
    }

    fn bytes_of_rows(&self, rows: u64) -> usize {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        size_of::<f64>() * self.mean.len() * self.mean.len().min(rows)
    }

    fn union(a: &MomentsSpec, b: &MomentsSpec) -> Option<MomentsSpec> {
        MomentsSpec::union(a, b)
    }

    fn project(&self, from: &MomentsSpec, to: &MomentsSpec) -> Option<Self> {
        if from.weight_col != to.weight_col {
            return None;
        }
        let (spans, indices) = selected_layout(&to.columns, &self.spans)?;
        Some(Self {
            spans,
            mean: self.mean.select(Axis(0), &indices),
            r: linalg::triangular_factor(self.r.select(Axis(1), &indices).view()),
            noise: self.noise.as_ref().map(|noise| noise.select(Axis(0), &indices)),
            ..*self
        })
    }

    fn pull_back(spec: &MomentsSpec, columns: &AffineColumns) -> Option<MomentsSpec> {
        spec.pull_back(columns)
    }

    fn lift(&self, to: &MomentsSpec, map: &Affine) -> Result<Option<Self>> {
        let spans = lifted_layout(to, &self.spans, map)?;
        let inputs = input_indices(&self.spans, map)?;
        let new = map.apply_linear(self.r.select(Axis(1), &inputs).view());
        let new_mean = map.apply(self.mean.select(Axis(0), &inputs).insert_axis(Axis(0)).view());
        let old_noise = self.noise();
        let new_noise = map.apply_noise(&old_noise.select(Axis(0), &inputs));
        let cancelled = new.columns().into_iter().zip(&new_noise).any(|(column, noise)| {
            let deviation = column.dot(&column).sqrt();
            // Reading the rows will name values that are not finite.
            !deviation.is_finite() || f64::EPSILON * noise > DIGITS_KEPT * deviation
        });
        if cancelled {
            return Ok(None);
        }
        let width = total_width(&spans);
        let mut stacked = Array2::zeros((self.r.nrows(), width));
        let mut mean = Array1::zeros(width);
        let mut noise = Array1::zeros(width);
        for span in &spans {
            let target = span.start..span.start + span.width;
            let (columns, means, noises) = if span.name == map.columns.output {
                (new.view(), new_mean.row(0), new_noise.view())
            } else {
                let old = self.span(&span.name)?;
                (
                    self.r.slice(s![.., old.clone()]),
                    self.mean.slice(s![old.clone()]),
                    old_noise.slice(s![old]),
                )
            };
            stacked.slice_mut(s![.., target.clone()]).assign(&columns);
            mean.slice_mut(s![target.clone()]).assign(&means);
            noise.slice_mut(s![target]).assign(&noises);
        }
        Ok(Some(Self {
            spans,
            mean,
            r: linalg::triangular_factor(stacked.view()),
            noise: Some(noise),
            ..*self
        }))
    }
}
