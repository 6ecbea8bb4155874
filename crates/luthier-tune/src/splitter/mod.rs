//! Splitters, which decide which rows are held out.

mod columns;
mod entry;
mod fold_column;
mod group_k_fold;
pub mod hold_out;
mod k_fold;
mod leave_one_group_out;
mod leave_one_out;
mod leave_one_shard_out;
mod micro_blocks;
mod repeated_k_fold;
mod rolling_origin;
mod shuffle;
mod shuffle_split;
mod strata;
mod train_ratio;

use std::any::Any;
use std::collections::HashMap;
use std::fmt::Debug;

use luthier_core::frame::{ContentHash, DataFrame, Schema};
use luthier_core::params::Params;
use luthier_core::{Blocks, Round, Rounds, Rows};

pub use entry::SplitterEntry;
pub use fold_column::FoldColumn;
pub use group_k_fold::GroupKFold;
pub use k_fold::KFold;
pub use leave_one_group_out::LeaveOneGroupOut;
pub use leave_one_out::LeaveOneOut;
pub use leave_one_shard_out::LeaveOneShardOut;
pub use repeated_k_fold::RepeatedKFold;
pub use rolling_origin::RollingOrigin;
pub use shuffle::shuffle;
pub use shuffle_split::ShuffleSplit;
pub use strata::shares;
pub use train_ratio::TrainRatio;

use crate::{Error, Result};

/// The block of every row, and the rounds: for each of them the blocks to train on and those to validate on.
///
/// ```
/// use luthier_tune::core::{Blocks, Round, Rows};
/// use luthier_tune::Split;
///
/// // Blocks in the order of time: train on everything before a block, validate on the block.
/// let blocks = Blocks::new(vec![0, 0, 1, 1, 2, 2], 3)?;
/// let rounds = (1..3).map(|now| Round::new(Rows::range(0..now), Rows::only(now)));
/// let split = Split::new(blocks, rounds);
/// split.check(6)?;
/// assert_eq!(split.num_training_rows(1), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Split {
    blocks: Blocks,
    given: Vec<Round>,
    rounds: Rounds,
    /// For each round the first one with the same training rows.
    alike: Vec<u32>,
}

impl PartialEq for Split {
    fn eq(&self, other: &Self) -> bool {
        self.blocks == other.blocks && self.rounds() == other.rounds()
    }
}

impl Split {
    /// These rounds over blocks.
    pub fn new(blocks: Blocks, rounds: impl IntoIterator<Item = Round>) -> Self {
        let given: Vec<Round> = rounds.into_iter().collect();
        let rounds = Rounds::new(given.iter().cloned(), blocks.count());
        let mut first: HashMap<&Rows, u32> = HashMap::new();
        let alike = (0..).zip(rounds.as_slice());
        let alike = alike.map(|(place, round)| *first.entry(&round.train).or_insert(place)).collect();
        Self { blocks, given, rounds, alike }
    }

    /// Each block is held out once for validation; the training rows are those of all other blocks.
    pub fn hold_out_each(blocks: Blocks) -> Self {
        let all = 0..blocks.count();
        Self::hold_out(blocks, all)
    }

    /// These blocks are held out in turn for validation; the training rows are those of all other blocks.
    pub fn hold_out(blocks: Blocks, held_out: impl IntoIterator<Item = u32>) -> Self {
        Self::new(blocks, held_out.into_iter().map(Round::hold_out))
    }

    /// Other rounds over the same blocks.
    pub(crate) fn with_rounds(&self, rounds: Vec<Round>) -> Self {
        Self::new(self.blocks.clone(), rounds)
    }

    /// The number of validation rows per training row, on average over the first `rounds` rounds.
    pub(crate) fn overlap(&self, rounds: usize) -> f64 {
        let rounds = 0..rounds;
        let ratio = |round| self.num_validation_rows(round) as f64 / self.num_training_rows(round) as f64;
        rounds.clone().map(ratio).sum::<f64>() / rounds.len() as f64
    }

    /// The block of every row.
    pub fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    /// The rounds, in order.
    pub fn rounds(&self) -> &[Round] {
        self.rounds.as_slice()
    }

