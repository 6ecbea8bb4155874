//! What the splitters promise of their rounds, on random cases.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::collections::{BTreeMap, BTreeSet};

use luthier_core::Rows;
use luthier_core::frame::{Column, DataFrame};
use luthier_tune::{
    FoldColumn, GroupKFold, KFold, LeaveOneGroupOut, LeaveOneOut, RepeatedKFold, RollingOrigin, ShuffleSplit,
    Split, Splitter, TrainRatio,
};
use proptest::prelude::*;

/// The rows of a selection.
fn rows(split: &Split, selected: &Rows) -> Vec<usize> {
    let assignment = split.blocks().assignment().iter().enumerate();
    assignment.filter(|(_, block)| selected.includes(**block)).map(|(row, _)| row).collect()
}

/// Training and validation rows of every round.
fn rounds(split: &Split) -> Vec<(Vec<usize>, Vec<usize>)> {
    split.rounds().iter().map(|round| (rows(split, &round.train), rows(split, &round.validate))).collect()
}

/// How many of some rows are of each class.
fn counts(rows: &[usize], class: &[i64]) -> BTreeMap<i64, usize> {
    let mut counts = BTreeMap::new();
    rows.iter().for_each(|&row| *counts.entry(class[row]).or_insert(0) += 1);
    counts
}

fn frame(class: &[i64]) -> DataFrame {
    let x = (0..class.len()).map(|row| (row as f64 * 0.7).sin()).collect();
    DataFrame::from_columns(vec![("class", Column::i64(class.to_vec())), ("x", Column::f64(x))]).unwrap()
}

/// A split that can be used, the same for any partitions and another for another seed.
fn split(splitter: &dyn Splitter, frame: &DataFrame, seed: u64) -> Split {
    let split = splitter.split(frame, seed).unwrap();
    split.check(frame.num_rows()).unwrap();
    assert_eq!(split, splitter.split(&frame.repartition(3).unwrap(), seed).unwrap());
    split
}

/// Each class and all rows together are spread as evenly as whole rows allow.
fn assert_even(held_out: &[Vec<usize>], class: &[i64]) {
    let k = held_out.len();
    let even = |count: usize, all: usize| count == all / k || count == all.div_ceil(k);
    let all = counts(&(0..class.len()).collect::<Vec<_>>(), class);
    for fold in held_out {
        assert!(even(fold.len(), class.len()), "{} of {} rows in one of {k}", fold.len(), class.len());
        let found = counts(fold, class);
        for (class, all) in &all {
            let found = found.get(class).copied().unwrap_or(0);
            assert!(even(found, *all), "{found} of {all} of class {class} in one of {k}");
        }
    }
}

