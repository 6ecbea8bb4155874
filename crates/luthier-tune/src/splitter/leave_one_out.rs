use luthier_core::Blocks;
use luthier_core::frame::DataFrame;
use luthier_core::params::Params;

use super::{NamedSplitter, Split, Splitter, invalid};

/// Each row is held out once: as many rounds as rows. The seed is ignored.
///
/// Metrics of a single row that need several, such as R² or the area under the ROC curve, are not defined.
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{LeaveOneOut, Splitter};
///
/// let frame = DataFrame::from_columns(vec![("x", Column::i64((0..10).collect()))])?;
/// assert_eq!(LeaveOneOut::new().split(&frame, 0)?.rounds().len(), 10);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct LeaveOneOut {}

impl Splitter for LeaveOneOut {
    fn split(&self, frame: &DataFrame, _seed: u64) -> anyhow::Result<Split> {
        let rows = u32::try_from(frame.num_rows())?;
        if rows < 2 {
            return Err(invalid(format!("{rows} rows cannot be left out one by one: give at least 2")));
        }
        Ok(Split::hold_out_each(Blocks::new((0..rows).collect(), rows)?))
    }

    fn num_rounds(&self) -> Option<usize> {
        None
    }
}

impl NamedSplitter for LeaveOneOut {
    const NAME: &'static str = "leave_one_out";
}

crate::register_splitter!(LeaveOneOut: "Each row is held out once.");
