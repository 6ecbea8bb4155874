use std::collections::BTreeMap;

use luthier_core::Folds;
use luthier_core::frame::{ColumnType, DataFrame, Schema};
use luthier_core::params::{Params, Required};

use super::{NamedSplitter, Split, Splitter, too_few_rows};
use crate::Error;

/// Cross-validation with folds from a column: the rows of each value are held out once.
///
/// It is for rows that belong together, such as those of one person or one day. Fold 0 is the smallest value, fold 1 the
/// next, in numeric or alphabetical order. The seed is ignored.
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{FoldColumn, Splitter};
///
/// let frame = DataFrame::from_columns(vec![("day", Column::utf8(["mon", "tue", "mon"]))])?;
/// let split = FoldColumn::new().fold_col("day").split(&frame, 0)?;
/// assert_eq!(split.folds.assignment(), [0, 1, 0]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct FoldColumn {
    /// Column with the fold of each row: integers, text or booleans.
    #[param(column = fold)]
    fold_col: Required<String>,
    /// Number of folds, if the column must have exactly this number of values; without it, any number from 2.
    #[param(range = 2..)]
    num_folds: Option<u32>,
}

impl FoldColumn {
    fn column(&self, schema: &Schema) -> anyhow::Result<&str> {
        self.validate()?;
        let name = self.fold_col.get()?;
        match schema.require(name)?.column_type() {
            ColumnType::I64 | ColumnType::Utf8 | ColumnType::Bool => Ok(name),
            found => Err(luthier_core::Error::ColumnType {
                column: name.clone(),
                found: found.to_string(),
                expected: "integers or text, one value per fold".to_owned(),
            }
            .into()),
        }
    }

    /// The rank of each row's value among all values, and how many values there are.
    fn ranks(frame: &DataFrame, name: &str) -> anyhow::Result<(Vec<u32>, usize)> {
        Ok(match frame.schema().require(name)?.column_type() {
            ColumnType::Utf8 => ranks(&frame.column_utf8(name)?),
            ColumnType::Bool => ranks(&frame.column_bool(name)?),
            _ => ranks(&frame.column_i64(name)?),
        })
    }
}

fn ranks<T: Ord>(values: &[T]) -> (Vec<u32>, usize) {
    let mut known: BTreeMap<&T, u32> = values.iter().map(|value| (value, 0)).collect();
    known.values_mut().zip(0..).for_each(|(rank, place)| *rank = place);
    (values.iter().filter_map(|value| known.get(value).copied()).collect(), known.len())
}

impl Splitter for FoldColumn {
    fn split(&self, frame: &DataFrame, _seed: u64) -> anyhow::Result<Split> {
        let name = self.column(frame.schema())?;
        let (folds, found) = Self::ranks(frame, name)?;
        let count = u32::try_from(found)?;
        if let Some(expected) = self.num_folds.filter(|expected| *expected != count) {
            if frame.num_rows() < expected as usize {
                return Err(too_few_rows(frame.num_rows(), expected));
            }
            return Err(Error::invalid(format!(
                "column `{name}` has {found} different values, expected {expected}, because num_folds is {expected}: \
                 correct num_folds, or leave it out to use every value of the column as a fold"
            ))
            .into());
        }
        if count < 2 {
            return Err(Error::invalid(format!(
                "column `{name}` has {found} different values in {} rows, expected at least 2, because each value is a fold",
                frame.num_rows()
            ))
            .into());
        }
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

crate::register_splitter!(FoldColumn: "Cross-validation with folds from a column.");
