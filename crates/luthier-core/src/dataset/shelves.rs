//! Summaries that are computed before they are requested.

use std::sync::Arc;

use super::blocks::Rows;
use crate::summary::{Answer, Need};

#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) need: Need,
    pub(super) rows: Rows,
    pub(super) answer: Answer,
}

/// The summaries of a view by the number of stages before them. Views share those behind the stages that they have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelves {
    last: Option<Arc<Shelf>>,
}

/// The summaries behind `depth` stages; there are none behind those between it and the shelf before.
#[derive(Debug)]
struct Shelf {
    before: Option<Arc<Shelf>>,
    depth: usize,
    summaries: Vec<Prepared>,
}

impl Shelves {
    /// The shelves, the last one first.
    fn shelves(&self) -> impl Iterator<Item = &Arc<Shelf>> {
        std::iter::successors(self.last.as_ref(), |shelf| shelf.before.as_ref())
    }

    /// The summaries behind `depth` stages.
    pub(super) fn at(&self, depth: usize) -> &[Prepared] {
        let shelf = self.shelves().find(|shelf| shelf.depth <= depth).filter(|shelf| shelf.depth == depth);
        shelf.map_or(&[], |shelf| &shelf.summaries)
    }

    /// Those behind at most `depth` stages.
    pub(super) fn up_to(&self, depth: usize) -> Self {
        Self { last: self.shelves().find(|shelf| shelf.depth <= depth).cloned() }
    }

    /// The same, and more behind `depth` stages, with none behind more stages.
    pub(super) fn with(&self, depth: usize, more: Vec<Prepared>) -> Self {
        let earlier = self.up_to(depth);
        if more.is_empty() {
            return earlier;
        }
        let summaries = earlier.at(depth).iter().cloned().chain(more).collect();
        let before = depth.checked_sub(1).and_then(|before| earlier.up_to(before).last);
        Self { last: Some(Arc::new(Shelf { before, depth, summaries })) }
    }
}

impl Drop for Shelf {
    /// One shelf after the other: there may be as many as stages, and each would be dropped within the one behind it.
    fn drop(&mut self) {
        let mut next = self.before.take();
        while let Some(mut shelf) = next.and_then(Arc::into_inner) {
            next = shelf.before.take();
        }
    }
}
