use luthier_core::Blocks;
use luthier_core::frame::{DataFrame, Schema};
use luthier_core::params::Params;

use super::shuffle::shuffle;
use super::strata::{self, check, seed_of, shares, strata};
use super::{NamedSplitter, OverShards, Split, Splitter, invalid};

const VALIDATION: u32 = 0;
const TRAINING: u32 = 1;

/// One split into training and validation rows: `round(train_ratio · rows)` rows are training rows.
///
/// A row is a training row if its position in a seeded permutation of all rows is below that number. With `stratify`, each
/// class has its share of them, within one row; numbers that are not whole or have more than 20 distinct values are divided
/// into ten ranges of about equally many rows instead of classes. Validation rows are block 0, training rows block 1.
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{Splitter, TrainRatio};
///
/// let frame = DataFrame::from_columns(vec![("x", Column::i64((0..10).collect()))])?;
/// let split = TrainRatio::new().train_ratio(0.8).split(&frame, 7)?;
/// assert_eq!((split.num_training_rows(0), split.num_validation_rows(0)), (8, 2));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct TrainRatio {
    /// Fraction of the rows to train on.
    #[param(default = 0.75, greater_than = 0, less_than = 1)]
    train_ratio: f64,
    /// Column whose classes, or ranges of numbers, are spread evenly over training and validation rows.
    stratify: Option<String>,
}

/// The number of training rows.
///
/// # Errors
/// If no training or validation rows are left.
pub(super) fn training_rows(ratio: f64, rows: usize) -> anyhow::Result<usize> {
    let training = (ratio * rows as f64).round() as usize;
    let lacking = match training {
        0 => Some(("training", "raise")),
        all if all >= rows => Some(("validation", "lower")),
        _ => None,
    };
    match lacking {
        None => Ok(training),
        Some((side, change)) => Err(invalid(format!(
            "train_ratio = {ratio:?} of {rows} rows leaves no {side} rows: {change} train_ratio, or give more rows"
        ))),
    }
}

impl Splitter for TrainRatio {
    fn split(&self, frame: &DataFrame, seed: u64) -> anyhow::Result<Split> {
        self.validate()?;
        let rows = frame.num_rows();
        let training = training_rows(self.train_ratio, rows)?;
        let strata = strata(frame, self.stratify.as_ref())?;
        let sizes: Vec<usize> = strata.iter().map(Vec::len).collect();
        let mut blocks = vec![VALIDATION; rows];
        for ((place, stratum), training) in (0..).zip(&strata).zip(shares(&sizes, training)) {
            let mut sides = vec![VALIDATION; stratum.len()];
            sides.iter_mut().take(training).for_each(|side| *side = TRAINING);
            shuffle(&mut sides, seed_of(seed, place));
            for (&row, side) in stratum.iter().zip(sides) {
                if let Some(block) = blocks.get_mut(row as usize) {
                    *block = side;
                }
            }
        }
        Ok(Split::hold_out(Blocks::new(blocks, 2)?, [VALIDATION]))
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        self.stratify.iter().try_for_each(|column| check(schema, column))
    }

    fn test_rows(&self, frame: &DataFrame, share: f64, seed: u64) -> anyhow::Result<Vec<bool>> {
        strata::test_rows(frame, self.stratify.as_ref(), share, seed)
    }

    fn num_rounds(&self) -> Option<usize> {
        Some(1)
    }

    fn over_shards(&self) -> OverShards {
        OverShards::SplitEach
    }
}

impl NamedSplitter for TrainRatio {
    const NAME: &'static str = "train_ratio";
}

crate::register_splitter!(TrainRatio: "One split into training and validation rows.");
