//! Merges of consecutive summaries, for windows that move forward.

use std::ops::Range;

use super::pass::{self, States};
use crate::Result;

/// The merge of a range of consecutive pieces. If its start and its end only move forward, every piece is merged a constant
/// number of times, and nothing is subtracted: the merges of pieces up to a pivot are stacked from the pivot backwards, and those behind
/// it are merged as they come.
#[derive(Debug, Default)]
pub(super) struct Window {
    pieces: Range<usize>,
    pivot: usize,
    /// The merges of the last piece before the pivot, of the last two, and so on.
    before: Vec<States>,
    /// The merge of the pieces from the pivot to the end.
    behind: Option<States>,
}

impl Window {
    /// The merge of these pieces; `None` if there are none.
    pub(super) fn move_to(&mut self, pieces: Range<usize>, of: &[States]) -> Result<Option<States>> {
        let forward = pieces.start >= self.pieces.start && pieces.end >= self.pieces.end;
        if !forward || pieces.start >= self.pivot {
            *self = Self { pieces: pieces.end..pieces.end, pivot: pieces.end, ..Self::default() };
            for piece in of.get(pieces.clone()).unwrap_or_default().iter().rev() {
                let mut merged = pass::copy(piece);
                if let Some(last) = self.before.last() {
                    pass::merge(&mut merged, last)?;
                }
                self.before.push(merged);
            }
        }
        for piece in of.get(self.pieces.end..pieces.end).unwrap_or_default() {
            match &mut self.behind {
                Some(behind) => pass::merge(behind, piece)?,
                None => self.behind = Some(pass::copy(piece)),
            }
        }
        self.before.truncate(self.pivot.saturating_sub(pieces.start));
        self.pieces = pieces;
        let mut merged = self.before.last().map(pass::copy);
        match (&mut merged, &self.behind) {
            (Some(merged), Some(behind)) => pass::merge(merged, behind)?,
            (None, Some(behind)) => merged = Some(pass::copy(behind)),
            _ => {}
        }
        Ok(merged)
    }
}

/// One [`Window`] for each range of sets that consist of several.
#[derive(Debug, Default)]
pub(super) struct Windows {
    of_range: Vec<Window>,
}

impl Windows {
    /// The merge of several ranges of pieces.
    pub(super) fn move_to(
        &mut self,
        ranges: impl Iterator<Item = Range<usize>>,
        of: &[States],
        empty: &States,
    ) -> Result<States> {
        let mut all: Option<States> = None;
        for (place, range) in ranges.enumerate() {
            if self.of_range.len() <= place {
                self.of_range.push(Window::default());
            }
            let merged = match self.of_range.get_mut(place) {
                Some(window) => window.move_to(range, of)?,
                None => None,
            };
            match (&mut all, merged) {
                (Some(all), Some(merged)) => pass::merge(all, &merged)?,
                (None, merged) => all = merged,
                (Some(_), None) => {}
            }
        }
        Ok(all.unwrap_or_else(|| pass::copy(empty)))
    }
}
