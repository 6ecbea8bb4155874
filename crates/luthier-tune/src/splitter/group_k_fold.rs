use std::cmp::Reverse;

use luthier_core::Blocks;
use luthier_core::frame::{DataFrame, Schema};
use luthier_core::params::{Params, Required};

use super::columns::{places, require_groups, whole_groups};
use super::shuffle::shuffle;
use super::{NamedSplitter, Split, Splitter, invalid};

/// Cross-validation where rows of the same group, such as those of one person, are always in the same fold.
///
/// Groups are assigned from the largest to the smallest, each to the fold with the fewest rows so far, as by scikit-learn's
/// `GroupKFold`; the seed decides the order of groups of equal size.
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{GroupKFold, Splitter};
///
/// let frame = DataFrame::from_columns(vec![("person", Column::utf8(["a", "b", "a", "c", "a", "b"]))])?;
/// let split = GroupKFold::new().group_col("person").num_folds(2).split(&frame, 0)?;
/// assert_eq!(split.blocks().sizes(), [3, 3]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct GroupKFold {
    /// Column with the group of each row: integers, text, booleans or dates.
    #[param(column = fold)]
    group_col: Required<String>,
    /// Number of folds.
    #[param(default = 5, range = 2..)]
    num_folds: u32,
}

impl Splitter for GroupKFold {
    fn split(&self, frame: &DataFrame, seed: u64) -> anyhow::Result<Split> {
        self.validate()?;
        let column = self.group_col.get()?;
        require_groups(frame.schema(), column)?;
        let (group_of, count) = places(frame, column)?;
        let num_folds = self.num_folds as usize;
        if count < num_folds {
            return Err(invalid(format!(
                "column `{column}` has {count} groups in {} rows, expected at least num_folds = {num_folds}: lower num_folds",
                frame.num_rows()
            )));
        }
        let mut sizes = vec![0usize; count];
        group_of.iter().for_each(|&group| sizes[group as usize] += 1);
        let mut order: Vec<usize> = (0..count).collect();
        shuffle(&mut order, seed);
        order.sort_by_key(|&group| Reverse(sizes[group]));
        let (mut fold_of, mut rows) = (vec![0u32; count], vec![0usize; num_folds]);
        for group in order {
            let lightest = (0..num_folds).min_by_key(|&fold| rows[fold]).unwrap_or(0);
            fold_of[group] = lightest as u32;
            rows[lightest] += sizes[group];
        }
        let folds = group_of.into_iter().map(|group| fold_of[group as usize]).collect();
        Ok(Split::hold_out_each(Blocks::new(folds, self.num_folds)?))
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        self.validate()?;
        require_groups(schema, self.group_col.get()?)
    }

    fn test_rows(&self, frame: &DataFrame, share: f64, seed: u64) -> anyhow::Result<Vec<bool>> {
        whole_groups(frame, self.group_col.get()?, share, seed)
    }

    fn num_rounds(&self) -> Option<usize> {
        Some(self.num_folds as usize)
    }
}

impl NamedSplitter for GroupKFold {
    const NAME: &'static str = "group_k_fold";
}

crate::register_splitter!(GroupKFold: "Cross-validation where rows of the same group are in the same fold.");
