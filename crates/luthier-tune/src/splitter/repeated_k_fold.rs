use luthier_core::Round;
use luthier_core::frame::{DataFrame, Schema};
use luthier_core::params::Params;

use super::micro_blocks::{self, MicroBlocks};
use super::strata::{self, check, seed_of, strata};
use super::{NamedSplitter, Split, Splitter, too_few_rows};

/// Cross-validation repeated with other random folds: `num_repeats · num_folds` rounds.
///
/// The rows are dealt at random into about 256 blocks, and each repeat deals the blocks into folds, whose sizes differ
/// by at most 1. With at most a thousand rows, each is a block of its own, so that the repeats are independent of each other; with
/// more, rows of the same block stay together. Summaries of the blocks serve all repeats, so many of them cost little more
/// than one. `stratify` works as in [`KFold`](crate::KFold).
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{RepeatedKFold, Splitter};
///
/// let frame = DataFrame::from_columns(vec![("x", Column::i64((0..10).collect()))])?;
/// let split = RepeatedKFold::new().num_folds(5).num_repeats(20).split(&frame, 7)?;
/// assert_eq!(split.rounds().len(), 100);
/// assert!((0..100).all(|round| split.num_validation_rows(round) == 2));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct RepeatedKFold {
    /// Number of folds of each repeat.
    #[param(default = 5, range = 2..)]
    num_folds: u32,
    /// Number of repeats.
    #[param(default = 10, range = 1..)]
    num_repeats: u32,
    /// Column whose classes, or ranges of numbers, are spread evenly over the folds.
    stratify: Option<String>,
}

impl Splitter for RepeatedKFold {
    fn split(&self, frame: &DataFrame, seed: u64) -> anyhow::Result<Split> {
        self.validate()?;
        let (rows, k) = (frame.num_rows(), self.num_folds);
        if rows < k as usize {
            return Err(too_few_rows(rows, k));
        }
        let strata = strata(frame, self.stratify.as_ref())?;
        let blocks = MicroBlocks::new(&strata, k as usize, micro_blocks::TO_DEAL, seed);
        let repeats =
            (0..u64::from(self.num_repeats)).map(|repeat| blocks.deal(k, seed_of(seed, repeat + 1)));
        let rounds = repeats.flat_map(|folds| {
            let all = folds.iter().fold(luthier_core::Rows::blocks([]), |all, fold| all.and(fold));
            folds.into_iter().map(move |fold| Round::new(all.without(&fold), fold))
        });
        Ok(Split::new(blocks.blocks()?, rounds))
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        self.stratify.iter().try_for_each(|column| check(schema, column))
    }

    fn test_rows(&self, frame: &DataFrame, share: f64, seed: u64) -> anyhow::Result<Vec<bool>> {
        strata::test_rows(frame, self.stratify.as_ref(), share, seed)
    }

    fn num_rounds(&self) -> Option<usize> {
        Some(self.num_folds as usize * self.num_repeats as usize)
    }
}

impl NamedSplitter for RepeatedKFold {
    const NAME: &'static str = "repeated_k_fold";
}

crate::register_splitter!(RepeatedKFold: "Cross-validation repeated with other random folds.");
