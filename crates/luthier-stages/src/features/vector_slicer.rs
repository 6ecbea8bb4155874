//! Some features of a vector.

use luthier_core::frame::{DataFrame, Schema};
use luthier_core::{Affine, Error, Params, PureTransformer, Transformer};

use crate::columns;

/// Takes some features of a vector column by position, in the order given.
///
/// NaN is passed on; a null is an error that names column and row.
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct VectorSlicer {
    /// The vector column to take features from.
    #[param(default = "features")]
    input_col: String,
    /// The vector column to append.
    #[param(default = "sliced_features")]
    output_col: String,
    /// Positions of features, from 0; none twice.
    #[param(default)]
    indices: Vec<usize>,
}

impl VectorSlicer {
    fn check(&self) -> Result<(), String> {
        if self.indices.is_empty() {
            return Err("`indices` is empty: name at least one feature".to_owned());
        }
        match self.indices.iter().enumerate().find(|(i, index)| self.indices[..*i].contains(index)) {
            Some((_, index)) => Err(format!("`indices` holds {index} twice")),
            None => Ok(()),
        }
    }

    /// The positions, checked against the number of features.
    fn positions(&self, features: usize) -> luthier_core::Result<&[usize]> {
        match self.indices.iter().find(|&&i| i >= features) {
            Some(i) => Err(Error::invalid(format!(
                "feature {i} is asked for, but column `{}` has {features} features, counted from 0",
                self.input_col
            ))),
            None => Ok(&self.indices),
        }
    }
}

impl Transformer for VectorSlicer {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let data = data.collect()?;
        let positions = self.positions(columns::width(data.schema(), &self.input_col)?)?;
        let field = columns::selected_field(data.schema(), &self.input_col, &self.output_col, positions)?;
        Ok(data.with_field(field, columns::select(&data, &self.input_col, positions)?)?)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        if let Some(features) = columns::planned_width(schema, &self.input_col)? {
            self.positions(features)?;
        }
        let field = columns::selected_field(schema, &self.input_col, &self.output_col, &self.indices)?;
        Ok(schema.with_field(field)?)
    }

    fn input_columns(&self) -> Option<Vec<String>> {
        Some(vec![self.input_col.clone()])
    }

    fn affine(&self) -> Option<Affine> {
        Some(Affine::selection(self.input_col.clone(), self.output_col.clone(), self.indices.clone()))
    }
}

impl PureTransformer for VectorSlicer {
    const NAME: &'static str = "vector_slicer";
}

luthier_core::register_transformer!(VectorSlicer: "Takes some features of a vector column.");
