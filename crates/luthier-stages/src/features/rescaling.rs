//! `out = (x − shift) · factor`, feature by feature: the transformation of several fitted scalers.

use luthier_core::frame::{Field, Schema};
use luthier_core::{Affine, Outputs, Result, Tile};
use ndarray::{Array1, ArrayView1, Zip};

use crate::columns;

/// Rescales a column of features. Without a shift, zeros stay zeros and sparse vectors stay sparse.
#[derive(Debug)]
pub(crate) struct Rescaling<'a> {
    pub(crate) input_col: &'a str,
    pub(crate) output_col: &'a str,
    pub(crate) shift: Option<ArrayView1<'a, f64>>,
    pub(crate) factors: Array1<f64>,
}

impl Rescaling<'_> {
    pub(crate) fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::require_width(schema, self.input_col, self.factors.len())?;
        columns::rescaled(schema, self.input_col, self.output_col, self.shift.is_none())
    }

    pub(crate) fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> Result<()> {
        let Some(shift) = &self.shift else {
            return columns::write_each_feature(rows, self.input_col, self.factors.view(), |x, f| x * f, out);
        };
        let mut scaled = rows.vectors(self.input_col)?.into_owned();
        // Not x·factor + offset: subtracting first keeps the digits when the shift is large.
        let each = Zip::from(&mut scaled).and_broadcast(shift).and_broadcast(&self.factors);
        each.for_each(|x, shift, factor| *x = (*x - shift) * factor);
        out.vectors(scaled);
        Ok(())
    }

    pub(crate) fn affine(self) -> Affine {
        let offset = match self.shift {
            Some(shift) => -(&shift * &self.factors),
            None => Array1::zeros(self.factors.len()),
        };
        Affine::diagonal(self.input_col, self.output_col, self.factors, offset)
    }
}
