//! Columns side by side as one vector.

use luthier_core::frame::{Column, ColumnType, DataFrame, Field, Schema};
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
    #[param(column = input)]
    input_cols: Required<Vec<String>>,
    /// The vector column to append.
    #[param(default = "features", column = output)]
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

    /// Features are named as the inputs' are; one sparse input makes the output sparse.
    fn field(schema: &Schema, inputs: &[String], output: &str) -> luthier_core::Result<Field> {
        let widths = inputs.iter().map(|column| columns::planned_width(schema, column));
        let width: Option<usize> = widths.collect::<luthier_core::Result<Vec<_>>>()?.into_iter().sum();
        let fields = inputs.iter().map(|column| schema.require(column)).collect::<Result<Vec<_>, _>>()?;
        let sparse = fields.iter().any(|field| field.is_sparse());
        let field = Field::new(output, ColumnType::vector(width)).with_sparse(sparse);
        Ok(field.with_feature_names_of_all(fields))
    }

    fn inputs(&self) -> Result<&[String], ParamError> {
        self.input_cols.get().map(Vec::as_slice)
    }
}

impl Transformer for VectorAssembler {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let data = data.collect()?;
        let inputs = self.inputs()?;
        let field = Self::field(data.schema(), inputs, &self.output_col)?;
        if !field.is_sparse() {
            let width = columns::width(&Schema::new(vec![field.clone()])?, &self.output_col)?;
            let rows = columns::compute(&data, inputs, width, |rows, mut out| out.assign(&rows))?;
            return Ok(data.with_field(field, Column::vector(rows))?);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        Ok(data.with_vector(&self.output_col, &inputs)?)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        Ok(schema.with_field(Self::field(schema, self.inputs()?, &self.output_col)?)?)
    }

    fn input_columns(&self) -> Option<Vec<String>> {
        self.input_cols.as_option().cloned()
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
