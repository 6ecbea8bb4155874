//! The origin of rows.

use std::sync::Arc;

/// Consecutive rows of the source, some of which may have been dropped.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    first_row: usize,
    kept: Option<Arc<[u32]>>,
}

impl Origin {
    pub(crate) fn new(first_row: usize) -> Self {
        Self { first_row, kept: None }
    }

    /// Only these of the rows.
    pub(crate) fn keep(self, positions: impl Iterator<Item = usize>) -> Self {
        let kept = positions.map(|i| self.offset(i) as u32).collect();
        Self { kept: Some(kept), ..self }
    }

    /// Whether no row was dropped.
    pub(crate) fn is_whole(&self) -> bool {
        self.kept.is_none()
    }

    /// The row's position among the consecutive rows.
    pub(crate) fn offset(&self, i: usize) -> usize {
        self.kept.as_ref().map_or(i, |kept| kept.get(i).map_or(0, |&position| position as usize))
    }

    /// The row's number in the frame.
    pub(crate) fn number(&self, i: usize) -> usize {
        self.first_row + self.offset(i)
    }
}
