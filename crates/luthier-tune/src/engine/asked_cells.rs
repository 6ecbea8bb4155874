//! What has been asked for.

use crate::plan::{Asked, Tree};

/// The pairs of a round and an entry that have been asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct AskedCells {
    by_round: Vec<Vec<bool>>,
    pub(super) count: usize,
}

impl AskedCells {
    pub(super) fn contains(&self, round: u32, entry: usize) -> bool {
        let round = self.by_round.get(round as usize);
        round.and_then(|round| round.get(entry)).is_some_and(|asked| *asked)
    }

    /// Returns whether it is new.
    fn insert(&mut self, round: u32, entry: usize) -> bool {
        let round = round as usize;
        self.by_round.resize_with(self.by_round.len().max(round + 1), Vec::new);
        let entries = &mut self.by_round[round];
        entries.resize(entries.len().max(entry + 1), false);
        let is_new = !std::mem::replace(&mut entries[entry], true);
        self.count += usize::from(is_new);
        is_new
    }

    /// Adds entries with the rounds of each; returns those that are new and can be fitted.
    pub(super) fn add(&mut self, entries: &[usize], rounds: &[Vec<u32>], tree: &Tree) -> Asked {
        let mut pairs = Vec::new();
        for (&entry, rounds) in entries.iter().zip(rounds) {
            let new = rounds.iter().filter(|&&round| self.insert(round, entry));
            let new = new.map(|&round| (round, entry));
            if tree.invalid.contains_key(&entry) { new.for_each(drop) } else { pairs.extend(new) }
        }
        // The usual case: all candidates on the same rounds.
        let same = rounds.windows(2).all(|pair| pair[0] == pair[1]) && entries.is_sorted();
        let valid = entries.iter().filter(|entry| !tree.invalid.contains_key(entry)).count();
        let first = rounds.first().map_or(&[][..], Vec::as_slice);
        if same && first.is_sorted() && pairs.len() == valid * first.len() {
            let valid = entries.iter().copied().filter(|entry| !tree.invalid.contains_key(entry));
            return Asked::all(valid, first.iter().copied());
        }
        Asked::from_pairs(pairs)
    }
}
