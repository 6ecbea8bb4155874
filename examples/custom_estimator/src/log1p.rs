use luthier_core::frame::{Column, DataFrame, Schema};
use luthier_core::{Params, PureTransformer, Transformer};

use crate::columns::append_vectors_like;

/// `sign(x) · ln(1 + |x|)` of every feature: large values come closer, small ones and signs stay.
///
/// There is nothing to fit, so this is a [`Transformer`] with parameters and enters a pipeline by
/// `add_transformer`. It is not affine: summaries behind it are taken from its rows.
#[derive(Debug, Clone, Params)]
pub struct Log1p {
    /// Vector column to transform.
    #[param(default = "features", column = input)]
    input_col: String,
    /// Column the results are written to.
    #[param(default = "logarithms", column = output)]
    output_col: String,
}

impl Transformer for Log1p {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let features = data.vectors(&self.input_col)?;
        let logarithms = features.mapv_into(|x| x.abs().ln_1p().copysign(x));
        Ok(data.with_column(&self.output_col, Column::vector(logarithms))?)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        append_vectors_like(schema, &self.input_col, &self.output_col)
    }

    fn input_columns(&self) -> Option<Vec<String>> {
        Some(vec![self.input_col.clone()])
    }
}

impl PureTransformer for Log1p {
    const NAME: &'static str = "acme.log1p";
}

luthier_core::register_transformer!(Log1p: "The signed logarithm of one plus every feature.");
