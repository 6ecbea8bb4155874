//! Laws of the built-in splitters.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use luthier_core::frame::arrow_array::{ArrayRef, Int16Array, RecordBatch, UInt64Array};
use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Params, Round, Rows, Value, registry};
use luthier_tune::splitter::SplitterEntry;
use luthier_tune::{FoldColumn, KFold, NamedSplitter, Split, Splitter, TrainRatio};
use proptest::prelude::*;
use std::sync::Arc;

fn frame(rows: usize) -> DataFrame {
    DataFrame::from_columns(vec![("x", Column::f64((0..rows).map(|i| i as f64).collect()))]).unwrap()
}

fn fold_frame(folds: Vec<i64>) -> DataFrame {
    DataFrame::from_columns(vec![("fold", Column::i64(folds))]).unwrap()
}

fn assigned(split: &Split) -> Vec<u32> {
    split.blocks().assignment().to_vec()
}

fn held_out(k: u32) -> Vec<Round> {
    (0..k).map(|block| Round::hold_out(block).within(k)).collect()
}

fn error(splitter: &dyn Splitter, frame: &DataFrame) -> String {
    splitter.split(frame, 1).unwrap_err().to_string()
}

proptest! {
    #[test]
    fn k_folds_are_complete_and_of_equal_size(k in 2u32..12, extra in 0usize..300, seed: u64) {
        let rows = k as usize + extra;
        let splitter = KFold::new().num_folds(k);
        let split = splitter.split(&frame(rows), seed).unwrap();
        split.check(rows).unwrap();
        prop_assert_eq!(split.rounds(), held_out(k));
        prop_assert_eq!(splitter.num_rounds(), Some(k as usize));
        let sizes = split.blocks().sizes();
        prop_assert_eq!(sizes.iter().sum::<usize>(), rows);
        prop_assert!(sizes.iter().all(|&size| size == rows / k as usize || size == rows.div_ceil(k as usize)));
    }

    #[test]
    fn train_ratio_trains_on_its_share(ratio in 0.01f64..0.99, rows in 2usize..500, seed: u64) {
        let expected = (ratio * rows as f64).round() as usize;
        let splitter = TrainRatio::new().train_ratio(ratio);
        let split = splitter.split(&frame(rows), seed);
        if expected == 0 || expected == rows {
            prop_assert!(split.unwrap_err().to_string().contains("train_ratio"));
        } else {
            let split = split.unwrap();
            split.check(rows).unwrap();
            prop_assert_eq!(split.blocks().sizes(), &[rows - expected, expected]);
            prop_assert_eq!((split.rounds(), splitter.num_rounds()), (&[Round::hold_out(0).within(2)][..], Some(1)));
        }
    }

    #[test]
    fn folds_depend_on_neither_partitions_nor_values(rows in 8usize..200, parts in 1usize..20, seed: u64) {
        let (a, b) = (frame(rows), frame(rows).repartition(parts).unwrap());
        let other = fold_frame((0..rows as i64).map(|i| i * 7 % 5).collect());
        for splitter in [&KFold::new().num_folds(4) as &dyn Splitter, &TrainRatio::new()] {
            let expected = assigned(&splitter.split(&a, seed).unwrap());
            prop_assert_eq!(&assigned(&splitter.split(&a, seed).unwrap()), &expected);
            prop_assert_eq!(&assigned(&splitter.split(&b, seed).unwrap()), &expected);
            prop_assert_eq!(&assigned(&splitter.split(&other, seed).unwrap()), &expected);
        }
        let by_column = FoldColumn::new().fold_col("fold");
        let cut = other.repartition(parts).unwrap();
        prop_assert_eq!(
            assigned(&by_column.split(&other, seed).unwrap()),
            assigned(&by_column.split(&cut, !seed).unwrap())
        );
    }

    #[test]
    fn another_seed_is_another_split(seed in 0u64..1_000_000, step in 1u64..1_000_000) {
        for splitter in [&KFold::new() as &dyn Splitter, &TrainRatio::new()] {
            let [a, b] = [seed, seed + step].map(|seed| assigned(&splitter.split(&frame(200), seed).unwrap()));
            prop_assert_ne!(a, b);
        }
    }

    #[test]
    fn a_fold_column_is_taken_as_it_is(k in 2u32..6, rest in prop::collection::vec(0i64..2, 0..100)) {
        let values: Vec<i64> = (0..i64::from(k)).chain(rest).collect();
        let frame = fold_frame(values.clone());
        for splitter in [FoldColumn::new().fold_col("fold"), FoldColumn::new().fold_col("fold").num_folds(k)] {
            let split = splitter.split(&frame, 3).unwrap();
            split.check(values.len()).unwrap();
            prop_assert!(split.blocks().assignment().iter().zip(&values).all(|(&a, &b)| i64::from(a) == b));
            prop_assert_eq!(split.rounds(), held_out(k));
        }
    }
}

