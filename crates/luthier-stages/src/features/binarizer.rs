//! Numbers as zero or one.

use luthier_core::frame::{Field, Schema};
use luthier_core::{Outputs, Params, PureTransformer, Tile, Transformer};

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

luthier_core::register_transformer!(Binarizer: "Compares values with a threshold and gives 0 or 1.");
