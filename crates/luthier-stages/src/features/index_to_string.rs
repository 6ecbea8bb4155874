//! Maps indices to their categories.

use luthier_core::frame::{Column, ColumnType, Field, Schema};
use luthier_core::{Error, Outputs, Params, PureTransformer, Tile, Transformer};

use crate::columns;

/// Maps indices `0, 1, …` back to text: to `labels`, or to the categories that the column carries, such as one appended by
/// a [`StringIndexer`](crate::StringIndexer).
///
/// A value that is null or not the index of a label is an error that names column and row.
///
/// ```
/// use luthier_core::Transformer;
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_stages::IndexToString;
///
/// let indices = DataFrame::from_columns(vec![("index", Column::f64(vec![1.0, 0.0]))])?;
/// let out = IndexToString::new().labels(["red", "blue"]).transform(&indices)?;
/// assert_eq!(out.column_utf8("category")?, ["blue", "red"]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct IndexToString {
    /// The numeric column of indices.
    #[param(default = "index", column = input)]
    input_col: String,
    /// The column of text to append.
    #[param(default = "category", column = output)]
    output_col: String,
    /// The categories of the indices; if empty, those that the column carries.
    #[param(default)]
    labels: Vec<String>,
}

impl IndexToString {
    fn labels_in(&self, schema: &Schema) -> luthier_core::Result<Vec<String>> {
        let known = match self.labels.as_slice() {
            [] => schema.require(&self.input_col)?.categories(),
            labels => Some(labels.to_vec()),
        };
        known.ok_or_else(|| {
            Error::invalid(format!(
                "column `{}` carries no categories, unlike a column of a `string_indexer`: set `labels`",
                self.input_col
            ))
        })
    }
}

impl Transformer for IndexToString {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::require_numeric(schema, &self.input_col)?;
        self.labels_in(schema)?;
        Ok(vec![Field::new(&self.output_col, ColumnType::Utf8)])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let labels = self.labels_in(rows.schema())?;
        let label = |(i, &x): (usize, &f64)| {
            let label = (x >= 0.0 && x.fract() == 0.0).then(|| labels.get(x as usize)).flatten();
            let found = || if x.is_nan() { "null or NaN".to_owned() } else { x.to_string() };
            let expected = "the index of a label, counted from 0";
            label.ok_or_else(|| rows.bad_value_of(&self.input_col, i, found(), expected))
        };
        let values = rows.numbers(&self.input_col)?;
        let text = values.iter().enumerate().map(label).collect::<Result<Vec<_>, _>>()?;
        out.column(Column::utf8(text));
        Ok(())
    }

    fn takes_nulls(&self) -> bool {
        true
    }
}

impl PureTransformer for IndexToString {
    const NAME: &'static str = "index_to_string";
}

luthier_core::register_transformer!(IndexToString: "Maps indices back to their categories.");