/// Computed by an independent implementation; see the shuffle's own test.
#[test]
fn splits_of_a_seed_are_pinned() {
    let split = |splitter: &dyn Splitter| assigned(&splitter.split(&frame(10), 42).unwrap());
    assert_eq!(split(&KFold::new()), [2, 0, 0, 2, 1, 0, 0, 2, 1, 1]);
    assert_eq!(split(&TrainRatio::new()), [0, 1, 1, 1, 1, 1, 0, 1, 1, 1]);
}

#[test]
fn each_row_is_held_out_about_equally_often() {
    let mut held_out = [0u32; 50];
    for seed in 0..2000 {
        let split = TrainRatio::new().train_ratio(0.8).split(&frame(50), seed).unwrap();
        split
            .blocks()
            .assignment()
            .iter()
            .zip(&mut held_out)
            .for_each(|(&fold, n)| *n += u32::from(fold == 0));
    }
    // 400 expected, standard deviation 18.
    assert!(held_out.iter().all(|&n| (310..490).contains(&n)), "{held_out:?}");
}

#[test]
fn too_few_rows_say_what_to_change() {
    let message = error(&KFold::new().num_folds(5), &frame(4));
    assert!(
        message.contains("4 rows")
            && message.contains("5 folds")
            && message.contains("num_folds to at most 4")
    );
    for rows in [0, 1] {
        let message = error(&KFold::new().num_folds(2), &frame(rows));
        assert!(message.contains("give more rows") && !message.contains("num_folds to"), "{message}");
        assert!(KFold::new().num_folds(2).split(&frame(rows), 1).is_err());
        assert!(TrainRatio::new().split(&frame(rows), 1).is_err());
        assert!(FoldColumn::new().fold_col("fold").split(&fold_frame(vec![0; rows]), 1).is_err());
    }
    let message = error(&TrainRatio::new().train_ratio(0.1), &frame(4));
    assert!(message.contains("no training rows: raise train_ratio"), "{message}");
    let message = error(&TrainRatio::new().train_ratio(0.9), &frame(4));
    assert!(message.contains("no validation rows: lower train_ratio"), "{message}");
}

#[test]
fn parameters_are_checked_before_rows_are_touched() {
    for ratio in [0.0, 1.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
        assert!(error(&TrainRatio::new().train_ratio(ratio), &frame(10)).contains("train_ratio"), "{ratio}");
    }
    for k in [0, 1] {
        assert!(error(&KFold::new().num_folds(k), &frame(10)).contains("num_folds"), "{k}");
    }
    assert!(error(&FoldColumn::new(), &frame(10)).contains("`fold_col` is required"));
}

