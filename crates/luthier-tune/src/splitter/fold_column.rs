use luthier_core::Blocks;
use luthier_core::frame::{ColumnType, DataFrame, Schema};
use luthier_core::params::{Params, Required};

use super::columns::require;
use super::{NamedSplitter, OverShards, Split, Splitter, hold_out, invalid, too_few_rows};

/// Cross-validation with folds from a column: the rows of each value are held out once.
///
/// It is for rows that belong together, such as those of one person or one day. Fold 0 is the smallest value, fold 1 the
/// next, in numeric or alphabetical order. Rows with -1 or without a value are training rows in every round, as by scikit-learn's
/// `PredefinedSplit`. The seed is ignored.
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{FoldColumn, Splitter};
///
/// let frame = DataFrame::from_columns(vec![("day", Column::utf8(["mon", "tue", "mon"]))])?;
/// let split = FoldColumn::new().fold_col("day").split(&frame, 0)?;
/// assert_eq!(split.blocks().assignment(), [0, 1, 0]);
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
        let takes = |found| matches!(found, ColumnType::I64 | ColumnType::Utf8 | ColumnType::Bool);
        require(schema, name, takes, "integers or text, one value per fold")?;
        Ok(name)
    }

    /// The fold of each row, or `None` if it is always a training row, and the number of folds.
    fn folds(frame: &DataFrame, name: &str) -> anyhow::Result<(Vec<Option<u32>>, u32)> {
        let ranks = frame.ranks(name)?;
        let is_number = frame.schema().require(name)?.column_type() == ColumnType::I64;
        let names = if is_number { ranks.names()? } else { Vec::new() };
        let never = names.iter().position(|value| value == "-1").and_then(|place| u32::try_from(place).ok());
        let fold = |rank: u32| match never {
            Some(never) if rank == never => None,
            Some(never) if rank > never => Some(rank - 1),
            _ => Some(rank),
        };
        let count = u32::try_from(ranks.distinct.len())? - u32::from(never.is_some());
        Ok((ranks.of_row.into_iter().map(|rank| rank.and_then(fold)).collect(), count))
    }
}

impl Splitter for FoldColumn {
    fn split(&self, frame: &DataFrame, _seed: u64) -> anyhow::Result<Split> {
        let name = self.column(frame.schema())?;
        let (folds, count) = Self::folds(frame, name)?;
        if let Some(expected) = self.num_folds.filter(|expected| *expected != count) {
            if frame.num_rows() < expected as usize {
                return Err(too_few_rows(frame.num_rows(), expected));
            }
            return Err(invalid(format!(
                "column `{name}` has {count} different values, expected {expected}, because num_folds is {expected}: \
                 correct num_folds, or leave it out to use every value of the column as a fold"
            )));
        }
        if count < 2 {
            return Err(invalid(format!(
                "column `{name}` has {count} different values in {} rows, expected at least 2, because each value is a fold",
                frame.num_rows()
            )));
        }
        let is_complete = folds.iter().all(Option::is_some);
        let blocks = folds.into_iter().map(|fold| fold.unwrap_or(count)).collect();
        Ok(Split::hold_out(Blocks::new(blocks, count + u32::from(!is_complete))?, 0..count))
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        self.column(schema).map(|_| ())
    }

    /// Whole folds, because their rows belong together; never rows that are always training rows.
    fn test_rows(&self, frame: &DataFrame, share: f64, seed: u64) -> anyhow::Result<Vec<bool>> {
        let (folds, _) = Self::folds(frame, self.column(frame.schema())?)?;
        let known: Vec<u32> = folds.iter().copied().flatten().collect();
        let wanted = hold_out::wanted(folds.len(), share).min(known.len());
        let mut chosen = hold_out::grouped(&known, wanted, seed).into_iter();
        Ok(folds.iter().map(|fold| fold.is_some() && chosen.next() == Some(true)).collect())
    }

    fn num_rounds(&self) -> Option<usize> {
        self.num_folds.map(|count| count as usize)
    }

    fn over_shards(&self) -> OverShards {
        OverShards::SplitEach
    }
}

impl NamedSplitter for FoldColumn {
    const NAME: &'static str = "fold_column";
}

crate::register_splitter!(FoldColumn: "Cross-validation with folds from a column.");
