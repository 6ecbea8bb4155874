//! Checks of columns that the stages share.

use luthier_core::frame::{ColumnType, Field, Schema};

/// Checks that a column has one number per row.
pub(crate) fn require_number(schema: &Schema, column: &str) -> anyhow::Result<()> {
    let found = schema.require(column)?.column_type();
    anyhow::ensure!(found.is_numeric(), "column `{column}` is {found}, expected a numeric column");
    Ok(())
}

/// The type of a vector column. Its width may be unknown until earlier stages are fitted.
pub(crate) fn require_vectors(schema: &Schema, column: &str) -> anyhow::Result<ColumnType> {
    let found = schema.require(column)?.column_type();
    anyhow::ensure!(found.is_vector(), "column `{column}` is {found}, expected a vector column");
    Ok(found)
}

/// Checks that the number of features is the one on which the model was fitted.
pub(crate) fn require_width(schema: &Schema, column: &str, width: usize) -> anyhow::Result<()> {
    let (found, expected) = (schema.require(column)?.column_type(), ColumnType::Vector { width });
    anyhow::ensure!(found == expected, "column `{column}` is {found}, expected {expected}");
    Ok(())
}

/// A column of vectors as wide as those of another.
pub(crate) fn vectors_like(schema: &Schema, input: &str, column: &str) -> anyhow::Result<Vec<Field>> {
    Ok(vec![Field::new(column, require_vectors(schema, input)?)])
}
