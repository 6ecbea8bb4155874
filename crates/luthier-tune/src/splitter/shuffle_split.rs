use luthier_core::frame::{DataFrame, Schema};
use luthier_core::params::Params;
use luthier_core::{Round, Rows};

use super::micro_blocks::{self, MicroBlocks};
use super::strata::{self, check, seed_of, strata};
use super::train_ratio::training_rows;
use super::{NamedSplitter, Split, Splitter};

/// Repeated hold-outs: `num_splits` independent splits into `round(train_ratio · rows)` training rows and the rest for
/// validation. Unlike the folds of a cross-validation, validation sets overlap.
///
/// The rows are dealt at random into about a thousand blocks, of which each split draws some. With at most a thousand rows,
/// each is a block of its own and the sizes are exact; with more, they are within half a block (`rows / 2048`) per stratum. `stratify`
/// works as in [`KFold`](crate::KFold).
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{ShuffleSplit, Splitter};
///
/// let frame = DataFrame::from_columns(vec![("x", Column::i64((0..10).collect()))])?;
/// let split = ShuffleSplit::new().num_splits(3).train_ratio(0.8).split(&frame, 7)?;
/// assert!((0..3).all(|round| (split.num_training_rows(round), split.num_validation_rows(round)) == (8, 2)));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct ShuffleSplit {
    /// Number of splits.
    #[param(default = 10, range = 1..)]
    num_splits: u32,
    /// Fraction of the rows to train on.
    #[param(default = 0.75, greater_than = 0, less_than = 1)]
    train_ratio: f64,
    /// Column whose classes, or ranges of numbers, are spread evenly over training and validation rows.
    stratify: Option<String>,
}

impl Splitter for ShuffleSplit {
    fn split(&self, frame: &DataFrame, seed: u64) -> anyhow::Result<Split> {
        self.validate()?;
        let rows = frame.num_rows();
        let validation = rows - training_rows(self.train_ratio, rows)?;
        let micro = MicroBlocks::new(&strata(frame, self.stratify.as_ref())?, 1, micro_blocks::TO_DRAW, seed);
        let blocks = micro.blocks()?;
        let all = Rows::range(0..blocks.count());
        let rounds = (0..u64::from(self.num_splits)).map(|split| {
            let held_out = micro.draw(validation, seed_of(seed, split + 1));
            Round::new(all.without(&held_out), held_out)
        });
        Ok(Split::new(blocks, rounds))
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        self.stratify.iter().try_for_each(|column| check(schema, column))
    }

    fn test_rows(&self, frame: &DataFrame, share: f64, seed: u64) -> anyhow::Result<Vec<bool>> {
        strata::test_rows(frame, self.stratify.as_ref(), share, seed)
    }

    fn num_rounds(&self) -> Option<usize> {
        Some(self.num_splits as usize)
    }
}

impl NamedSplitter for ShuffleSplit {
    const NAME: &'static str = "shuffle_split";
}

crate::register_splitter!(ShuffleSplit: "Repeated random splits into training and validation rows.");
