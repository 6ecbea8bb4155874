//! Some features of a vector.

use luthier_core::frame::{ColumnType, DataFrame, Field, Schema};
use luthier_core::params::closest;
use luthier_core::{Affine, Error, Params, PureTransformer, Transformer};

use crate::columns;

/// Takes some features of a vector column: first those given by position, then those given by name, in this order.
///
/// Names are those that the column carries, as behind a [`VectorAssembler`](crate::VectorAssembler). By position it is an
/// affine map, so that what is asked behind it needs no rows; names are looked up in each frame. NaN is passed on; a
/// null is an error that names column and row. Sparse vectors stay sparse.
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct VectorSlicer {
    /// The vector column to take features from.
    #[param(default = "features", column = input)]
    input_col: String,
    /// The vector column to append.
    #[param(default = "sliced_features", column = output)]
    output_col: String,
    /// Positions of features, from 0; none twice.
    #[param(default)]
    indices: Vec<usize>,
    /// Names of features; none twice.
    #[param(default)]
    names: Vec<String>,
}

impl VectorSlicer {
    fn check(&self) -> Result<(), String> {
        if let Some((_, index)) =
            self.indices.iter().enumerate().find(|(i, index)| self.indices[..*i].contains(index))
        {
            return Err(format!("`indices` holds {index} twice"));
        }
        match self.names.iter().enumerate().find(|(i, name)| self.names[..*i].contains(name)) {
            Some((_, name)) => Err(format!("`names` holds `{name}` twice")),
            None => Ok(()),
        }
    }

    /// The positions in the column, where its width is known.
    fn positions(&self, schema: &Schema) -> luthier_core::Result<Option<Vec<usize>>> {
        let column = &self.input_col;
        if self.indices.is_empty() && self.names.is_empty() {
            return Err(Error::invalid("no feature is asked for: set `indices` or `names`"));
        }
        let Some(features) = columns::planned_width(schema, column)? else { return Ok(None) };
        if let Some(i) = self.indices.iter().find(|&&i| i >= features) {
            return Err(Error::invalid(format!(
                "feature {i} is asked for, but column `{column}` has {features} features, counted from 0"
            )));
        }
        let mut positions = self.indices.clone();
        if self.names.is_empty() {
            return Ok(Some(positions));
        }
        let known = schema.require(column)?.feature_names().unwrap_or_default();
        for name in &self.names {
            let Some(position) = known.iter().position(|feature| feature == name) else {
                let near = closest(name, known.iter().map(String::as_str));
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(Error::invalid(format!("column `{column}` has no feature `{name}`{near}")));
            };
            if positions.contains(&position) {
                return Err(Error::invalid(format!(
                    "feature `{name}` of column `{column}` is asked for by its position {position} as well"
                )));
            }
            positions.push(position);
        }
        Ok(Some(positions))
    }
}

impl Transformer for VectorSlicer {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let data = data.collect()?;
        columns::width(data.schema(), &self.input_col)?;
        let positions = self.positions(data.schema())?.unwrap_or_default();
        let field = columns::selected_field(data.schema(), &self.input_col, &self.output_col, &positions)?;
        Ok(data.with_field(field, columns::select(&data, &self.input_col, &positions)?)?)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        let field = match self.positions(schema)? {
            Some(positions) => {
                columns::selected_field(schema, &self.input_col, &self.output_col, &positions)?
            }
            None => {
                let width = self.indices.len() + self.names.len();
                let sparse = columns::is_sparse(schema, &self.input_col);
                Field::new(&self.output_col, ColumnType::Vector { width }).with_sparse(sparse)
            }
        };
        Ok(schema.with_field(field)?)
    }

    fn input_columns(&self) -> Option<Vec<String>> {
        Some(vec![self.input_col.clone()])
    }

    fn affine(&self) -> Option<Affine> {
        // Where names lie only the frame tells.
        let map = || Affine::selection(self.input_col.clone(), self.output_col.clone(), self.indices.clone());
        self.names.is_empty().then(map)
    }
}

impl PureTransformer for VectorSlicer {
    const NAME: &'static str = "vector_slicer";
}

luthier_core::register_transformer!(VectorSlicer: "Takes some features of a vector column, by position or name.");
