//! Rows that are set aside for a test: for each row of a frame whether it is a test row.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use luthier_core::frame::DataFrame;

use super::shuffle::shuffle;
use super::strata::shares;
use super::{Splitter, invalid};
use crate::{Error, Result};

/// The test rows that a splitter sets aside, about `share` of all rows; see [`Splitter::test_rows`].
///
/// # Errors
/// A share that is not between 0 and 1; the errors of the splitter; an answer for another number of rows, or one that leaves
/// either side empty.
pub fn test_rows(splitter: &dyn Splitter, frame: &DataFrame, share: f64, seed: u64) -> Result<Vec<bool>> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::invalid(format!(
            "the share of test rows is {share}, expected more than 0 and less than 1"
        )));
    }
    let named = |e| Error::splitter(splitter, e);
    splitter.check_schema(frame.schema()).map_err(named)?;
    let test = splitter.test_rows(frame, share, seed).map_err(named)?;
    let (rows, found, count) = (frame.num_rows(), test.len(), count(&test));
    let wrong = match (found == rows, count) {
        (false, _) => Some(format!("`test_rows` returned {found} rows, but the frame has {rows}")),
        (_, 0) => Some(format!("none of the {rows} rows can be a test row, because they belong together")),
        (_, all) if all == rows => Some(format!("no row is left for training: all {rows} are test rows")),
        _ => None,
    };
    wrong.map_or(Ok(test), |message| Err(named(invalid(message))))
}

/// The number of test rows for a share of all rows: rounded, but such that a row is left on each side.
pub fn wanted(rows: usize, share: f64) -> usize {
    ((share * rows as f64).round() as usize).clamp(1, rows.saturating_sub(1).max(1))
}

/// `wanted` rows at the end of a seeded shuffle.
pub fn random(rows: usize, wanted: usize, seed: u64) -> Vec<bool> {
    let mut test = vec![false; rows];
    test.iter_mut().rev().take(wanted).for_each(|is_test| *is_test = true);
    shuffle(&mut test, seed);
    test
}

/// `wanted` rows in all, in proportion to the classes: a class gets the integer part of its share, and the classes with
/// the largest remainders get one row more.
pub fn stratified<T: Ord>(classes: &[T], wanted: usize, seed: u64) -> Vec<bool> {
    let mut members: BTreeMap<&T, Vec<usize>> = BTreeMap::new();
    classes.iter().enumerate().for_each(|(row, class)| members.entry(class).or_default().push(row));
    let sizes: Vec<usize> = members.values().map(Vec::len).collect();
    let mut test = vec![false; classes.len()];
    for ((number, rows), count) in (0..).zip(members.values_mut()).zip(shares(&sizes, wanted)) {
        shuffle(rows, seed.wrapping_add(number));
        rows.iter().take(count).for_each(|&row| test[row] = true);
    }
    test
}

/// Whole groups in a seeded order, as long as they bring the number of test rows closer to `wanted`. If there are two groups
/// or more, neither side is left empty: it gets the smallest group.
pub fn grouped<T: Ord>(groups: &[T], wanted: usize, seed: u64) -> Vec<bool> {
    let mut sizes: BTreeMap<&T, usize> = BTreeMap::new();
    groups.iter().for_each(|group| *sizes.entry(group).or_default() += 1);
    let mut order: Vec<(&T, usize)> = sizes.into_iter().collect();
    shuffle(&mut order, seed);
    let mut chosen: BTreeMap<&T, bool> = BTreeMap::new();
    let mut count = 0_usize;
    for &(group, size) in &order {
        let is_nearer = (count + size).abs_diff(wanted) < count.abs_diff(wanted);
        count += if is_nearer { size } else { 0 };
        chosen.insert(group, is_nearer);
    }
    if (count == 0 || count == groups.len())
        && let Some((smallest, _)) = order.iter().min_by_key(|(_, size)| size).filter(|_| order.len() > 1)
    {
        chosen.insert(smallest, count == 0);
    }
    groups.iter().map(|group| chosen.get(group) == Some(&true)).collect()
}

