//! One split, read from a column.

use luthier::core::frame::{DataFrame, Schema};
use luthier::tune::{FoldColumn, Split, Splitter};

/// Scores the rows whose `fold` is 0 and trains on the others: the same rows for every peer.
#[derive(Debug, Clone)]
pub struct HoldOut(FoldColumn);

impl HoldOut {
    /// Rows are divided by this integer column.
    pub fn new(fold_col: &str) -> Self {
        Self(FoldColumn::new().fold_col(fold_col))
    }
}

impl Splitter for HoldOut {
    fn split(&self, frame: &DataFrame, seed: u64) -> anyhow::Result<Split> {
        Ok(Split::hold_out(self.0.split(frame, seed)?.blocks().clone(), [0]))
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        self.0.check_schema(schema)
    }

    fn num_rounds(&self) -> Option<usize> {
        Some(1)
    }
}
