//! Numbers as zero or one.

use luthier_core::frame::{Field, Schema};
use luthier_core::{Outputs, Params, PureTransformer, Tile, Transformer};

use crate::columns;

/// Compares values with a threshold: a value greater than the threshold becomes 1, any other becomes 0. A numeric column
/// gives a numeric column, a vector column gives a vector column.
///
/// NaN is not greater than anything, so it becomes 0, as in Spark; a null is an error that names column and row.
///
/// ```
/// use luthier_core::Transformer;
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_stages::Binarizer;
///
/// let ages = DataFrame::from_columns(vec![("age", Column::f64(vec![12.0, 18.0, 34.0]))])?;
/// let out = Binarizer::new().input_col("age").output_col("adult").threshold(17.0).transform(&ages)?;
/// assert_eq!(out.column_f64("adult")?, [0.0, 1.0, 1.0]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct Binarizer {
    /// The numeric or vector column to compare.
    #[param(default = "feature", column = input)]
    input_col: String,
    /// The numeric or vector column to append.
    #[param(default = "binarized_feature", column = output)]
    output_col: String,
    /// Threshold that a value must exceed to become 1.
    #[param(default = 0.0)]
    threshold: f64,
}

impl Transformer for Binarizer {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![columns::field_like(schema, &self.input_col, &self.output_col)?])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let values = rows.vectors(&self.input_col)?.mapv(|x| if x > self.threshold { 1.0 } else { 0.0 });
        Ok(columns::write_like(rows, &self.input_col, values, out)?)
    }
}

impl PureTransformer for Binarizer {
    const NAME: &'static str = "binarizer";
}

luthier_core::register_transformer!(Binarizer: "Maps values above a threshold to 1 and others to 0.");