/// The latest rows. Rows of the same time stay together, on the side that brings the number of test rows nearer to
/// `wanted`; if there are two times or more, neither side is left empty.
pub fn latest<T: PartialOrd>(times: &[T], wanted: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    let compare = |a: &usize, b: &usize| times[*b].partial_cmp(&times[*a]).unwrap_or(Ordering::Equal);
    order.sort_by(compare);
    let mut test = vec![false; times.len()];
    let mut count = 0_usize;
    while count < order.len() {
        let same = order[count..].iter().take_while(|row| compare(&order[count], row).is_eq()).count();
        let is_nearer = (count + same).abs_diff(wanted) < count.abs_diff(wanted);
        if count + same == order.len() || !is_nearer && count > 0 {
            break;
        }
        order[count..count + same].iter().for_each(|&row| test[row] = true);
        count += same;
    }
    test
}

fn count(test: &[bool]) -> usize {
    test.iter().filter(|is_test| **is_test).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_and_the_number_is_exact() {
        let test = random(1000, 237, 5);
        assert_eq!(count(&test), 237);
        assert_eq!(test, random(1000, 237, 5));
        assert_ne!(test, random(1000, 237, 6));
        // About as many in each half.
        assert!((90..150).contains(&count(&test[..500])));
    }

    #[test]
    fn classes_keep_their_shares() {
        let classes: Vec<String> = (0..200)
            .map(|row| {
                if row % 10 < 7 {
                    "a"
                } else if row % 10 < 9 {
                    "b"
                } else {
                    "c"
                }
                .to_owned()
            })
            .collect();
        let test = stratified(&classes, 50, 3);
        let of =
            |class: &str| count(&(0..200).map(|row| test[row] && classes[row] == class).collect::<Vec<_>>());
        assert_eq!((of("a"), of("b"), of("c")), (35, 10, 5));
        let few: Vec<String> = ["x", "y", "y", "y"].map(str::to_owned).to_vec();
        assert_eq!(count(&stratified(&few, 1, 0)), 1);
        assert!(!stratified(&few, 1, 0)[0], "the rest is larger in the larger class");
    }

    #[test]
    fn groups_are_not_parted() {
        let groups: Vec<String> = (0..300).map(|row| format!("g{}", row * row % 37)).collect();
        let test = grouped(&groups, 60, 11);
        for (row, group) in groups.iter().enumerate() {
            assert!(groups.iter().zip(&test).all(|(of, is_test)| of != group || *is_test == test[row]));
        }
        assert!(count(&test).abs_diff(60) <= 10, "{}", count(&test));
    }

    #[test]
    fn neither_side_is_left_without_a_group_or_time() {
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        // Every group is more than twice as large as wanted.
        let groups = of(&["a", "a", "a", "b", "b", "a", "b", "a", "c", "c", "c", "c"]);
        assert_eq!(grouped(&groups, 1, 3), groups.iter().map(|group| group == "b").collect::<Vec<_>>());
        assert_eq!(count(&grouped(&groups, 11, 3)), 9);
        assert_eq!(count(&grouped(&of(&["a", "a"]), 1, 3)), 0, "one group cannot be parted");
        assert_eq!(latest(&[1, 2, 2, 2, 2], 1), [false, true, true, true, true]);
        assert_eq!(latest(&[1, 1, 1, 1, 2], 5), [false, false, false, false, true]);
        assert_eq!(count(&latest(&[1, 1, 1], 1)), 0);
    }

    #[test]
    fn the_latest_rows_are_test_rows_and_equal_times_stay_together() {
        assert_eq!(latest(&[3, 1, 5, 4, 2], 2), [false, false, true, true, false]);
        assert_eq!(latest(&[1, 2, 2, 3, 1], 2), [false, false, false, true, false]);
        assert_eq!(latest(&[1, 2, 2, 2, 1], 2), [false, true, true, true, false]);
        assert_eq!(latest(&["2024-01", "2023-12"], 1), [true, false]);
    }
}
