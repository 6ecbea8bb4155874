//! The block of each row, and the blocks that a dataset selects.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::{Error, Result};

/// A block number for every row of a frame, by global row index.
///
/// Training and validation sets are sets of blocks. The number depends only on the row index, so it does not change when
/// the frame is repartitioned, and no data are copied to make such sets. A row of no set is [`UNUSED`](Self::UNUSED).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks {
    /// Empty if only the sizes are known.
    assignment: Arc<[u32]>,
    sizes: Arc<[usize]>,
    rows: usize,
}

impl Blocks {
    /// The number of a row that is in no block.
    pub const UNUSED: u32 = u32::MAX;

    /// Blocks `0..count` from one number per row.
    ///
    /// # Errors
    /// A number out of range other than [`UNUSED`](Self::UNUSED), or a block without rows.
    pub fn new(assignment: Vec<u32>, count: u32) -> Result<Self> {
        let mut sizes = vec![0usize; count as usize];
        for (row, &block) in assignment.iter().enumerate() {
            match sizes.get_mut(block as usize) {
                Some(size) => *size += 1,
                None if block == Self::UNUSED => {}
                None => {
                    return Err(Error::invalid(format!(
                        "row {row} is in block {block}, but blocks are numbered from 0 to {}",
                        i64::from(count) - 1
                    )));
                }
            }
        }
        if let Some(empty) = sizes.iter().position(|&size| size == 0) {
            return Err(Error::invalid(format!(
                "block {empty} of {count} has no rows (there are {} rows): use fewer folds or check the fold column",
                assignment.len()
            )));
        }
        let rows = assignment.len();
        Ok(Self { assignment: assignment.into(), sizes: sizes.into(), rows })
    }

    /// Blocks of these sizes in `rows` rows, of which it is not known which row is in which block.
    ///
    /// # Errors
    /// A block without rows; more rows in the blocks than there are.
    pub fn of_sizes(sizes: Vec<usize>, rows: usize) -> Result<Self> {
        if let Some(empty) = sizes.iter().position(|&size| size == 0) {
            return Err(Error::invalid(format!("block {empty} of {} has no rows", sizes.len())));
        }
        let sum = sizes.iter().fold(0, |sum: usize, &size| sum.saturating_add(size));
        if sum > rows {
            return Err(Error::invalid(format!("the blocks have {sum} rows, but there are {rows}")));
        }
        Ok(Self { assignment: Arc::new([]), sizes: sizes.into(), rows })
    }

    /// The number of rows, also those in no block.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the block of each row is known.
    pub fn has_assignment(&self) -> bool {
        self.assignment.len() == self.rows
    }

    /// Number of blocks.
    pub fn count(&self) -> u32 {
        self.sizes.len() as u32
    }

    /// The number of rows in each block.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The block of every row; empty if only the [sizes](Self::of_sizes) are known.
    pub fn assignment(&self) -> &[u32] {
        &self.assignment
    }

    /// The number of selected rows.
    pub fn num_rows(&self, rows: &Rows) -> usize {
        match &rows.ranges {
            None => self.rows,
            Some(ranges) => {
                let end = |block: u32| (block as usize).min(self.sizes.len());
                let of = |range: &Range<u32>| self.sizes.get(end(range.start)..end(range.end));
                ranges.iter().filter_map(of).flatten().sum()
            }
        }
    }
}

/// The rows that a dataset selects: those of some blocks, or all. Cheap to clone.
///
/// ```
/// use luthier_core::Rows;
///
/// let train = Rows::blocks([5, 2, 3, 4]);
/// assert!(train.includes(4) && !train.includes(0));
/// assert_eq!(train.to_string(), "blocks 2-5");
/// assert!(train.without(&Rows::only(3)) == Rows::blocks([2, 4, 5]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rows {
    /// Disjoint, in order and with gaps between them; `None` for all rows, also those in no block.
    ranges: Option<Arc<[Range<u32>]>>,
}

impl Rows {
    /// All rows, also those in no block.
    pub fn all() -> Self {
        Self { ranges: None }
    }

    /// The rows of all blocks except one.
    pub fn except(block: u32) -> Self {
        Self::ranges([0..block, block.saturating_add(1)..Blocks::UNUSED])
    }

    /// The rows of one block.
    pub fn only(block: u32) -> Self {
        Self::range(block..block.saturating_add(1))
    }

    /// The rows of consecutive blocks.
    pub fn range(blocks: Range<u32>) -> Self {
        Self::ranges([blocks])
    }

    /// The rows of some blocks, given in any order.
    pub fn blocks(blocks: impl IntoIterator<Item = u32>) -> Self {
        Self::ranges(blocks.into_iter().map(|block| block..block.saturating_add(1)))
    }

    pub(super) fn ranges(ranges: impl IntoIterator<Item = Range<u32>>) -> Self {
        let mut ranges: Vec<Range<u32>> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut joined: Vec<Range<u32>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        Self { ranges: Some(joined.into()) }
    }

    /// Whether rows of this block are selected; of [`Blocks::UNUSED`], rows in no block.
    pub fn includes(&self, block: u32) -> bool {
        match &self.ranges {
            None => true,
            Some(ranges) => {
                let place = ranges.partition_point(|range| range.end <= block);
                ranges.get(place).is_some_and(|range| range.start <= block)
            }
        }
    }

    /// Whether all rows are selected, also those in no block.
    pub fn is_all(&self) -> bool {
        self.ranges.is_none()
    }

