//! Concatenates columns into one vector.

use luthier_core::frame::{Column, ColumnType, Field, Schema, side_by_side};
use luthier_core::{Affine, Outputs, Params, PureTransformer, Required, Tile, Transformer};
use ndarray::{Array2, Axis, s};

use crate::columns;

/// Rows that are filled column by column while they are in a cache.
const BLOCK_ROWS: usize = 64;

/// Concatenates numeric and vector columns into one vector column, in the order of `input_cols`.
///
/// Integers become `f64` (beyond 2⁵³ they are rounded). NaN is passed on; a null is an error that names column
/// and row. A column may be listed twice.
///
/// ```
/// use luthier_core::Transformer;
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_stages::VectorAssembler;
///
/// let data = DataFrame::from_columns(vec![
///     ("age", Column::i64(vec![34])),
///     ("income", Column::f64(vec![2.5])),
/// ])?;
/// let out = VectorAssembler::new().input_cols(["age", "income"]).transform(&data)?;
/// assert_eq!(out.vectors("features")?.row(0).to_vec(), [34.0, 2.5]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct VectorAssembler {
    /// The numeric and vector columns to concatenate; at least one.
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

    /// The field of the output, with the feature names of the inputs; one sparse input makes it sparse.
    fn field(&self, schema: &Schema) -> anyhow::Result<Field> {
        let inputs = self.input_cols.get()?;
        let widths = inputs.iter().map(|column| columns::planned_width(schema, column));
        let width: Option<usize> = widths.collect::<luthier_core::Result<Vec<_>>>()?.into_iter().sum();
        let fields = inputs.iter().map(|column| schema.require(column)).collect::<Result<Vec<_>, _>>()?;
        let sparse = fields.iter().any(|field| field.is_sparse());
        let field = Field::new(&self.output_col, ColumnType::vector(width)).with_sparse(sparse);
        Ok(field.with_feature_names_of_all(fields))
    }
}

impl Transformer for VectorAssembler {
    fn inputs(&self) -> Vec<String> {
        self.input_cols.as_option().cloned().unwrap_or_default()
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![self.field(schema)?])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let inputs = self.input_cols.get()?;
        let field = self.field(rows.schema())?;
        let width = columns::width(&Schema::new(vec![field.clone()])?, &self.output_col)?;
        if field.is_sparse() {
            let columns = inputs.iter().map(|input| Ok((rows.schema().require(input)?, rows.array(input)?)));
            let columns = columns.collect::<luthier_core::Result<Vec<_>>>()?;
            out.column(Column::from_array(side_by_side(&columns, rows.len(), 0)?)?);
            return Ok(());
        }
        let inputs =
            inputs.iter().map(|input| rows.vectors(input)).collect::<luthier_core::Result<Vec<_>>>()?;
        let mut assembled = Array2::zeros((rows.len(), width));
        for (i, mut block) in assembled.axis_chunks_iter_mut(Axis(0), BLOCK_ROWS).enumerate() {
            let mut start = 0;
            for values in &inputs {
                let end = start + values.ncols();
                let from = i * BLOCK_ROWS;
                let values = values.slice(s![from..from + block.nrows(), ..]);
                block.slice_mut(s![.., start..end]).assign(&values);
                start = end;
            }
        }
        out.vectors(assembled);
        Ok(())
    }

    fn affine(&self) -> Option<Affine> {
        Some(Affine::concatenation(self.input_cols.as_option()?.clone(), self.output_col.clone()))
    }
}

impl PureTransformer for VectorAssembler {
    const NAME: &'static str = "vector_assembler";
}

luthier_core::register_transformer!(
    VectorAssembler: "Concatenates numeric and vector columns into one vector column."
);
