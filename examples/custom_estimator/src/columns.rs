//! Checks of columns that the stages share.

use luthier_core::frame::{ColumnType, Field, Schema};

/// Whether a column holds a number a row.
pub(crate) fn require_number(schema: &Schema, column: &str) -> anyhow::Result<()> {
    let found = schema.require(column)?.column_type();
    anyhow::ensure!(found.is_numeric(), "column `{column}` is {found}, expected a numeric column");
    Ok(())
}

/// The width of a vector column.
pub(crate) fn require_vectors(schema: &Schema, column: &str) -> anyhow::Result<usize> {
    match schema.require(column)?.column_type() {
        ColumnType::Vector { width } => Ok(width),
        found => anyhow::bail!("column `{column}` is {found}, expected a vector column"),
    }
}

/// The schema with a numeric column appended.
pub(crate) fn append_number(schema: &Schema, column: &str) -> anyhow::Result<Schema> {
    Ok(schema.with_field(Field::new(column, ColumnType::F64))?)
}

/// The schema with a vector column appended.
pub(crate) fn append_vectors(schema: &Schema, column: &str, width: usize) -> anyhow::Result<Schema> {
    Ok(schema.with_field(Field::new(column, ColumnType::Vector { width }))?)
}
