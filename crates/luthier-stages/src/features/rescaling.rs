//! `out = (x − shift) · factor`, feature by feature: what several scalers do once they are fitted.

use luthier_core::frame::{Column, DataFrame, Schema};
use luthier_core::{Affine, Result, RowFunction};
use ndarray::{Array1, Axis};

use crate::columns;

/// Takes a column of features to another scale. Without a shift zeros stay zeros, and sparse vectors sparse.
#[derive(Debug)]
pub(crate) struct Rescaling<'a> {
    pub(crate) input_col: &'a str,
    pub(crate) output_col: &'a str,
    pub(crate) shift: Option<Array1<f64>>,
    pub(crate) factors: Array1<f64>,
}

impl Rescaling<'_> {
    pub(crate) fn transform(&self, data: &DataFrame) -> Result<DataFrame> {
        let data = data.collect()?;
        columns::require_width(data.schema(), self.input_col, self.factors.len())?;
        let field = columns::vector_like(data.schema(), self.input_col, self.output_col)?;
        let Some(shift) = &self.shift else {
            let scaled = columns::scale(&data, self.input_col, self.factors.view())?;
            return Ok(data.with_field(field, scaled)?);
        };
        let (shift, factors) = (shift.view().insert_axis(Axis(0)), self.factors.view().insert_axis(Axis(0)));
        let rows = columns::compute(&data, &[self.input_col], self.factors.len(), |rows, mut out| {
            // Not x·factor + offset: the difference comes first, so that a large shift costs no digits.
            out.assign(&rows);
            out -= &shift;
            out *= &factors;
        })?;
        Ok(data.with_field(field, Column::vector(rows))?)
    }

    pub(crate) fn transform_schema(&self, schema: &Schema) -> Result<Schema> {
        columns::require_width(schema, self.input_col, self.factors.len())?;
        let sparse = self.shift.is_none() && columns::is_sparse(schema, self.input_col);
        let field = columns::vector_like(schema, self.input_col, self.output_col)?;
        Ok(schema.with_field(field.with_sparse(sparse))?)
    }

    fn shift(&self) -> Array1<f64> {
        self.shift.clone().unwrap_or_else(|| Array1::zeros(self.factors.len()))
    }

    /// As [`transform`](Self::transform): the difference first.
    pub(crate) fn row_function(self) -> RowFunction {
        let shift = self.shift();
        RowFunction::new([self.input_col], [self.output_col], move |row, out| {
            out.iter_mut().zip(row).zip(&shift).zip(&self.factors).for_each(|(((out, x), shift), factor)| {
                *out = (x - shift) * factor;
            });
        })
    }

    pub(crate) fn affine(self) -> Affine {
        let offset = -(self.shift() * &self.factors);
        Affine::diagonal(self.input_col, self.output_col, self.factors, offset)
    }
}
