//! What a fitted stage does to one row of numbers.

use std::fmt;
use std::sync::Arc;

use crate::affine::{Affine, Linear};

type Apply = dyn Fn(&[f64], &mut [f64]) + Send + Sync;

/// The transformation of one row as a function of numbers: what serving one row at a time costs is then this, without a
/// frame around it.
#[derive(Clone)]
pub struct RowFunction {
    inputs: Vec<String>,
    outputs: Vec<String>,
    apply: Arc<Apply>,
}

impl RowFunction {
    /// `apply` gets the values of the input columns side by side, and room for those of the output columns, zero until
    /// it writes. It must give what [`Transformer::transform`](crate::Transformer::transform) gives, up to rounding, for
    /// every number, NaN included.
    pub fn new<I: Into<String>, O: Into<String>>(
        inputs: impl IntoIterator<Item = I>,
        outputs: impl IntoIterator<Item = O>,
        apply: impl Fn(&[f64], &mut [f64]) + Send + Sync + 'static,
    ) -> Self {
        Self {
            inputs: inputs.into_iter().map(Into::into).collect(),
            outputs: outputs.into_iter().map(Into::into).collect(),
            apply: Arc::new(apply),
        }
    }

    /// The function of an affine map.
    pub fn affine(map: Affine) -> Self {
        let (inputs, outputs) = (map.columns.inputs.clone(), [map.columns.output.clone()]);
        Self::new(inputs, outputs, move |row, out| {
            match &map.linear {
                Linear::Identity => out.copy_from_slice(row),
                Linear::Diagonal(scale) => {
                    out.iter_mut().zip(row).zip(scale).for_each(|((out, x), scale)| *out = x * scale);
                }
                Linear::Selection(selected) => {
                    out.iter_mut().zip(selected).for_each(|(out, &i)| *out = row[i]);
                }
                Linear::Dense(matrix) => {
                    for (x, weights) in row.iter().zip(matrix.outer_iter()) {
                        out.iter_mut().zip(weights).for_each(|(out, weight)| *out += x * weight);
                    }
                }
            }
            out.iter_mut().zip(&map.offset).for_each(|(out, offset)| *out += offset);
        })
    }

    /// The columns it reads.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// The columns it writes.
    pub fn outputs(&self) -> &[String] {
        &self.outputs
    }

    pub(crate) fn apply(&self, row: &[f64], out: &mut [f64]) {
        (self.apply)(row, out);
    }
}

impl fmt::Debug for RowFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RowFunction");
        shown.field("inputs", &self.inputs).field("outputs", &self.outputs).finish_non_exhaustive()
    }
}
