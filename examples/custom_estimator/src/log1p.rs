use luthier_core::frame::{Field, Schema};
use luthier_core::{Outputs, Params, PureTransformer, Tile, Transformer};

/// `sign(x) · ln(1 + |x|)` of every feature: compresses large values and keeps small values and signs.
///
/// There is nothing to fit, so this is a [`Transformer`] with parameters, which `add_transformer` adds to a pipeline.
/// It is not affine, so summaries behind it are computed from its rows.
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
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let vectors = schema.require_vectors(&self.input_col)?;
        Ok(vec![Field::new(&self.output_col, vectors.column_type())])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        out.vectors(rows.vectors(&self.input_col)?.mapv(|x| x.abs().ln_1p().copysign(x)));
        Ok(())
    }
}

impl PureTransformer for Log1p {
    const NAME: &'static str = "acme.log1p";
}

luthier_core::register_transformer!(Log1p: "The signed logarithm of one plus every feature.");
