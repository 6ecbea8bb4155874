//! Numbers as zero or one.

use luthier_core::frame::{Column, DataFrame, Schema};
use luthier_core::{Params, PureTransformer, Transformer};

use crate::columns;

/// `1` where a value is greater than the threshold, else `0`; of a number a number, of a vector a vector.
///
/// NaN is not greater than anything, so it becomes 0, as in Spark; a null is an error that names column and row.
#[derive(Debug, Clone, PartialEq, Params)]
pub struct Binarizer {
    /// The numeric or vector column to compare.
    #[param(default = "feature", column = input)]
    input_col: String,
    /// The numeric or vector column to append.
    #[param(default = "binarized_feature", column = output)]
    output_col: String,
    /// What a value must exceed to become 1.
    #[param(default = 0.0)]
    threshold: f64,
}

impl Transformer for Binarizer {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let data = data.collect()?;
        let width = columns::width(data.schema(), &self.input_col)?;
        let rows = columns::compute(&data, &[&self.input_col], width, |rows, mut out| {
            out.zip_mut_with(&rows, |out, x| *out = if *x > self.threshold { 1.0 } else { 0.0 });
        })?;
        let field = columns::field_like(data.schema(), &self.input_col, &self.output_col)?;
        let column = match field.column_type().is_vector() {
            true => Column::vector(rows),
            false => Column::f64(rows.into_raw_vec_and_offset().0),
        };
        Ok(data.with_field(field, column)?)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        Ok(schema.with_field(columns::field_like(schema, &self.input_col, &self.output_col)?)?)
    }

    fn input_columns(&self) -> Option<Vec<String>> {
        Some(vec![self.input_col.clone()])
    }
}

impl PureTransformer for Binarizer {
    const NAME: &'static str = "binarizer";
}

luthier_core::register_transformer!(Binarizer: "Compares values with a threshold and gives 0 or 1.");
