//! The rounds of a search, in the order and the groups in which their training sets are merged.

use std::ops::Range;

use super::Capacity;
use crate::dataset::{Round, Rows};

/// The rounds of a search over blocks.
///
/// Consecutive rounds that hold out parts of the same rows in turn, as in cross-validation, share merges of these parts. Other
/// rounds are windows over consecutive blocks, which share merges with the windows before them.
#[derive(Debug, Clone)]
pub struct Rounds {
    rounds: Vec<Round>,
    blocks: u32,
    runs: Vec<Run>,
    all_rows: bool,
}

/// Consecutive rounds.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) rounds: Range<usize>,
    /// If each of the rounds holds out a part of the same rows: these rows.
    pub(super) of: Option<Rows>,
}

impl Rounds {
    /// Rounds over blocks `0..blocks`.
    pub fn new(rounds: impl IntoIterator<Item = Round>, blocks: u32) -> Self {
        let rounds: Vec<Round> = rounds.into_iter().map(|round| round.within(blocks)).collect();
        let mut runs: Vec<Run> = Vec::new();
        // What the rounds of the last run hold out together.
        let mut held_out = Rows::blocks([]);
        for (place, round) in rounds.iter().enumerate() {
            let all = round.train.and(&round.validate);
            let is_next = held_out.is_disjoint(&round.validate);
            match runs.last_mut() {
                Some(last) if last.of.as_ref() == Some(&all) && is_next => {
                    last.rounds.end = place + 1;
                    held_out = held_out.and(&round.validate);
                }
                _ => {
                    runs.push(Run { rounds: place..place + 1, of: Some(all) });
                    held_out = round.validate.clone();
                }
            }
        }
        Self { rounds, blocks, runs: joined(runs), all_rows: true }
    }

    /// The same without the answers for all rows: rows that are in none of the rounds are not read.
    #[must_use]
    pub fn without_all_rows(self) -> Self {
        Self { all_rows: false, ..self }
    }

    pub(super) fn needs_all_rows(&self) -> bool {
        self.all_rows
    }

    /// The rounds, in order.
    pub fn as_slice(&self) -> &[Round] {
        &self.rounds
    }

    pub(super) fn runs(&self) -> &[Run] {
        &self.runs
    }

    pub(super) fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Whether the blocks are summarised one by one: a single run that holds out sets needs no more than these.
    pub(super) fn reads_blocks(&self, capacity: Capacity) -> bool {
        let is_held_out = matches!(&self.runs[..], [Run { of: Some(_), .. }]);
        !is_held_out && self.blocks as usize <= capacity.sets
    }

    /// How often a row is read at most.
    pub fn passes(&self, capacity: Capacity) -> u32 {
        if self.reads_blocks(capacity) {
            return 1;
        }
        let of_run = |run: &Run| match run.of {
            Some(_) => capacity.passes(run.rounds.len()),
            None => self.stretches(run.rounds.clone(), capacity).len() as u32,
        };
        // All rows together take another pass, but where each is in a set that is held out or never is.
        let is_held_out = matches!(&self.runs[..], [Run { of: Some(_), .. }]);
        self.runs.iter().map(of_run).sum::<u32>() + u32::from(!is_held_out)
    }

    /// The largest number of summaries in memory at a time.
    pub fn summaries(&self, capacity: Capacity) -> usize {
        let of_run = |run: &Run| match run.of {
            Some(_) => capacity.summaries(run.rounds.len()),
            None => {
                let stretches = self.stretches(run.rounds.clone(), capacity).into_iter();
                let pieces = stretches.map(|rounds| self.pieces(rounds).len()).max().unwrap_or(0);
                2 * pieces + 2 * capacity.wave.min(run.rounds.len()) + 2
            }
        };
        let blocks = if self.reads_blocks(capacity) { self.blocks as usize + 1 } else { 0 };
        blocks + self.runs.iter().map(of_run).max().unwrap_or(0)
    }

    /// Pieces of some rounds, which are ranges of blocks that each of them takes or leaves as a whole, and the rounds over
    /// pieces instead of blocks. Blocks that none of the rounds takes are in no piece.
    pub fn over_pieces(&self, rounds: Range<usize>) -> (Vec<Range<u32>>, Vec<Round>) {
        let pieces = self.pieces(rounds.clone());
        let place = |block: u32| pieces.partition_point(|piece| piece.start < block) as u32;
        let over = |rows: &Rows| {
            let ranges = rows.ranges_within(self.blocks);
            Rows::ranges(ranges.map(|range| place(range.start)..place(range.end)))
        };
        let rounds = self.rounds.get(rounds).unwrap_or_default().iter();
        let rounds = rounds.map(|round| Round::new(over(&round.train), over(&round.validate))).collect();
        (pieces, rounds)
    }