#[test]
fn a_fold_column_must_have_folds() {
    let splitter = FoldColumn::new().fold_col("fold");
    let open = |values: Vec<i64>| error(&splitter, &fold_frame(values));
    let of_three = |values: Vec<i64>| error(&splitter.clone().num_folds(3), &fold_frame(values));
    for (message, expected) in [
        (open(vec![0, 0]), "column `fold` has 1 different values in 2 rows, expected at least 2"),
        (
            of_three(vec![0, 1, 2, 3]),
            "has 4 different values, expected 3, because num_folds is 3: correct num_folds",
        ),
        (of_three(vec![0, 1, 0, 1]), "has 2 different values, expected 3"),
        (of_three(vec![0, 1]), "2 rows cannot be split into 3 folds"),
    ] {
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn any_integers_or_text_are_folds() {
    let splitter = FoldColumn::new().fold_col("fold");
    for (column, expected) in [
        (Column::i64(vec![2019, -7, 2021, i64::MAX, -7]), vec![1, 0, 2, 3, 0]),
        (Column::i64(vec![1, 2, 1, 4_000_000_000, 2]), vec![0, 1, 0, 2, 1]),
        (Column::utf8(["mon", "fri", "mon", "01", "1"]), vec![3, 2, 3, 0, 1]),
        (Column::bool(vec![true, false, true, true, false]), vec![1, 0, 1, 1, 0]),
    ] {
        let frame = DataFrame::from_columns(vec![("fold", column)]).unwrap();
        for frame in [frame.repartition(3).unwrap(), frame] {
            let split = splitter.split(&frame, 0).unwrap();
            split.check(5).unwrap();
            assert_eq!(assigned(&split), expected);
            assert_eq!(split.rounds().len() as u32, expected.iter().max().unwrap() + 1);
        }
    }
}

#[test]
fn a_fold_column_is_of_integers_or_text() {
    let splitter = FoldColumn::new().fold_col("fold");
    let arrays: [ArrayRef; 2] =
        [Arc::new(Int16Array::from(vec![1, 0, 1])), Arc::new(UInt64Array::from(vec![1, 0, 1]))];
    for array in arrays {
        let frame =
            DataFrame::from_batches(vec![RecordBatch::try_from_iter([("fold", array)]).unwrap()]).unwrap();
        splitter.check_schema(frame.schema()).unwrap();
        assert_eq!(assigned(&splitter.split(&frame, 0).unwrap()), [1, 0, 1]);
    }
    for (column, found) in [(Column::f64(vec![0.0, 1.0]), "f64")] {
        let frame = DataFrame::from_columns(vec![("fold", column)]).unwrap();
        for message in
            [error(&splitter, &frame), splitter.check_schema(frame.schema()).unwrap_err().to_string()]
        {
            assert!(
                message.contains(&format!("column `fold` is {found}, expected integers or text")),
                "{message}"
            );
        }
    }
    let near = fold_frame(vec![0, 1]).rename("fold", "folds").unwrap();
    let message = splitter.check_schema(near.schema()).unwrap_err().to_string();
    assert!(message.contains("did you mean `folds`?"), "{message}");
}

#[test]
fn a_split_that_cannot_be_used_is_found() {
    let split = |blocks: Vec<u32>, count, rounds: Vec<Round>| {
        let blocks = luthier_core::Blocks::new(blocks, count).unwrap();
        Split::new(blocks, rounds).check(3).unwrap_err().to_string()
    };
    let one = |block| vec![Round::hold_out(block)];
    assert!(split(vec![0, 1], 2, one(0)).contains("2 rows, but the frame has 3"));
    assert!(split(vec![0, 0, 0], 1, one(0)).contains("round 0 of the split has no training rows"));
    assert!(split(vec![0, 1, 0], 2, vec![]).contains("the split has no rounds"));
    assert!(
        split(vec![0, 1, 0], 2, one(2)).contains("round 0 of the split has block 2, but there are 2 blocks")
    );
    let leaky = vec![Round::hold_out(0), Round::new(Rows::range(0..2), Rows::only(1))];
    let message = split(vec![0, 1, 2], 3, leaky);
    assert!(
        message.contains("round 1 of the split trains on blocks 0-1 and validates on block 1"),
        "{message}"
    );
    let empty = vec![Round::new(Rows::only(1), Rows::blocks([]))];
    assert!(split(vec![0, 1, 2], 3, empty).contains("round 0 of the split has no validation rows"));
}

#[test]
fn all_are_registered_and_created_by_name() {
    let entries = registry::entries::<SplitterEntry>().unwrap();
    assert_eq!(
        entries.keys().copied().collect::<Vec<_>>(),
        [
            "fold_column",
            "group_k_fold",
            "k_fold",
            "leave_one_group_out",
            "leave_one_out",
            "leave_one_shard_out",
            "repeated_k_fold",
            "rolling_origin",
            "shuffle_split",
            "train_ratio"
        ]
    );
    assert!(entries.values().all(|entry| entry.doc.ends_with('.')));
    let five = entries[KFold::NAME].create(&[("num_folds".to_owned(), Value::Int(5))]).unwrap();
    assert_eq!(five.num_rounds(), Some(5));
    let message =
        entries[KFold::NAME].create(&[("num_folds".to_owned(), Value::Int(1))]).unwrap_err().to_string();
    assert!(message.starts_with("splitter `k_fold`: parameter `num_folds` = 1"), "{message}");
    let message = entries[FoldColumn::NAME].create(&[]).unwrap_err().to_string();
    assert!(message.contains("`fold_col` is required"), "{message}");
    assert_eq!(TrainRatio::new().get(TrainRatio::TRAIN_RATIO), Some(&0.75));
}

#[test]
fn the_built_in_ones_keep_the_contract() {
    let frame = luthier_testkit::sample_frame();
    luthier_testkit::check_splitter("k_fold", &KFold::new().num_folds(4), &frame).unwrap();
    luthier_testkit::check_splitter("train_ratio", &TrainRatio::new().train_ratio(0.7), &frame).unwrap();
    let folds = Column::i64((0..120).map(|i| i * 7 % 3).collect());
    let frame = frame.with_column("fold", folds).unwrap();
    luthier_testkit::check_splitter("fold_column", &FoldColumn::new().fold_col("fold"), &frame).unwrap();
}
