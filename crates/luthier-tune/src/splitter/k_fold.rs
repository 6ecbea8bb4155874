use luthier_core::Folds;
use luthier_core::frame::DataFrame;
use luthier_core::params::Params;

use super::shuffle::shuffle;
use super::{NamedSplitter, Split, Splitter, too_few_rows};

/// Cross-validation: `k` random folds whose sizes differ by at most 1, each held out once.
///
/// The fold of a row is its place in a seeded permutation of all rows, modulo `k`.
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{KFold, Splitter};
///
/// let frame = DataFrame::from_columns(vec![("x", Column::i64((0..10).collect()))])?;
/// let split = KFold::new().num_folds(4).split(&frame, 7)?;
/// assert_eq!(split.folds.sizes(), [3, 3, 2, 2]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct KFold {
    /// Number of folds.
    #[param(default = 3, range = 2..)]
    num_folds: u32,
}

impl Splitter for KFold {
    fn split(&self, frame: &DataFrame, seed: u64) -> anyhow::Result<Split> {
        self.validate()?;
        let (rows, num_folds) = (frame.num_rows(), self.num_folds);
        if rows < num_folds as usize {
            return Err(too_few_rows(rows, num_folds));
        }
        let mut folds: Vec<u32> = (0..num_folds).cycle().take(rows).collect();
        shuffle(&mut folds, seed);
        Ok(Split { folds: Folds::new(folds, num_folds)?, evaluated: (0..num_folds).collect() })
    }

    fn num_evaluated(&self) -> Option<usize> {
        Some(self.num_folds as usize)
    }
}

impl NamedSplitter for KFold {
    const NAME: &'static str = "k_fold";
}

crate::register_splitter!(KFold: "Cross-validation: k random folds of equal size, each held out once.");
