//! How many summaries fit into memory.

use std::ops::Range;

/// The largest number of rounds whose training sets are held at once.
const WAVE: usize = 64;

/// How many summaries fit into a memory budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// The number of sets of rows whose own summaries may be in memory at a time.
    pub(super) sets: usize,
    /// The number of rounds whose training sets may be in memory at a time, and of ranges on each level.
    pub(super) wave: usize,
}

impl Capacity {
    /// The capacity of `budget` bytes for summaries of `bytes` each.
    pub fn new(budget: u64, bytes: u64) -> Self {
        let fit = usize::try_from(budget / bytes.max(1)).unwrap_or(usize::MAX);
        // In a wave, each round has three summaries: that of its validation set, that of its training set, and that of the
        // following sets.
        Self { sets: (fit / 2).max(2), wave: (fit / 8).clamp(2, WAVE) }
    }

    /// How often a row is read at most if each of this number of sets is held out.
    pub(super) fn passes(self, sets: usize) -> u32 {
        if sets <= self.sets { 1 } else { 1 + self.passes(self.part_size(sets, self.sets)) }
    }

    /// The largest number of summaries in memory at a time if each of this number of sets is held out.
    pub(super) fn summaries(self, sets: usize) -> usize {
        let own = if sets <= self.sets { sets } else { self.wave * self.passes(sets) as usize };
        own + 2 * sets.min(self.wave) + 2
    }

    /// The size of ranges: about `wanted` sets each, or more if there would be too many ranges.
    fn part_size(self, sets: usize, wanted: usize) -> usize {
        sets.div_ceil(sets.div_ceil(wanted.max(1)).clamp(2, self.wave))
    }

    pub(super) fn parts(self, sets: Range<usize>, wanted: usize) -> Vec<Range<usize>> {
        let size = self.part_size(sets.len(), wanted).max(1);
        let end = sets.end;
        sets.step_by(size).map(|start| start..(start + size).min(end)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_capacity_costs_passes_not_memory() {
        let large = Capacity::new(1 << 30, 80_000);
        assert_eq!((large.passes(1000), large.wave), (1, WAVE));
        let tight = Capacity::new(1 << 20, 80_000);
        assert_eq!(tight, Capacity { sets: 6, wave: 2 });
        assert_eq!(tight.passes(6), 1);
        assert_eq!(tight.passes(12), 2);
        assert!(tight.passes(100_000) <= 17);
        assert!(tight.summaries(100_000) <= 2 * 17 + 6);
    }

    #[test]
    fn ranges_cover_all_sets_in_order() {
        for wave in 2..9 {
            let capacity = Capacity { sets: 2, wave };
            for sets in [2, 3, 7, 64, 65, 1000] {
                let parts = capacity.parts(3..3 + sets, 5);
                assert!(parts.len() <= wave);
                assert_eq!(
                    parts.into_iter().flatten().collect::<Vec<_>>(),
                    (3..3 + sets).collect::<Vec<_>>()
                );
            }
        }
    }
}