    /// The ranges of blocks that all of these rounds take or leave as a whole, in order, without those that none takes.
    pub(super) fn pieces(&self, rounds: Range<usize>) -> Vec<Range<u32>> {
        let rounds = self.rounds.get(rounds).unwrap_or_default();
        let taken = || {
            let sets = rounds.iter().flat_map(|round| [&round.train, &round.validate]);
            sets.flat_map(|rows| rows.ranges_within(self.blocks))
        };
        let mut bounds: Vec<u32> = taken().flat_map(|range| [range.start, range.end]).collect();
        bounds.sort_unstable();
        bounds.dedup();
        // How many ranges begin and end at each bound: where more have begun than ended, blocks are taken.
        let mut change = vec![0i64; bounds.len()];
        for range in taken() {
            for (bound, by) in [(range.start, 1), (range.end, -1)] {
                if let Ok(place) = bounds.binary_search(&bound) {
                    change[place] += by;
                }
            }
        }
        let mut open = 0;
        let ends = bounds.iter().skip(1);
        let between = bounds.iter().zip(ends).zip(change).filter_map(|((&start, &end), by)| {
            open += by;
            (open > 0).then_some(start..end)
        });
        between.collect()
    }

    /// Divides rounds into waves of at most `most` rounds. Consecutive rounds with the same training rows stay together if
    /// they are no more than that.
    pub(super) fn waves(&self, rounds: Range<usize>, most: usize) -> Vec<Range<usize>> {
        let train = |place: usize| self.rounds.get(place).map(|round| &round.train);
        let mut waves = Vec::new();
        let mut start = rounds.start;
        while start < rounds.end {
            let latest = (start + most.max(1)).min(rounds.end);
            let mut end = latest;
            while end < rounds.end && end > start && train(end - 1) == train(end) {
                end -= 1;
            }
            let end = if end == start { latest } else { end };
            waves.push(start..end);
            start = end;
        }
        waves
    }

    /// Divides rounds so that the pieces of each stretch fit into memory, if possible.
    pub(super) fn stretches(&self, rounds: Range<usize>, capacity: Capacity) -> Vec<Range<usize>> {
        if rounds.len() < 2 || self.pieces(rounds.clone()).len() <= capacity.sets {
            return vec![rounds];
        }
        let middle = rounds.start + rounds.len() / 2;
        let halves = [rounds.start..middle, middle..rounds.end];
        halves.into_iter().flat_map(|half| self.stretches(half, capacity)).collect()
    }
}

/// Rounds of single windows become one run of windows.
fn joined(runs: Vec<Run>) -> Vec<Run> {
    let mut joined: Vec<Run> = Vec::new();
    let single = |run: &Run| run.rounds.len() == 1;
    let followed = runs.iter().skip(1).map(single).chain([false]).collect::<Vec<_>>();
    for (run, followed) in runs.iter().zip(followed) {
        match joined.last_mut() {
            Some(last) if last.of.is_none() && single(run) => last.rounds.end = run.rounds.end,
            _ if single(run) && followed => joined.push(Run { of: None, ..run.clone() }),
            _ => joined.push(run.clone()),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(rounds: Vec<Round>, blocks: u32) -> Vec<(Range<usize>, bool)> {
        let rounds = Rounds::new(rounds, blocks);
        rounds.runs().iter().map(|run| (run.rounds.clone(), run.of.is_some())).collect()
    }

    #[test]
    fn cross_validation_is_one_run_and_repeats_are_several() {
        let folds: Vec<Round> = (0..5).map(Round::hold_out).collect();
        assert_eq!(runs(folds.clone(), 5), [(0..5, true)]);
        assert_eq!(runs(vec![folds[0].clone()], 5), [(0..1, true)]);
        let twice = folds.iter().cloned().chain(folds.clone()).collect();
        assert_eq!(runs(twice, 5), [(0..5, true), (5..10, true)]);
    }

    #[test]
    fn windows_are_one_run() {
        let expanding = (1..9).map(|end| Round::new(Rows::range(0..end), Rows::only(end))).collect();
        assert_eq!(runs(expanding, 9), [(0..8, false)]);
        let sliding = (3..9).map(|end| Round::new(Rows::range(end - 3..end), Rows::only(end)));
        let folds = (0..3).map(Round::hold_out);
        assert_eq!(runs(folds.chain(sliding).collect(), 9), [(0..3, true), (3..9, false)]);
    }

    #[test]
    fn waves_do_not_part_rounds_with_the_same_training_rows() {
        let pairs = [(0, 1), (0, 2), (1, 2)].map(|(a, b)| {
            let train = Rows::range(0..3).without(&Rows::only(a)).without(&Rows::only(b));
            [Round::new(train.clone(), Rows::only(a)), Round::new(train, Rows::only(b))]
        });
        let rounds = Rounds::new(pairs.into_iter().flatten(), 3);
        assert_eq!(rounds.waves(0..6, 3), [0..2, 2..4, 4..6]);
        assert_eq!(rounds.waves(0..6, 5), [0..4, 4..6]);
        assert_eq!(rounds.waves(1..6, 4), [1..4, 4..6]);
        assert_eq!(rounds.waves(0..6, 1), [0..1, 1..2, 2..3, 3..4, 4..5, 5..6]);
    }

    #[test]
    fn pieces_are_what_no_round_divides() {
        let windows = (4..8).map(|end| Round::new(Rows::range(1..end), Rows::range(end..end + 2)));
        let rounds = Rounds::new(windows, 12);
        assert_eq!(rounds.pieces(0..4), [1..4, 4..5, 5..6, 6..7, 7..8, 8..9]);
        assert_eq!(rounds.pieces(0..1), [1..4, 4..6]);
        let capacity = Capacity { sets: 3, wave: 2 };
        assert_eq!(rounds.stretches(0..4, capacity), [0..1, 1..2, 2..3, 3..4]);
    }
}
