//! Columns side by side as one vector.

use luthier_core::frame::{Column, DataFrame, Schema};
use luthier_core::params::ParamError;
use luthier_core::{Affine, Params, PureTransformer, Required, Transformer};

use crate::columns;

/// Puts numeric and vector columns side by side into one vector column, in the order of `input_cols`.
///
/// Integers become `f64` (beyond 2⁵³ the nearest one). NaN is passed on; a null is an error that names column
/// and row. A column may be given twice.
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct VectorAssembler {
    /// The numeric and vector columns to put side by side; at least one.
    input_cols: Required<Vec<String>>,
    /// The vector column to append.
    #[param(default = "features")]
    output_col: String,
}

impl VectorAssembler {
    fn check(&self) -> Result<(), String> {
        match self.input_cols.as_option() {
            Some(columns) if columns.is_empty() => {
                Err("`input_cols` is empty: name at least one numeric or vector column".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn inputs(&self) -> Result<&[String], ParamError> {
        self.input_cols.get().map(Vec::as_slice)
    }
}

impl Transformer for VectorAssembler {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let data = data.collect()?;
        let inputs = self.inputs()?;
        let widths = inputs.iter().map(|column| columns::width(data.schema(), column));
        let width = widths.sum::<luthier_core::Result<usize>>()?;
        let rows = columns::compute(&data, inputs, width, |rows, mut out| out.assign(&rows))?;
        Ok(data.with_column(&self.output_col, Column::vector(rows))?)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        let widths = self.inputs()?.iter().map(|column| columns::planned_width(schema, column));
        let width: Option<usize> = widths.collect::<luthier_core::Result<Vec<_>>>()?.into_iter().sum();
        Ok(columns::append_vector(schema, &self.output_col, width)?)
    }

    fn affine(&self) -> Option<Affine> {
        Some(Affine::concatenation(self.input_cols.as_option()?.clone(), self.output_col.clone()))
    }
}

impl PureTransformer for VectorAssembler {
    const NAME: &'static str = "vector_assembler";
}

luthier_core::register_transformer!(
    VectorAssembler: "Puts numeric and vector columns side by side into one vector column."
);
