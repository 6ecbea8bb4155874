//! The splitter keeps the contract, and never trains on what it validates on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use acme_splitter::PurgedKFold;
use luthier_testkit::check_splitter;
use luthier_tune::core::Params;
use luthier_tune::core::frame::{Column, DataFrame};
use luthier_tune::{Split, Splitter, SplitterEntry, hold_out};

fn frame(times: Vec<i64>) -> DataFrame {
    DataFrame::from_columns(vec![("day", Column::i64(times))]).unwrap()
}

fn purged(num_folds: u32, horizon: u32, embargo: u32) -> PurgedKFold {
    PurgedKFold::new().time_col("day").num_folds(num_folds).horizon(horizon).embargo(embargo)
}

/// The rows of each round: those to train on, and those to validate on.
fn rows(split: &Split) -> Vec<[Vec<usize>; 2]> {
    let of = |blocks: &luthier_tune::core::Rows| {
        let blocks_of_rows = split.blocks().assignment().iter().enumerate();
        blocks_of_rows.filter(|(_, block)| blocks.includes(**block)).map(|(row, _)| row).collect()
    };
    split.rounds().iter().map(|round| [of(&round.train), of(&round.validate)]).collect()
}

/// Small whole numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn rounds_are_those_of_the_definition() {
    let mut numbers = Numbers(1);
    let mut split_cases = 0;
    for _ in 0..300 {
        let count = 5 + numbers.below(60);
        // Days with gaps; several rows may be of one day, and they are in no order.
        let days: Vec<i64> = (0..count).map(|_| 3 * numbers.below(count) as i64 - 20).collect();
        let (k, horizon, embargo) = (2 + numbers.below(5), numbers.below(4), numbers.below(3));
        let mut distinct = days.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let place: Vec<u64> = days.iter().map(|day| distinct.binary_search(day).unwrap() as u64).collect();
        let times = distinct.len() as u64;
        let expected: Vec<[Vec<usize>; 2]> = (0..k)
            .map(|fold| {
                let (start, end) = (fold * times / k, (fold + 1) * times / k);
                let of = |takes: &dyn Fn(u64) -> bool| {
                    (0..days.len()).filter(|&row| takes(place[row])).collect::<Vec<_>>()
                };
                // The labels of a row and of the fold are about these times.
                let overlaps = |time: u64| time + horizon >= start && time < end + horizon;
                let remembers = |time: u64| time >= end + horizon && time < end + horizon + embargo;
                [of(&|time| !overlaps(time) && !remembers(time)), of(&|time| (start..end).contains(&time))]
            })
            .collect();
        let usable = times >= k && expected.iter().all(|[train, _]| !train.is_empty());
        let split = purged(k as u32, horizon as u32, embargo as u32).split(&frame(days.clone()), 0);
        assert_eq!(split.is_ok(), usable, "{days:?} {k} {horizon} {embargo}");
        if let Ok(split) = split {
            split.check(days.len()).unwrap();
            assert_eq!(rows(&split), expected, "{days:?} {k} {horizon} {embargo}");
            split_cases += 1;
        }
    }
    assert!(split_cases > 150, "{split_cases}");
}

#[test]
fn blocks_are_few_however_many_times() {
    let split = purged(5, 10, 20).split(&frame((0..10_000).collect()), 0).unwrap();
    assert!(split.blocks().count() <= 20, "{}", split.blocks().count());
}

#[test]
fn it_keeps_the_contract_of_splitters() {
    let days = |rows: i64| frame((0..rows).map(|row| row * 7 % 23).collect());
    check_splitter("plain", &purged(4, 0, 0), &days(60)).unwrap();
    check_splitter("purged", &purged(3, 2, 1), &days(200)).unwrap();
}

#[test]
fn the_latest_rows_are_test_rows() {
    let test = hold_out::test_rows(&purged(2, 1, 0), &frame(vec![5, 1, 4, 2, 3, 5]), 0.4, 0).unwrap();
    assert_eq!(test, [true, false, false, false, false, true]);
}

#[test]
fn it_tells_what_is_wrong() {
    let error = |splitter: PurgedKFold, frame: &DataFrame| splitter.split(frame, 0).unwrap_err().to_string();
    let days = frame((0..10).collect());
    assert!(error(purged(20, 0, 0), &days).contains("10 distinct times cannot be divided into 20 folds"));
    assert!(
        error(purged(2, 4, 9), &days).contains("fold 0 leaves no training rows: horizon = 4 and embargo = 9")
    );
    assert!(error(PurgedKFold::new().time_col("dya"), &days).contains("did you mean `day`?"));
    assert!(error(PurgedKFold::new(), &days).contains("time_col"));
    let text = DataFrame::from_columns(vec![("day", Column::utf8(["mon", "tue"]))]).unwrap();
    assert!(error(purged(2, 0, 0), &text).contains("is utf8, expected numbers, dates or timestamps"));
    let gap = DataFrame::from_columns(vec![("day", Column::f64(vec![1.0, f64::NAN, 2.0]))]).unwrap();
    assert!(error(purged(2, 0, 0), &gap).contains("row 1"), "{}", error(purged(2, 0, 0), &gap));
}

#[test]
fn it_has_a_name_and_parameters() {
    let entry: SplitterEntry = luthier_tune::core::registry::find("acme.purged_k_fold").unwrap();
    let params = [("time_col", "day".into()), ("horizon", 5.into())];
    let splitter = entry.create(&params.map(|(name, value)| (name.to_owned(), value))).unwrap();
    assert_eq!(splitter.num_rounds(), Some(5));
    let message = entry.create(&[("num_folds".to_owned(), 1.into())]).unwrap_err().to_string();
    assert!(message.contains("acme.purged_k_fold") && message.contains("num_folds"), "{message}");
    assert!(PurgedKFold::new().time_col("day").num_folds(1).validate().is_err());
}
