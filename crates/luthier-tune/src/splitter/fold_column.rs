use luthier_core::Folds;
use luthier_core::frame::{ColumnType, DataFrame, Schema};
use luthier_core::params::{Params, Required};

use super::{NamedSplitter, Split, Splitter, too_few_rows};
use crate::Error;

/// Cross validation with folds from an integer column, numbered from 0; each is held out once.
///
/// For rows that belong together, such as those of one person or one day. The seed plays no part.
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{FoldColumn, Splitter};
///
/// let frame = DataFrame::from_columns(vec![("day", Column::i64(vec![0, 0, 1, 1, 2]))])?;
/// let split = FoldColumn::new().fold_col("day").split(&frame, 0)?;
/// assert_eq!(split.folds.assignment(), [0, 0, 1, 1, 2]);
/// assert_eq!(split.evaluated, [0, 1, 2]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct FoldColumn {
    /// Column with the fold of each row, of any integer type.
    #[param(column = fold)]
    fold_col: Required<String>,
    /// Number of folds; without it, one more than the largest number in the column.
    #[param(range = 2..)]
    num_folds: Option<u32>,
}

impl FoldColumn {
    fn column(&self, schema: &Schema) -> anyhow::Result<&str> {
        self.validate()?;
        let name = self.fold_col.get()?;
        match schema.require(name)?.column_type() {
            ColumnType::I64 => Ok(name),
            found => Err(luthier_core::Error::ColumnType {
                column: name.clone(),
                found: found.to_string(),
                expected: "an integer: the number of the row's fold, from 0".to_owned(),
            }
            .into()),
        }
    }
}

impl Splitter for FoldColumn {
    fn split(&self, frame: &DataFrame, _seed: u64) -> anyhow::Result<Split> {
        let name = self.column(frame.schema())?;
        let (rows, values) = (frame.num_rows(), frame.column_i64(name)?);
        let wrong = |(row, value): (usize, i64), expected: &str| {
            Error::invalid(format!("column `{name}`, row {row}: found fold {value}, expected {expected}"))
        };
        let out_of = |bound: Option<i64>| {
            let outside = |&(_, value): &(usize, i64)| value < 0 || bound.is_some_and(|bound| value >= bound);
            values.iter().copied().enumerate().find(outside)
        };
        let count = match self.num_folds {
            Some(count) => {
                if let Some(at) = out_of(Some(count.into())) {
                    let change = match at.1 {
                        1.. => "raise num_folds, or leave it out to take every fold of the column",
                        _ => "number the folds from 0",
                    };
                    let expected = format!("0 to {}, since num_folds is {count}: {change}", count - 1);
                    return Err(wrong(at, &expected).into());
                }
                count
            }
            None => {
                // More folds than rows cannot all have rows; saying so early also spares their allocation.
                if let Some(at) = out_of(i64::try_from(rows).ok()) {
                    let expected = format!("0 to {}, as there are {rows} rows", rows.saturating_sub(1));
                    return Err(wrong(at, &expected).into());
                }
                u32::try_from(values.iter().max().map_or(0, |max| max + 1))?
            }
        };
        if count < 2 {
            return Err(Error::invalid(format!(
                "column `{name}` has {count} folds in {rows} rows, expected 2 at least: number them 0, 1, …"
            ))
            .into());
        }
        if count as usize > rows {
            return Err(too_few_rows(rows, count));
        }
        let folds = values.iter().map(|&fold| u32::try_from(fold)).collect::<Result<_, _>>()?;
        Ok(Split { folds: Folds::new(folds, count)?, evaluated: (0..count).collect() })
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        self.column(schema).map(|_| ())
    }

    fn num_evaluated(&self) -> Option<usize> {
        self.num_folds.map(|count| count as usize)
    }
}

impl NamedSplitter for FoldColumn {
    const NAME: &'static str = "fold_column";
}

crate::register_splitter!(FoldColumn: "Cross validation with folds from an integer column.");
