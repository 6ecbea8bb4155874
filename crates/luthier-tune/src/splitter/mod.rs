//! Splitters, which decide which rows are held out.

mod entry;
mod fold_column;
mod k_fold;
mod shuffle;
mod train_ratio;

use std::any::Any;
use std::fmt::Debug;

use luthier_core::Folds;
use luthier_core::frame::{DataFrame, Schema};
use luthier_core::params::Params;

pub use entry::SplitterEntry;
pub use fold_column::FoldColumn;
pub use k_fold::KFold;
pub use shuffle::shuffle;
pub use train_ratio::TrainRatio;

use crate::{Error, Result};

/// The fold of every row, and the folds that are held out.
#[derive(Debug, Clone)]
pub struct Split {
    /// A fold number for every row.
    pub folds: Folds,
    /// The folds that are held out in turn for validation; the training rows are those of all other folds.
    pub evaluated: Vec<u32>,
}

impl Split {
    /// Checks that the split is valid for a frame of `rows` rows.
    ///
    /// # Errors
    /// A number of fold numbers other than the number of rows; fewer than two folds, so that no training rows are left; no
    /// evaluated fold, one that does not exist, or a duplicate.
    pub fn check(&self, rows: usize) -> Result<()> {
        let (count, given) = (self.folds.count(), self.folds.assignment().len());
        if given != rows {
            return Err(Error::invalid(format!("the split has {given} rows, but the frame has {rows}")));
        }
        if count < 2 {
            return Err(Error::invalid(format!(
                "the split has {count} fold, expected at least 2: no rows are left for training"
            )));
        }
        if self.evaluated.is_empty() {
            return Err(Error::invalid("the split evaluates no fold, expected at least one"));
        }
        let mut seen = vec![false; count as usize];
        for &fold in &self.evaluated {
            match seen.get_mut(fold as usize) {
                Some(seen) if !*seen => *seen = true,
                Some(_) => {
                    return Err(Error::invalid(format!("the split evaluates fold {fold} twice")));
                }
                None => {
                    return Err(Error::invalid(format!(
                        "the split evaluates fold {fold}, but folds are numbered from 0 to {}",
                        count - 1
                    )));
                }
            }
        }
        Ok(())
    }
}

/// The error for fewer rows than folds.
fn too_few_rows(rows: usize, num_folds: u32) -> anyhow::Error {
    let change = if rows < 2 { String::new() } else { format!("set num_folds to at most {rows}, or ") };
    let ending = if rows == 1 { "" } else { "s" };
    Error::invalid(format!(
        "{rows} row{ending} cannot be split into {num_folds} folds: {change}give more rows"
    ))
    .into()
}

/// Assigns rows to folds.
///
/// # Contract
/// - The fold of a row depends on the seed, the number of rows, the row's global index and its values; never on
///   how the frame is divided into partitions and batches.
/// - Every fold has rows, and every evaluated fold leaves rows for training.
/// - Equal arguments give equal splits.
///
/// The engine checks every split with [`Split::check`]; `luthier_testkit::check_splitter` tests the whole contract.
///
/// ```
/// use luthier_tune::core::Folds;
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
///         let folds = (0..rows).map(|row| u32::from(4 * row >= 3 * rows)).collect();
///         Ok(Split { folds: Folds::new(folds, 2)?, evaluated: vec![1] })
///     }
///     fn num_evaluated(&self) -> Option<usize> {
///         Some(1)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a splitter",
    note = "implement `luthier_tune::Splitter` (`split` and `num_evaluated`) for it"
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

    /// The number of evaluated folds; `None` if it is only known from the rows.
    fn num_evaluated(&self) -> Option<usize>;
}

/// A splitter that a configuration can name. Register it with
/// [`register_splitter!`](crate::register_splitter).
///
/// ```
/// use luthier_tune::core::frame::DataFrame;
/// use luthier_tune::core::{Folds, Params};
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
///         Ok(Split { folds: Folds::new(folds, self.num_folds)?, evaluated: (0..self.num_folds).collect() })
///     }
///     fn num_evaluated(&self) -> Option<usize> {
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
