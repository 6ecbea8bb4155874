//! Affine maps between columns, through which a summary can be carried without reading rows.

use ndarray::{Array1, Array2, ArrayView2, Axis};

/// The columns that an affine stage reads and the one that it appends; known before the stage is fitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffineColumns {
    /// Numeric or vector columns, concatenated in this order.
    pub inputs: Vec<String>,
    /// The appended column.
    pub output: String,
}

/// The linear part of an [`Affine`] map.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Linear {
    /// The concatenated inputs, unchanged.
    Identity,
    /// Each input feature times its factor.
    Diagonal(Array1<f64>),
    /// Some of the input features, by position, in this order; the others are dropped.
    Selection(Vec<usize>),
    /// A matrix with one row per input feature and one column per output feature.
    Dense(Array2<f64>),
}

/// `output = [inputs] · linear + offset`, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Affine {
    /// The columns on both sides.
    pub columns: AffineColumns,
    /// The linear part.
    pub linear: Linear,
    /// Added to every row; empty means zero.
    pub offset: Array1<f64>,
}

impl Affine {
    /// The inputs concatenated into one vector column.
    pub fn concatenation(inputs: Vec<String>, output: impl Into<String>) -> Self {
        Self {
            columns: AffineColumns { inputs, output: output.into() },
            linear: Linear::Identity,
            offset: Array1::zeros(0),
        }
    }

    /// `output = input · matrix + offset` for one input column.
    pub fn dense(
        input: impl Into<String>,
        output: impl Into<String>,
        matrix: Array2<f64>,
        offset: Array1<f64>,
    ) -> Self {
        Self {
            columns: AffineColumns { inputs: vec![input.into()], output: output.into() },
            linear: Linear::Dense(matrix),
            offset,
        }
    }

    /// `output = input ∘ scale + offset` for one input column.
    pub fn diagonal(
        input: impl Into<String>,
        output: impl Into<String>,
        scale: Array1<f64>,
        offset: Array1<f64>,
    ) -> Self {
        Self {
            columns: AffineColumns { inputs: vec![input.into()], output: output.into() },
            linear: Linear::Diagonal(scale),
            offset,
        }
    }

    /// Some features of one input column, by position, in this order.
    pub fn selection(input: impl Into<String>, output: impl Into<String>, indices: Vec<usize>) -> Self {
        Self {
            columns: AffineColumns { inputs: vec![input.into()], output: output.into() },
            linear: Linear::Selection(indices),
            offset: Array1::zeros(0),
        }
    }

    /// Whether it only concatenates its inputs.
    pub fn is_concatenation(&self) -> bool {
        matches!(self.linear, Linear::Identity) && self.offset.is_empty()
    }

    /// Number of output features for the given number of input features.
    pub fn output_width(&self, input_width: usize) -> usize {
        match &self.linear {
            Linear::Identity => input_width,
            Linear::Diagonal(scale) => scale.len(),
            Linear::Selection(indices) => indices.len(),
            Linear::Dense(matrix) => matrix.ncols(),
        }
    }

    /// Whether the map takes exactly this many input features.
    pub fn accepts(&self, input_width: usize) -> bool {
        let offset_fits = self.offset.is_empty() || self.offset.len() == self.output_width(input_width);
        offset_fits
            && match &self.linear {
                Linear::Identity => true,
                Linear::Diagonal(scale) => scale.len() == input_width,
                Linear::Selection(indices) => indices.iter().all(|&i| i < input_width),
                Linear::Dense(matrix) => matrix.nrows() == input_width,
            }
    }

    /// `rows · linear`, without the offset. The width must be accepted.
    pub fn apply_linear(&self, rows: ArrayView2<'_, f64>) -> Array2<f64> {
        match &self.linear {
            Linear::Identity => rows.to_owned(),
            Linear::Diagonal(scale) => &rows * &scale.view().insert_axis(Axis(0)),
            Linear::Selection(indices) => rows.select(Axis(1), indices),
            Linear::Dense(matrix) => crate::linalg::matmul(rows, matrix.view()),
        }
    }

    /// `rows · linear + offset`. The width must be accepted.
    pub fn apply(&self, rows: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut out = self.apply_linear(rows);
        if !self.offset.is_empty() {
            out += &self.offset.view().insert_axis(Axis(0));
        }
        out
    }

    /// The size of the errors of the outputs that result from independent errors of size `noise` per input feature:
    /// `noise'_j = sqrt(Σ_i linear_ij² noise_i²)`.
    pub fn apply_noise(&self, noise: &Array1<f64>) -> Array1<f64> {
        match &self.linear {
            Linear::Identity => noise.clone(),
            Linear::Diagonal(scale) => (noise * scale).mapv(f64::abs),
            Linear::Selection(indices) => noise.select(Axis(0), indices),
            Linear::Dense(matrix) => {
                let squares = matrix.mapv(|x| x * x);
                noise.mapv(|x| x * x).dot(&squares).mapv(f64::sqrt)
            }
        }
    }
}