fn is_partition(sets: &[Vec<usize>], rows: usize) -> bool {
    let mut all: Vec<usize> = sets.iter().flatten().copied().collect();
    all.sort_unstable();
    all == (0..rows).collect::<Vec<_>>()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn strata_are_spread_within_one_row(
        k in 2u32..8, repeats in 1u32..4, class in prop::collection::vec(0i64..4, 8..3000), seed: u64,
    ) {
        let data = frame(&class);
        let by = || "class".to_owned();
        let one = split(&KFold::new().num_folds(k).stratify(by()), &data, seed);
        let held_out: Vec<Vec<usize>> = rounds(&one).into_iter().map(|(_, held_out)| held_out).collect();
        prop_assert!(is_partition(&held_out, class.len()));
        assert_even(&held_out, &class);
        let many = split(&RepeatedKFold::new().num_folds(k).num_repeats(repeats).stratify(by()), &data, seed);
        prop_assert_eq!(many.rounds().len(), (k * repeats) as usize);
        for repeat in rounds(&many).chunks(k as usize) {
            let held_out: Vec<Vec<usize>> = repeat.iter().map(|(_, held_out)| held_out.clone()).collect();
            prop_assert!(is_partition(&held_out, class.len()));
            assert_even(&held_out, &class);
            for (train, held_out) in repeat {
                prop_assert!(is_partition(&[train.clone(), held_out.clone()], class.len()));
            }
        }
    }

    #[test]
    fn a_stratified_share_is_within_one_row(
        ratio in 0.1f64..0.9, class in prop::collection::vec(0i64..3, 12..900), seed: u64,
    ) {
        let data = frame(&class);
        let all = counts(&(0..class.len()).collect::<Vec<_>>(), &class);
        let training = (ratio * class.len() as f64).round() as usize;
        let once = TrainRatio::new().train_ratio(ratio).stratify("class");
        let often = ShuffleSplit::new().num_splits(5).train_ratio(ratio).stratify("class");
        for found in [split(&once, &data, seed), split(&often, &data, seed)] {
            for (train, validate) in rounds(&found) {
                prop_assert_eq!(train.len(), training);
                prop_assert!(is_partition(&[train.clone(), validate], class.len()));
                let found = counts(&train, &class);
                for (class_of, size) in &all {
                    let exact = training as f64 * *size as f64 / class.len() as f64;
                    let found = found.get(class_of).copied().unwrap_or(0) as f64;
                    prop_assert!((found - exact).abs() < 1.0, "{found} against {exact}");
                }
            }
        }
    }

    #[test]
    fn ranges_of_a_number_are_spread(k in 2u32..8, n in 40usize..400, seed: u64) {
        let y: Vec<f64> = (0..n).map(|i| (i as f64 * 1.7 + seed as f64 % 10.0).sin().powi(3)).collect();
        let data = DataFrame::from_columns(vec![("y", Column::f64(y.clone()))]).unwrap();
        let found = split(&KFold::new().num_folds(k).stratify("y"), &data, seed);
        let mut sorted: Vec<usize> = (0..n).collect();
        sorted.sort_by(|a, b| y[*a].total_cmp(&y[*b]));
        // The lower half of the values is in all folds alike, within one row of each of its ranges.
        for (_, held_out) in rounds(&found) {
            let low = held_out.iter().filter(|row| sorted[..n / 2].contains(row)).count() as f64;
            prop_assert!((low - n as f64 / 2.0 / f64::from(k)).abs() <= 6.0);
        }
    }

    #[test]
    fn groups_are_whole_and_balanced(k in 2u32..6, group in prop::collection::vec(0i64..30, 60..300), seed: u64) {
        let distinct: BTreeSet<i64> = group.iter().copied().collect();
        prop_assume!(distinct.len() >= k as usize);
        let data = frame(&group);
        let found = split(&GroupKFold::new().group_col("class").num_folds(k), &data, seed);
        let held_out: Vec<Vec<usize>> = rounds(&found).into_iter().map(|(_, held_out)| held_out).collect();
        prop_assert!(is_partition(&held_out, group.len()));
        for (train, held_out) in rounds(&found) {
            let of = |rows: &[usize]| rows.iter().map(|&row| group[row]).collect::<BTreeSet<_>>();
            prop_assert!(of(&train).is_disjoint(&of(&held_out)));
        }
        // scikit-learn: from the largest group to the smallest, each to the lightest fold.
        let mut sizes: Vec<usize> = counts(&(0..group.len()).collect::<Vec<_>>(), &group).into_values().collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let mut expected = vec![0; k as usize];
        for size in sizes {
            *expected.iter_mut().min().unwrap() += size;
        }
        let mut found: Vec<usize> = held_out.iter().map(Vec::len).collect();
        expected.sort_unstable();
        found.sort_unstable();
        prop_assert_eq!(found, expected);
        let each = split(&LeaveOneGroupOut::new().group_col("class"), &data, seed);
        let expected: Vec<Vec<usize>> =
            distinct.iter().map(|value| (0..group.len()).filter(|&row| group[row] == *value).collect()).collect();
        prop_assert_eq!(rounds(&each).into_iter().map(|(_, held_out)| held_out).collect::<Vec<_>>(), expected);
    }

    /// scikit-learn's `TimeSeriesSplit(n_splits, max_train_size, test_size, gap)`, by its definition.
    #[test]
    fn windows_are_those_of_time_series_split(
        n in 20usize..200, splits in 1usize..6, size in 1usize..4, gap in 0usize..3, most in prop::option::of(1usize..12),
    ) {
        let first = n - splits * size;
        let expected: Vec<(Vec<usize>, Vec<usize>)> = (0..splits)
            .map(|i| first + i * size)
            .map(|start| {
                let end = start - gap;
                let from = most.map_or(0, |most| end.saturating_sub(most));
                ((from..end).collect(), (start..start + size).collect())
            })
            .collect();
        let mut splitter = RollingOrigin::new().initial((first - gap) as u32).horizon(size as u32).gap(gap as u32);
        if let Some(most) = most {
            splitter = splitter.window(most as u32);
        }
        let data = frame(&vec![0; n]);
        prop_assert_eq!(&rounds(&split(&splitter, &data, 0)), &expected);
        // The same by a column of times in any order of rows.
        let time: Vec<i64> = (0..n as i64).map(|i| (i * 7919) % n as i64 * 3).collect();
        prop_assume!(time.iter().collect::<BTreeSet<_>>().len() == n);
        let place = |row: usize| (time[row] / 3) as usize;
        let shuffled = split(&splitter.time_col("class"), &frame(&time), 0);
        let found = rounds(&shuffled).into_iter().map(|(train, validate)| {
            let sorted = |rows: Vec<usize>| {
                let mut places: Vec<usize> = rows.into_iter().map(place).collect();
                places.sort_unstable();
                places
            };
            (sorted(train), sorted(validate))
        });
        prop_assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn nothing_behind_the_origin_is_trained_on(
        time in prop::collection::vec(0i64..40, 60..200), horizon in 1u32..4, step in 1u32..4, gap in 0u32..3,
    ) {
        let distinct: Vec<i64> = time.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let splitter = RollingOrigin::new().time_col("class").initial(3).horizon(horizon).step(step).gap(gap);
        prop_assume!(distinct.len() >= (3 + gap + horizon) as usize);
        let found = split(&splitter, &frame(&time), 0);
        let complete = (distinct.len() - (3 + gap + horizon) as usize) / step as usize + 1;
        prop_assert_eq!(found.rounds().len(), complete);
        for (train, validate) in rounds(&found) {
            let times = |rows: &[usize]| rows.iter().map(|&row| time[row]).collect::<BTreeSet<_>>();
            let (train, validate) = (times(&train), times(&validate));
            let between = distinct.iter().filter(|t| *t > train.last().unwrap() && *t < validate.first().unwrap());
            prop_assert_eq!(between.count(), gap as usize);
            prop_assert_eq!(validate.len(), horizon as usize);
        }
    }
}

#[test]
fn large_frames_are_drawn_by_blocks() {
    let class: Vec<i64> = (0..50_000).map(|i| i64::from(i % 100 == 0)).collect();
    let data = frame(&class);
    let found = split(&ShuffleSplit::new().num_splits(30).train_ratio(0.8).stratify("class"), &data, 3);
    assert!(found.blocks().count() < 1100);
    for (train, validate) in rounds(&found) {
        assert!(train.len().abs_diff(40_000) <= 50, "{}", train.len());
        assert!(counts(&validate, &class)[&1].abs_diff(100) <= 25);
    }
    let repeats = split(&RepeatedKFold::new().num_folds(10).num_repeats(200), &data, 3);
    assert_eq!(repeats.rounds().len(), 2000);
    assert!((0..2000).all(|round| repeats.num_validation_rows(round) == 5_000));
    assert_ne!(repeats.rounds()[0], repeats.rounds()[10]);
}

#[test]
fn rows_without_a_fold_are_always_trained_on() {
    let data = frame(&[2, -1, 0, 2, -1, -7]);
    let found = split(&FoldColumn::new().fold_col("class"), &data, 0);
    let held_out: Vec<Vec<usize>> = rounds(&found).into_iter().map(|(_, held_out)| held_out).collect();
    assert_eq!(held_out, [vec![5], vec![2], vec![0, 3]]);
    assert!(rounds(&found).iter().all(|(train, _)| train.contains(&1) && train.contains(&4)));
    let nulls = Column::i64_nullable(vec![Some(0), Some(1), None]);
    let nulls = DataFrame::from_columns(vec![("class", nulls)]).unwrap();
    let found = split(&FoldColumn::new().fold_col("class"), &nulls, 0);
    assert_eq!(rounds(&found), [(vec![1, 2], vec![0]), (vec![0, 2], vec![1])]);
    let text = DataFrame::from_columns(vec![("class", Column::utf8(["b", "-1", "a"]))]).unwrap();
    assert_eq!(split(&FoldColumn::new().fold_col("class"), &text, 0).rounds().len(), 3);
}

#[test]
fn one_row_at_a_time() {
    let found = split(&LeaveOneOut::new(), &frame(&[0; 7]), 0);
    for (row, (train, validate)) in rounds(&found).into_iter().enumerate() {
        assert_eq!((train.len(), validate), (6, vec![row]));
    }
}

#[test]
fn by_default_five_windows_end_with_the_data() {
    let found = split(&RollingOrigin::new(), &frame(&[0; 60]), 0);
    let ends: Vec<usize> = rounds(&found).iter().map(|(train, _)| train.len()).collect();
    assert_eq!(ends, [10, 20, 30, 40, 50]);
    assert_eq!(rounds(&found)[4].1, (50..60).collect::<Vec<_>>());
    let message =
        RollingOrigin::new().initial(58).horizon(3).split(&frame(&[0; 60]), 0).unwrap_err().to_string();
    assert!(message.contains("60 points in time do not suffice for 58 of training"), "{message}");
}

#[test]
fn they_keep_the_contract() {
    let frame = luthier_testkit::sample_frame();
    let with_groups = frame.with_column("group", Column::i64((0..120).map(|i| i * 7 % 9).collect())).unwrap();
    let check = |name, splitter: &dyn Splitter| {
        luthier_testkit::check_splitter(name, splitter, &with_groups).unwrap()
    };
    check("group_k_fold", &GroupKFold::new().group_col("group").num_folds(4));
    check("leave_one_group_out", &LeaveOneGroupOut::new().group_col("group"));
    check("leave_one_out", &LeaveOneOut::new());
    check("repeated_k_fold", &RepeatedKFold::new().num_folds(4));
    check("rolling_origin", &RollingOrigin::new().time_col("group").initial(3).horizon(2));
    check("shuffle_split", &ShuffleSplit::new());
    check("k_fold", &KFold::new().stratify("group"));
}
