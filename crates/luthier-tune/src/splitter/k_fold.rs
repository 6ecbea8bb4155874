use luthier_core::Blocks;
use luthier_core::frame::{DataFrame, Schema};
use luthier_core::params::Params;

use super::strata::{self, check, deal, strata};
use super::{NamedSplitter, OverShards, Split, Splitter, too_few_rows};

/// Cross-validation: `k` random folds whose sizes differ by at most 1, each held out once.
///
/// The fold of a row is its place in a seeded permutation of all rows, modulo `k`. With `stratify`, the rows of each class
/// are dealt to the folds in turn, so that their numbers differ by at most 1 between folds. Numbers that are not whole or
/// have more than 20 distinct values are divided into ten ranges of about equally many rows instead of classes.
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{KFold, Splitter};
///
/// let frame = DataFrame::from_columns(vec![("x", Column::i64((0..10).collect()))])?;
/// let split = KFold::new().num_folds(4).split(&frame, 7)?;
/// assert_eq!(split.blocks().sizes(), [3, 3, 2, 2]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct KFold {
    /// Number of folds.
    #[param(default = 3, range = 2..)]
    num_folds: u32,
    /// Column whose classes, or ranges of numbers, are spread evenly over the folds.
    stratify: Option<String>,
}

impl Splitter for KFold {
    fn split(&self, frame: &DataFrame, seed: u64) -> anyhow::Result<Split> {
        self.validate()?;
        let (rows, num_folds) = (frame.num_rows(), self.num_folds);
        if rows < num_folds as usize {
            return Err(too_few_rows(rows, num_folds));
        }
        let folds = deal(&strata(frame, self.stratify.as_ref())?, num_folds, seed);
        Ok(Split::hold_out_each(Blocks::new(folds, num_folds)?))
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        self.stratify.iter().try_for_each(|column| check(schema, column))
    }

    fn test_rows(&self, frame: &DataFrame, share: f64, seed: u64) -> anyhow::Result<Vec<bool>> {
        strata::test_rows(frame, self.stratify.as_ref(), share, seed)
    }

    fn num_rounds(&self) -> Option<usize> {
        Some(self.num_folds as usize)
    }

    fn over_shards(&self) -> OverShards {
        OverShards::SplitEach
    }
}

impl NamedSplitter for KFold {
    const NAME: &'static str = "k_fold";
}

crate::register_splitter!(KFold: "Cross-validation: k random folds of equal size, each held out once.");
