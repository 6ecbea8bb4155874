//! Rows that belong together.

use luthier_core::frame::{ColumnType, DataFrame, Schema};

/// Checks that a column can say which rows belong together.
pub(super) fn check(schema: &Schema, column: &str, expected: &str) -> anyhow::Result<()> {
    match schema.require(column)?.column_type() {
        ColumnType::I64 | ColumnType::Utf8 | ColumnType::Bool | ColumnType::Date | ColumnType::Timestamp => {
            Ok(())
        }
        found => Err(luthier_core::Error::ColumnType {
            column: column.to_owned(),
            found: found.to_string(),
            expected: expected.to_owned(),
        }
        .into()),
    }
}

/// The group of every row and the number of groups, in the order of their values.
///
/// # Errors
/// A missing value, with its row.
pub(super) fn of_rows(frame: &DataFrame, column: &str) -> anyhow::Result<(Vec<u32>, usize)> {
    check(frame.schema(), column, "integers, text or dates, one value per group")?;
    let ranks = frame.ranks(column)?;
    let group = |(row, rank): (usize, Option<u32>)| {
        rank.ok_or_else(|| luthier_core::frame::Error::Null { column: column.to_owned(), row })
    };
    let groups = ranks.of_row.into_iter().enumerate().map(group).collect::<Result<_, _>>()?;
    Ok((groups, ranks.distinct.len()))
}
