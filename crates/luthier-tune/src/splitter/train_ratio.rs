use luthier_core::Folds;
use luthier_core::frame::DataFrame;
use luthier_core::params::Params;

use super::shuffle::shuffle;
use super::{NamedSplitter, Split, Splitter};
use crate::Error;

const VALIDATION: u32 = 0;
const TRAINING: u32 = 1;

/// One split into training and validation rows: `round(train_ratio · rows)` rows are training rows.
///
/// A row is a training row if its position in a seeded permutation of all rows is below that number. Validation rows are
/// fold 0, training rows fold 1.
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{Splitter, TrainRatio};
///
/// let frame = DataFrame::from_columns(vec![("x", Column::i64((0..10).collect()))])?;
/// let split = TrainRatio::new().train_ratio(0.8).split(&frame, 7)?;
/// assert_eq!((split.folds.sizes(), &split.evaluated[..]), (&[2, 8][..], &[0][..]));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct TrainRatio {
    /// Fraction of the rows to train on.
    #[param(default = 0.75, greater_than = 0, less_than = 1)]
    train_ratio: f64,
}

impl Splitter for TrainRatio {
    fn split(&self, frame: &DataFrame, seed: u64) -> anyhow::Result<Split> {
        self.validate()?;
        let (rows, ratio) = (frame.num_rows(), self.train_ratio);
        let training = (ratio * rows as f64).round() as usize;
        let lacking = match training {
            0 => Some(("training", "raise")),
            all if all >= rows => Some(("validation", "lower")),
            _ => None,
        };
        if let Some((side, change)) = lacking {
            return Err(Error::invalid(format!(
                "train_ratio = {ratio:?} of {rows} rows leaves no {side} rows: {change} train_ratio, or give more rows"
            ))
            .into());
        }
        let mut folds = vec![VALIDATION; rows];
        folds[..training].fill(TRAINING);
        shuffle(&mut folds, seed);
        Ok(Split { folds: Folds::new(folds, 2)?, evaluated: vec![VALIDATION] })
    }

    fn num_evaluated(&self) -> Option<usize> {
        Some(1)
    }
}

impl NamedSplitter for TrainRatio {
    const NAME: &'static str = "train_ratio";
}

crate::register_splitter!(TrainRatio: "One split into training and validation rows.");