    /// The ranges of selected blocks among the first `count`, in order.
    pub fn ranges_within(&self, count: u32) -> impl Iterator<Item = Range<u32>> + '_ {
        let all = self.ranges.is_none().then_some(0..count).into_iter();
        let ranges = self.ranges.iter().flat_map(|ranges| ranges.iter().cloned());
        let within = move |range: Range<u32>| range.start.min(count)..range.end.min(count);
        all.chain(ranges.map(within).filter(|range| !range.is_empty()))
    }

    /// The selected blocks among the first `count`, in order.
    pub fn blocks_within(&self, count: u32) -> impl Iterator<Item = u32> + '_ {
        self.ranges_within(count).flatten()
    }

    /// The rows of the selected blocks among the first `count`.
    pub fn within(&self, count: u32) -> Self {
        Self::ranges(self.ranges_within(count))
    }

    /// The rows of both selections.
    pub fn and(&self, other: &Self) -> Self {
        match (&self.ranges, &other.ranges) {
            (Some(a), Some(b)) => Self::ranges(a.iter().chain(b.iter()).cloned()),
            _ => Self::all(),
        }
    }

    /// The rows of blocks that the other selection does not include. Rows in no block are left out.
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for range in self.ranges_within(Blocks::UNUSED) {
            let mut start = range.start;
            for hole in other.ranges_within(Blocks::UNUSED) {
                if hole.end <= start || hole.start >= range.end {
                    continue;
                }
                left.push(start..hole.start.max(start));
                start = hole.end;
            }
            left.push(start..range.end.max(start));
        }
        Self::ranges(left)
    }

    /// The highest block that is named; `None` if all rows are selected, all from some block on, or none.
    pub fn highest(&self) -> Option<u32> {
        let last = self.ranges.as_ref()?.last()?;
        match last.end {
            Blocks::UNUSED => last.start.checked_sub(1),
            end => Some(end - 1),
        }
    }

    /// Whether no block is in both selections.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        let (mut a, mut b) = (self.ranges_within(Blocks::UNUSED), other.ranges_within(Blocks::UNUSED));
        let (mut left, mut right) = (a.next(), b.next());
        while let (Some(x), Some(y)) = (&left, &right) {
            if x.start < y.end && y.start < x.end {
                return false;
            }
            if x.end <= y.end { left = a.next() } else { right = b.next() }
        }
        true
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ranges) = &self.ranges else { return f.write_str("all rows") };
        let one = |range: &Range<u32>| match (range.len(), range.end) {
            (1, _) => range.start.to_string(),
            (_, Blocks::UNUSED) => format!("{} and later", range.start),
            _ => format!("{}-{}", range.start, range.end - 1),
        };
        match &ranges[..] {
            [] => f.write_str("no block"),
            [range] if range.len() == 1 => write!(f, "block {}", range.start),
            ranges => write!(f, "blocks {}", ranges.iter().map(one).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// One training set and the rows on which the models that are fitted to it are scored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Round {
    /// The training rows.
    pub train: Rows,
    /// The validation rows.
    pub validate: Rows,
}

impl Round {
    /// A round of these rows.
    pub fn new(train: Rows, validate: Rows) -> Self {
        Self { train, validate }
    }

    /// One block is held out; all others are training rows.
    pub fn hold_out(block: u32) -> Self {
        Self { train: Rows::except(block), validate: Rows::only(block) }
    }

    /// The round with blocks numbered below `count` only, so that equal sets of rows are equal.
    #[must_use]
    pub fn within(&self, count: u32) -> Self {
        Self { train: self.train.within(count), validate: self.validate.within(count) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(rows: &Rows) -> BTreeSet<u32> {
        rows.blocks_within(20).collect()
    }

    proptest! {
        #[test]
        fn a_selection_is_a_set_of_blocks(a in prop::collection::vec(0u32..20, 0..20), b in prop::collection::vec(0u32..20, 0..20)) {
            let (x, y) = (Rows::blocks(a.iter().copied()), Rows::blocks(b.iter().copied()));
            let (a, b): (BTreeSet<u32>, BTreeSet<u32>) = (a.into_iter().collect(), b.into_iter().collect());
            prop_assert_eq!(set(&x), a.clone());
            prop_assert_eq!(set(&x.and(&y)), a.union(&b).copied().collect());
            prop_assert_eq!(set(&x.without(&y)), a.difference(&b).copied().collect());
            prop_assert_eq!(x.is_disjoint(&y), a.is_disjoint(&b));
            prop_assert_eq!(x == y, a == b);
            for block in 0..21 {
                prop_assert_eq!(x.includes(block), a.contains(&block));
            }
            let left_out = Rows::all().without(&x).within(20);
            prop_assert_eq!(set(&left_out), (0..20).filter(|block| !a.contains(block)).collect());
        }
    }

    #[test]
    fn a_held_out_block_is_what_the_others_are_not() {
        let round = Round::hold_out(3).within(5);
        assert_eq!(round, Round::new(Rows::blocks([0, 1, 2, 4]), Rows::only(3)));
        assert_eq!(Rows::except(0).within(3), Rows::range(1..3));
        assert!(Rows::all().includes(Blocks::UNUSED) && !Rows::except(0).includes(Blocks::UNUSED));
        assert_eq!(Rows::except(2).to_string(), "blocks 0-1, 3 and later");
    }
}
