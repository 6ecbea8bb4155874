use luthier_core::Blocks;
use luthier_core::frame::{DataFrame, Schema};
use luthier_core::params::{Params, Required};

use super::columns::{places, require_groups, whole_groups};
use super::{NamedSplitter, Split, Splitter, invalid};

/// Each group of rows, such as those of one site, is held out once. The seed is ignored.
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{LeaveOneGroupOut, Splitter};
///
/// let frame = DataFrame::from_columns(vec![("site", Column::utf8(["x", "y", "x", "z"]))])?;
/// let split = LeaveOneGroupOut::new().group_col("site").split(&frame, 0)?;
/// assert_eq!(split.rounds().len(), 3);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct LeaveOneGroupOut {
    /// Column with the group of each row: integers, text, booleans or dates.
    #[param(column = fold)]
    group_col: Required<String>,
}

impl Splitter for LeaveOneGroupOut {
    fn split(&self, frame: &DataFrame, _seed: u64) -> anyhow::Result<Split> {
        self.validate()?;
        let column = self.group_col.get()?;
        require_groups(frame.schema(), column)?;
        let (groups, count) = places(frame, column)?;
        if count < 2 {
            return Err(invalid(format!(
                "column `{column}` has {count} group in {} rows, expected at least 2: no rows are left for training",
                frame.num_rows()
            )));
        }
        Ok(Split::hold_out_each(Blocks::new(groups, u32::try_from(count)?)?))
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        self.validate()?;
        require_groups(schema, self.group_col.get()?)
    }

    fn test_rows(&self, frame: &DataFrame, share: f64, seed: u64) -> anyhow::Result<Vec<bool>> {
        whole_groups(frame, self.group_col.get()?, share, seed)
    }

    fn num_rounds(&self) -> Option<usize> {
        None
    }
}

impl NamedSplitter for LeaveOneGroupOut {
    const NAME: &'static str = "leave_one_group_out";
}

crate::register_splitter!(LeaveOneGroupOut: "Each group of rows is held out once.");
