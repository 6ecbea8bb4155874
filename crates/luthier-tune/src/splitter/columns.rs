//! The columns that splitters read.

use luthier_core::frame::{ColumnType, DataFrame, Schema};

use super::{hold_out, invalid};

/// Checks that a column exists and has a type that a splitter can use.
pub(super) fn require(
    schema: &Schema,
    column: &str,
    takes: impl Fn(ColumnType) -> bool,
    expected: &str,
) -> anyhow::Result<()> {
    match schema.require(column)?.column_type() {
        found if takes(found) => Ok(()),
        found => Err(luthier_core::Error::ColumnType {
            column: column.to_owned(),
            found: found.to_string(),
            expected: expected.to_owned(),
        }
        .into()),
    }
}

/// Checks that a column can say which rows belong together.
pub(super) fn require_groups(schema: &Schema, column: &str) -> anyhow::Result<()> {
    use ColumnType::{Bool, Date, I64, Timestamp, Utf8};
    let takes = |found| matches!(found, I64 | Utf8 | Bool | Date | Timestamp);
    require(schema, column, takes, "integers, text or dates, one value per group")
}

/// The place of each row's value among the distinct values of a column in their order, and the number of these.
///
/// # Errors
/// A missing value, with its row.
pub(super) fn places(frame: &DataFrame, column: &str) -> anyhow::Result<(Vec<u32>, usize)> {
    let ranks = frame.ranks(column)?;
    let place = |(row, rank): (usize, Option<u32>)| {
        rank.ok_or_else(|| luthier_core::frame::Error::Null { column: column.to_owned(), row })
    };
    let places = ranks.of_row.into_iter().enumerate().map(place).collect::<Result<_, _>>()?;
    Ok((places, ranks.distinct.len()))
}

/// Test rows of which the rows of one group are all or none.
///
/// # Errors
/// A missing group, with its row; only one group.
pub(super) fn whole_groups(
    frame: &DataFrame,
    column: &str,
    share: f64,
    seed: u64,
) -> anyhow::Result<Vec<bool>> {
    let (groups, count) = places(frame, column)?;
    if count < 2 {
        return Err(invalid(format!(
            "column `{column}` has {count} group in {} rows, expected at least 2: rows of a group are not parted, so none can be \
             test rows",
            frame.num_rows()
        )));
    }
    Ok(hold_out::grouped(&groups, hold_out::wanted(groups.len(), share), seed))
}
