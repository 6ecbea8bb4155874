//! What every pass over rows reports to, and is stopped by.

use std::sync::Arc;

use crate::Result;
use crate::cancel::CancelToken;
use crate::work::WorkCounter;

/// Counts the work of passes over rows, and ends them when they are cancelled.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter {
    pub(super) work: Arc<WorkCounter>,
    pub(super) cancel: CancelToken,
}

impl Meter {
    /// Must be called before each chunk of rows.
    pub(super) fn read_rows(&self, rows: usize) -> Result<()> {
        self.cancel.check()?;
        self.work.pass_over(rows as u64);
        Ok(())
    }
}
