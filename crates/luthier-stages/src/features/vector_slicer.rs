//! Selects features of a vector.

use std::collections::{HashMap, HashSet};

use luthier_core::frame::{ColumnType, Field, Schema};
use luthier_core::params::closest;
use luthier_core::{Affine, Error, Outputs, Params, PureTransformer, Tile, Transformer};

use crate::columns;

/// Selects some features of a vector column: first those given by position, then those given by name, in this order.
///
/// Names are those that the column carries, such as one appended by a [`VectorAssembler`](crate::VectorAssembler). Selection
/// by position is an affine map, so summaries can be carried through it; names are looked up in each frame. NaN is passed on;
/// a null is an error that names column and row. Sparse vectors stay sparse.
///
/// ```
/// use luthier_core::Transformer;
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_stages::VectorSlicer;
///
/// let data = DataFrame::from_columns(vec![("features", Column::vector(ndarray::array![[1.0, 2.0, 3.0]]))])?;
/// let out = VectorSlicer::new().indices([2, 0]).transform(&data)?;
/// assert_eq!(out.vectors("sliced_features")?.row(0).to_vec(), [3.0, 1.0]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct VectorSlicer {
    /// The vector column from which features are selected.
    #[param(default = "features", column = input)]
    input_col: String,
    /// The vector column to append.
    #[param(default = "sliced_features", column = output)]
    output_col: String,
    /// Positions of features, from 0, without duplicates.
    #[param(default)]
    indices: Vec<usize>,
    /// Names of features, without duplicates.
    #[param(default)]
    names: Vec<String>,
}

impl VectorSlicer {
    fn check(&self) -> Result<(), String> {
        let mut indices = HashSet::new();
        if let Some(index) = self.indices.iter().find(|index| !indices.insert(**index)) {
            return Err(format!("`indices` contains {index} twice"));
        }
        let mut names = HashSet::new();
        match self.names.iter().find(|name| !names.insert(name.as_str())) {
            Some(name) => Err(format!("`names` contains `{name}` twice")),
            None => Ok(()),
        }
    }

    /// The positions in the column, if its width is known.
    fn positions(&self, schema: &Schema) -> luthier_core::Result<Option<Vec<usize>>> {
        let column = &self.input_col;
        if self.indices.is_empty() && self.names.is_empty() {
            return Err(Error::invalid("no feature is selected: set `indices` or `names`"));
        }
        let Some(features) = columns::planned_width(schema, column)? else { return Ok(None) };
        if let Some(i) = self.indices.iter().find(|&&i| i >= features) {
            return Err(Error::invalid(format!(
                "`indices` contains {i}, but column `{column}` has only {features} features, counted from 0"
            )));
        }
        let mut positions = self.indices.clone();
        if self.names.is_empty() {
            return Ok(Some(positions));
        }
        let known = schema.require(column)?.feature_names().unwrap_or_default();
        let mut place: HashMap<&str, usize> = HashMap::with_capacity(known.len());
        for (i, name) in known.iter().enumerate() {
            place.entry(name).or_insert(i);
        }
        let by_position: HashSet<usize> = self.indices.iter().copied().collect();
        for name in &self.names {
            let Some(&position) = place.get(name.as_str()) else {
                let near = closest(name, known.iter().map(String::as_str));
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(Error::invalid(format!("column `{column}` has no feature `{name}`{near}")));
            };
            if by_position.contains(&position) {
                return Err(Error::invalid(format!(
                    "feature `{name}` of column `{column}` is also selected by its position {position}: remove one of them"
                )));
            }
            positions.push(position);
        }
        Ok(Some(positions))
    }
}

impl Transformer for VectorSlicer {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let (input, output) = (&self.input_col, &self.output_col);
        Ok(vec![match self.positions(schema)? {
            Some(positions) => columns::selected_field(schema, input, output, &positions)?,
            None => {
                let width = self.indices.len() + self.names.len();
                let sparse = columns::is_sparse(schema, input);
                Field::new(output, ColumnType::Vector { width }).with_sparse(sparse)
            }
        }])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let positions = self.positions(rows.schema())?.unwrap_or_default();
        Ok(columns::write_selected(rows, &self.input_col, &positions, out)?)
    }

    fn affine(&self) -> Option<Affine> {
        // Only the frame knows the positions of names.
        let map = || Affine::selection(self.input_col.clone(), self.output_col.clone(), self.indices.clone());
        self.names.is_empty().then(map)
    }
}

impl PureTransformer for VectorSlicer {
    const NAME: &'static str = "vector_slicer";
}

luthier_core::register_transformer!(VectorSlicer: "Selects features of a vector column by position or name.");
