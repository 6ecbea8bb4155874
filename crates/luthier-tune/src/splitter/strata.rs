//! Rows that are spread evenly over the sets of a split.

use luthier_core::frame::{ColumnType, DataFrame, Ranks, Schema};

use super::columns::require;
use super::hold_out;
use super::shuffle::shuffle;

/// Whole numbers with at most this many distinct values are classes.
const MOST_CLASSES: usize = 20;

/// The number of ranges of about equally many rows into which other numbers are divided.
const QUANTILE_BINS: usize = 10;

/// Checks that a column can divide rows into strata.
pub(super) fn check(schema: &Schema, column: &str) -> anyhow::Result<()> {
    use ColumnType::{Bool, F64, I64, Utf8};
    let takes = |found| matches!(found, F64 | I64 | Bool | Utf8);
    require(schema, column, takes, "classes or numbers to stratify by")
}

/// The rows of each stratum, in order: one stratum per class, per range of quantiles of a numeric column, and for missing
/// values. Without a column all rows are one stratum.
pub(super) fn strata(frame: &DataFrame, column: Option<&String>) -> anyhow::Result<Vec<Vec<u32>>> {
    let rows = u32::try_from(frame.num_rows())?;
    let Some(column) = column else { return Ok(vec![(0..rows).collect()]) };
    check(frame.schema(), column)?;
    let ranks = frame.ranks(column)?;
    let stratum_of = stratum_of(frame, column, &ranks)?;
    let count = stratum_of.iter().max().map_or(0, |last| last + 1);
    // Missing values are the last stratum.
    let mut strata = vec![Vec::new(); count + 1];
    for (row, rank) in (0..).zip(&ranks.of_row) {
        let stratum = rank.and_then(|rank| stratum_of.get(rank as usize).copied()).unwrap_or(count);
        if let Some(stratum) = strata.get_mut(stratum) {
            stratum.push(row);
        }
    }
    strata.retain(|stratum| !stratum.is_empty());
    Ok(strata)
}

/// Test rows at random; with a column, each stratum has its share.
pub(super) fn test_rows(
    frame: &DataFrame,
    column: Option<&String>,
    share: f64,
    seed: u64,
) -> anyhow::Result<Vec<bool>> {
    let wanted = hold_out::wanted(frame.num_rows(), share);
    if column.is_none() {
        return Ok(hold_out::random(frame.num_rows(), wanted, seed));
    }
    let mut stratum_of = vec![0usize; frame.num_rows()];
    for (number, rows) in strata(frame, column)?.iter().enumerate() {
        for &row in rows {
            if let Some(stratum) = stratum_of.get_mut(row as usize) {
                *stratum = number;
            }
        }
    }
    Ok(hold_out::stratified(&stratum_of, wanted, seed))
}

/// The stratum of each distinct value.
fn stratum_of(frame: &DataFrame, column: &str, ranks: &Ranks) -> anyhow::Result<Vec<usize>> {
    let distinct = ranks.distinct.len();
    let kind = frame.schema().require(column)?.column_type();
    let numbers = luthier_core::frame::numbers(ranks.distinct.as_ref());
    let is_whole = || numbers.as_ref().is_some_and(|numbers| numbers.iter().all(|x| x.fract() == 0.0));
    if !matches!(kind, ColumnType::F64 | ColumnType::I64) || distinct <= MOST_CLASSES && is_whole() {
        return Ok((0..distinct).collect());
    }
    let mut sizes = vec![0usize; distinct];
    for rank in ranks.of_row.iter().flatten() {
        if let Some(size) = sizes.get_mut(*rank as usize) {
            *size += 1;
        }
    }
    let all = sizes.iter().sum::<usize>().max(1);
    let before = sizes.iter().scan(0, |before, size| Some(std::mem::replace(before, *before + size)));
    let bins: Vec<usize> = before.map(|before| before * QUANTILE_BINS / all).collect();
    // Bins that no value begins in do not count.
    let mut last = None;
    let mut next = 0;
    let dense = bins.into_iter().map(|bin| {
        if last.replace(bin).is_some_and(|last| last != bin) {
            next += 1;
        }
        next
    });
    Ok(dense.collect())
}

/// Deals the rows of all strata to `k` sets in turn, in a random order within each stratum: for each stratum and over all rows,
/// the sizes of the sets differ by at most 1.
pub(super) fn deal(strata: &[Vec<u32>], k: u32, seed: u64) -> Vec<u32> {
    let rows: usize = strata.iter().map(Vec::len).sum();
    let mut set_of = vec![0; rows];
    let mut next = (0..k).cycle();
    for (place, stratum) in (0..).zip(strata) {
        let mut sets: Vec<u32> = next.by_ref().take(stratum.len()).collect();
        shuffle(&mut sets, seed_of(seed, place));
        for (&row, set) in stratum.iter().zip(sets) {
            if let Some(set_of) = set_of.get_mut(row as usize) {
                *set_of = set;
            }
        }
    }
    set_of
}

/// How many of `total` fall on each stratum in proportion to its size: the whole part each, and one more for those with the
/// largest remainders; of equal ones, for the first.
///
/// ```
/// assert_eq!(luthier_tune::shares(&[50, 30, 20], 7), [4, 2, 1]);
/// ```
pub fn shares(sizes: &[usize], total: usize) -> Vec<usize> {
    let all = sizes.iter().sum::<usize>().max(1) as u128;
    let exact = |size: &usize| *size as u128 * total as u128;
    let mut shares: Vec<usize> = sizes.iter().map(|size| (exact(size) / all) as usize).collect();
    let mut by_remainder: Vec<usize> = (0..sizes.len()).collect();
    by_remainder
        .sort_by_key(|&place| std::cmp::Reverse(sizes.get(place).map_or(0, |size| exact(size) % all)));
    let missing = total.saturating_sub(shares.iter().sum());
    for place in by_remainder.into_iter().take(missing) {
        if let Some(share) = shares.get_mut(place) {
            *share += 1;
        }
    }
    shares
}

/// The seed of one of several shuffles; that of the first is the seed itself.
pub(super) fn seed_of(seed: u64, place: u64) -> u64 {
    if place == 0 { seed } else { luthier_core::scramble(seed ^ luthier_core::scramble(place)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_whole_and_proportional() {
        assert_eq!(shares(&[50, 30, 20], 10), [5, 3, 2]);
        assert_eq!(shares(&[5, 5, 5], 7), [3, 2, 2]);
        assert_eq!(shares(&[99, 1], 80), [79, 1]);
        assert_eq!(shares(&[], 0), [0usize; 0]);
    }
}