    /// The first round with the same training rows as this one: what is fitted on one of them is fitted for all.
    pub(crate) fn first_alike(&self, round: u32) -> u32 {
        self.alike.get(round as usize).copied().unwrap_or(round)
    }

    /// A hash of the blocks of all rows, or of their sizes if no more is known.
    pub(crate) fn hash_of_blocks(&self) -> String {
        let mut hash = ContentHash::new();
        // Some at a time: there is a number for each row.
        for some in self.blocks.assignment().chunks(1024) {
            let bytes: Vec<u8> = some.iter().flat_map(|block| block.to_le_bytes()).collect();
            hash.write(&bytes);
        }
        if !self.blocks.has_assignment() {
            hash.write(format!("{:?}", self.blocks.sizes()).as_bytes());
        }
        hash.finish().to_string()
    }

    /// The rounds with the order in which their training sets are merged.
    pub(crate) fn merges(&self) -> &Rounds {
        &self.rounds
    }

    /// The number of training rows in a round; 0 if there is no such round.
    pub fn num_training_rows(&self, round: usize) -> usize {
        self.rounds().get(round).map_or(0, |round| self.blocks.num_rows(&round.train))
    }

    /// The number of validation rows in a round; 0 if there is no such round.
    pub fn num_validation_rows(&self, round: usize) -> usize {
        self.rounds().get(round).map_or(0, |round| self.blocks.num_rows(&round.validate))
    }

    /// Checks that the split is valid for a frame of `rows` rows.
    ///
    /// # Errors
    /// A number of block numbers other than the number of rows; no round; a round with a block that does not exist, with a
    /// block both in its training and its validation set, or without training or validation rows.
    pub fn check(&self, rows: usize) -> Result<()> {
        let (count, given) = (self.blocks.count(), self.blocks.rows());
        if given != rows {
            return Err(Error::invalid(format!("the split has {given} rows, but the frame has {rows}")));
        }
        if self.given.is_empty() {
            return Err(Error::invalid("the split has no rounds, expected at least one"));
        }
        for (place, round) in self.given.iter().enumerate() {
            let highest = round.validate.highest().max(round.train.highest());
            if let Some(block) = highest.filter(|block| *block >= count) {
                return Err(Error::invalid(format!(
                    "round {place} of the split has block {block}, but there are {count} blocks, numbered from 0"
                )));
            }
            let rows = [("training", &round.train), ("validation", &round.validate)];
            if let Some((side, _)) = rows.into_iter().find(|(_, rows)| self.blocks.num_rows(rows) == 0) {
                return Err(Error::invalid(format!("round {place} of the split has no {side} rows")));
            }
            if !round.train.is_disjoint(&round.validate) {
                return Err(Error::invalid(format!(
                    "round {place} of the split trains on {} and validates on {}: a block is in both",
                    round.train.within(count),
                    round.validate.within(count)
                )));
            }
        }
        Ok(())
    }
}

/// The error for fewer rows than folds.
fn too_few_rows(rows: usize, num_folds: u32) -> anyhow::Error {
    let change = if rows < 2 { String::new() } else { format!("set num_folds to at most {rows}, or ") };
    let ending = if rows == 1 { "" } else { "s" };
    invalid(format!("{rows} row{ending} cannot be split into {num_folds} folds: {change}give more rows"))
}

fn invalid(message: String) -> anyhow::Error {
    Error::invalid(message).into()
}

/// What a splitter does with several [`Shards`](crate::Shards).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OverShards {
    /// They cannot be put together: a split of each would part what belongs together, such as the rows of a group, or the order of time.
    #[default]
    Refused,
    /// Each is split by itself, and the blocks of the same number belong together.
    SplitEach,
    /// Each is held out in turn, however its rows are divided.
    HoldOutEach,
}

