//! Small blocks of rows that are dealt to sets again and again.

use luthier_core::{Blocks, Rows};

use super::shuffle::shuffle;
use super::strata::{seed_of, shares};

/// About how many blocks rows are drawn from: enough for sets of any size, few enough for a summary of each.
pub(super) const TO_DRAW: usize = 1024;

/// About how many blocks are dealt to sets that are all of the same size. Every set is merged from them, so fewer cost less; and few
/// of the pairs of rows in a set are of the same block, which no dealing parts.
pub(super) const TO_DEAL: usize = 256;

/// With no more rows than this, each is a block of its own.
const FEW_ROWS: usize = 1024;

/// The blocks of each stratum. Those of one stratum have `size` or `size + 1` rows.
#[derive(Debug)]
pub(super) struct MicroBlocks {
    strata: Vec<Stratum>,
    assignment: Vec<u32>,
    count: u32,
}

#[derive(Debug)]
struct Stratum {
    rows: usize,
    size: usize,
    /// The blocks of `size + 1` rows.
    large: Vec<u32>,
    /// The blocks of `size` rows.
    small: Vec<u32>,
}

impl MicroBlocks {
    /// Deals the rows of each stratum at random into about `wanted` blocks, whose number is a multiple of `k`. With few rows each
    /// is a block of its own.
    pub(super) fn new(strata: &[Vec<u32>], k: usize, wanted: usize, seed: u64) -> Self {
        let rows: usize = strata.iter().map(Vec::len).sum();
        let wanted = if rows <= FEW_ROWS { FEW_ROWS } else { wanted };
        let sizes: Vec<usize> = strata.iter().map(Vec::len).collect();
        let mut blocks = Self { strata: Vec::new(), assignment: vec![Blocks::UNUSED; rows], count: 0 };
        for ((place, stratum), share) in (0..).zip(strata).zip(shares(&sizes, wanted.max(k))) {
            let mut order = stratum.clone();
            shuffle(&mut order, seed_of(seed, place));
            blocks.add(&order, share.div_ceil(k).max(1) * k);
        }
        blocks
    }

    fn add(&mut self, rows: &[u32], count: usize) {
        // Where there are no more rows than blocks, all blocks are of one row.
        let (size, larger) =
            if rows.len() <= count { (0, rows.len()) } else { (rows.len() / count, rows.len() % count) };
        let mut stratum = Stratum { rows: rows.len(), size, large: Vec::new(), small: Vec::new() };
        let mut rest = rows;
        while !rest.is_empty() {
            let is_large = stratum.large.len() < larger;
            let (block, after) = rest.split_at_checked(size + usize::from(is_large)).unwrap_or((rest, &[]));
            for &row in block {
                if let Some(of_row) = self.assignment.get_mut(row as usize) {
                    *of_row = self.count;
                }
            }
            if is_large { &mut stratum.large } else { &mut stratum.small }.push(self.count);
            self.count += 1;
            rest = after;
        }
        self.strata.push(stratum);
    }

    /// The blocks of the rows.
    pub(super) fn blocks(&self) -> luthier_core::Result<Blocks> {
        Blocks::new(self.assignment.clone(), self.count)
    }

    /// Deals all blocks to `k` sets: for each stratum and over all rows, the numbers of rows differ by at most 1.
    pub(super) fn deal(&self, k: u32, seed: u64) -> Vec<Rows> {
        let mut sets: Vec<Vec<u32>> = vec![Vec::new(); k as usize];
        let mut first = 0;
        for (place, stratum) in (0..).zip(&self.strata) {
            let seed = seed_of(seed, place);
            let (mut large, mut small) = (stratum.large.clone(), stratum.small.clone());
            shuffle(&mut large, seed);
            shuffle(&mut small, seed_of(seed, 1));
            for (i, &block) in large.iter().chain(&small).enumerate() {
                if let Some(set) = sets.get_mut((first + i) % k as usize) {
                    set.push(block);
                }
            }
            // The next stratum gives its extra rows to the next sets.
            first += large.len();
        }
        // Which set has the extra rows is chance as well.
        shuffle(&mut sets, seed_of(seed, u64::MAX));
        sets.into_iter().map(Rows::blocks).collect()
    }

    /// Draws blocks with `wanted` rows of all strata together, in proportion to these. The number of rows of a stratum is met
    /// as well as its blocks allow: exactly where they are of one row, else within half a block.
    pub(super) fn draw(&self, wanted: usize, seed: u64) -> Rows {
        let sizes: Vec<usize> = self.strata.iter().map(|stratum| stratum.rows).collect();
        let mut drawn = Vec::new();
        for ((place, stratum), wanted) in (0..).zip(&self.strata).zip(shares(&sizes, wanted)) {
            let seed = seed_of(seed, place);
            let (mut large, mut small) = (stratum.large.clone(), stratum.small.clone());
            shuffle(&mut large, seed);
            shuffle(&mut small, seed_of(seed, 1));
            let all = large.len() + small.len();
            let count = (wanted * all + stratum.rows / 2) / stratum.rows.max(1);
            let least = count.saturating_sub(small.len());
            let of_large =
                wanted.saturating_sub(count * stratum.size).clamp(least, count.min(large.len()).max(least));
            drawn.extend(large.into_iter().take(of_large));
            drawn.extend(small.into_iter().take(count - of_large));
        }
        Rows::blocks(drawn)
    }
}
