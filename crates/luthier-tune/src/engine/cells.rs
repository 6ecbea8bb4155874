//! What is known of candidates on rounds.

use crate::failure::Failure;
use crate::result::FoldMetric;

/// What is known of one candidate on one round.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub(super) metric: Option<f64>,
    pub(super) also: Vec<FoldMetric>,
    pub(super) error: Option<Failure>,
    pub(super) undefined: Option<String>,
    pub(super) fit_seconds: f64,
    pub(super) score_seconds: f64,
    pub(super) reused_fits: u32,
}

/// The cells by round and entry.
#[derive(Debug, Default)]
pub(super) struct Cells(Vec<Vec<Cell>>);

impl Cells {
    pub(super) fn get(&self, round: u32, entry: usize) -> Option<&Cell> {
        self.0.get(round as usize)?.get(entry)
    }

    /// The cell, which is empty if nothing is known yet.
    pub(super) fn at(&mut self, round: u32, entry: usize) -> &mut Cell {
        let round = round as usize;
        if self.0.len() <= round {
            self.0.resize_with(round + 1, Vec::new);
        }
        let entries = &mut self.0[round];
        if entries.len() <= entry {
            entries.resize_with(entry + 1, Cell::default);
        }
        &mut entries[entry]
    }

    /// Round, entry and what is known, in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, usize, &Cell)> {
        let rounds = (0..).zip(&self.0);
        rounds.flat_map(|(round, entries)| entries.iter().enumerate().map(move |(e, cell)| (round, e, cell)))
    }
}