/// Assigns rows to blocks and says in which rounds these are trained and validated on.
///
/// # Contract
/// - The block of a row depends on the seed, the number of rows, the row's global index and its values; never on
///   how the frame is divided into partitions and batches.
/// - There is a round; each has training rows and validation rows, and none in both.
/// - Equal arguments give equal splits.
///
/// The engine checks every split with [`Split::check`]; `luthier_testkit::check_splitter` tests the whole contract.
///
/// ```
/// use luthier_tune::core::Blocks;
/// use luthier_tune::core::frame::DataFrame;
/// use luthier_tune::{Split, Splitter};
///
/// /// Trains on the first three quarters of the rows and validates on the rest, for rows in chronological order.
/// #[derive(Debug)]
/// struct LastQuarter;
///
/// impl Splitter for LastQuarter {
///     fn split(&self, frame: &DataFrame, _seed: u64) -> anyhow::Result<Split> {
///         let rows = frame.num_rows();
///         let blocks = (0..rows).map(|row| u32::from(4 * row >= 3 * rows)).collect();
///         Ok(Split::hold_out(Blocks::new(blocks, 2)?, [1]))
///     }
///     fn num_rounds(&self) -> Option<usize> {
///         Some(1)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a splitter",
    note = "implement `luthier_tune::Splitter` (`split` and `num_rounds`) for it"
)]
pub trait Splitter: Any + Debug + Send + Sync {
    /// Splits the rows of a frame.
    ///
    /// # Errors
    /// If there are too few rows, or a column cannot be used.
    fn split(&self, frame: &DataFrame, seed: u64) -> anyhow::Result<Split>;

    /// Checks that a frame of this schema can be split, as far as possible without rows.
    ///
    /// # Errors
    /// If a column is missing or has the wrong type.
    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        let _ = schema;
        Ok(())
    }

    /// The number of rounds; `None` if it is only known from the rows.
    fn num_rounds(&self) -> Option<usize>;

    /// What it does with several [`Shards`](crate::Shards).
    fn over_shards(&self) -> OverShards {
        OverShards::Refused
    }

    /// Sets rows aside for a test, about `share` of all (more than 0 and less than 1): for each row whether it is a test row.
    /// A configuration asks for it with `test = 0.2`; the splitter then splits the other rows.
    ///
    /// By default, rows are chosen at random. What must not be parted in [`split`](Self::split) must not be parted here: a
    /// splitter by groups sets whole groups aside, one by time the latest rows. [`hold_out`] has the functions for it. As there,
    /// the answer depends on the seed, the number of rows and their values, and never on partitions.
    ///
    /// # Errors
    /// If there are too few rows, or a column cannot be used.
    fn test_rows(&self, frame: &DataFrame, share: f64, seed: u64) -> anyhow::Result<Vec<bool>> {
        let rows = frame.num_rows();
        Ok(hold_out::random(rows, hold_out::wanted(rows, share), seed))
    }
}

/// A splitter that a configuration can name. Register it with
/// [`register_splitter!`](crate::register_splitter).
///
/// ```
/// use luthier_tune::core::frame::DataFrame;
/// use luthier_tune::core::{Blocks, Params};
/// use luthier_tune::{NamedSplitter, Split, Splitter};
///
/// /// Every n-th row in one fold.
/// #[derive(Debug, Clone, Params)]
/// struct Stripes {
///     /// Number of folds.
///     #[param(default = 3, range = 2..)]
///     num_folds: u32,
/// }
///
/// impl Splitter for Stripes {
///     fn split(&self, frame: &DataFrame, _seed: u64) -> anyhow::Result<Split> {
///         let folds = (0..self.num_folds).cycle().take(frame.num_rows()).collect();
///         Ok(Split::hold_out_each(Blocks::new(folds, self.num_folds)?))
///     }
///     fn num_rounds(&self) -> Option<usize> {
///         Some(self.num_folds as usize)
///     }
/// }
///
/// impl NamedSplitter for Stripes {
///     const NAME: &'static str = "acme.stripes";
/// }
///
/// luthier_tune::register_splitter!(Stripes: "Every n-th row in one fold.");
/// ```
pub trait NamedSplitter: Splitter + Params + Default {
    /// The registered name, such as `"k_fold"`.
    const NAME: &'static str;
}
