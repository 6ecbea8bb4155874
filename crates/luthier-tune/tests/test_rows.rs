//! The rows that splitters set aside for a test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use luthier_core::frame::{Column, DataFrame};
use luthier_tune::{
    FoldColumn, GroupKFold, KFold, LeaveOneGroupOut, RepeatedKFold, RollingOrigin, ShuffleSplit, Split,
    Splitter, TrainRatio, hold_out, shares,
};
use proptest::prelude::*;

fn frame(name: &str, values: &[i64]) -> DataFrame {
    DataFrame::from_columns(vec![(name, Column::i64(values.to_vec()))]).unwrap()
}

fn count(test: &[bool]) -> usize {
    test.iter().filter(|is_test| **is_test).count()
}

fn test_rows(splitter: &dyn Splitter, frame: &DataFrame, share: f64, seed: u64) -> Vec<bool> {
    hold_out::test_rows(splitter, frame, share, seed).unwrap()
}

proptest! {
    #[test]
    fn classes_have_their_share(classes in prop::collection::vec(0i64..4, 2..80), share in 0.05f64..0.95, seed: u64) {
        let frame = frame("class", &classes);
        let wanted = ((share * classes.len() as f64).round() as usize).clamp(1, classes.len() - 1);
        let sizes: Vec<usize> = (0..4).map(|class| classes.iter().filter(|c| **c == class).count()).collect();
        let splitters: [&dyn Splitter; 4] = [
            &KFold::new().stratify("class"),
            &RepeatedKFold::new().stratify("class"),
            &ShuffleSplit::new().stratify("class"),
            &TrainRatio::new().stratify("class"),
        ];
        for splitter in splitters {
            let test = test_rows(splitter, &frame, share, seed);
            let of = |class: i64| classes.iter().zip(&test).filter(|(c, is_test)| **c == class && **is_test).count();
            prop_assert_eq!((0..4).map(of).collect::<Vec<_>>(), shares(&sizes, wanted));
        }
        let plain = test_rows(&KFold::new(), &frame, share, seed);
        prop_assert_eq!(count(&plain), wanted);
    }

    #[test]
    fn groups_stay_whole(groups in prop::collection::vec(0i64..9, 2..80), share in 0.05f64..0.95, seed: u64) {
        let frame = frame("group", &groups);
        let splitters: [&dyn Splitter; 2] =
            [&GroupKFold::new().group_col("group"), &LeaveOneGroupOut::new().group_col("group")];
        let several = groups.iter().any(|group| *group != groups[0]);
        for splitter in splitters {
            let test = hold_out::test_rows(splitter, &frame, share, seed);
            prop_assert_eq!(test.is_ok(), several);
            let Ok(test) = test else { continue };
            for (group, is_test) in groups.iter().zip(&test) {
                prop_assert!(groups.iter().zip(&test).all(|(other, its)| other != group || its == is_test));
            }
            // A group more or less brings it no nearer than the largest group is.
            let largest = (0..9).map(|g| groups.iter().filter(|other| **other == g).count()).max().unwrap();
            let wanted = share * groups.len() as f64;
            prop_assert!((count(&test) as f64 - wanted).abs() <= largest as f64 + 0.5);
        }
    }

    #[test]
    fn no_other_row_is_later(times in prop::collection::vec(0i64..20, 2..80), share in 0.05f64..0.95, seed: u64) {
        let splitter = RollingOrigin::new().time_col("time");
        let test = hold_out::test_rows(&splitter, &frame("time", &times), share, seed);
        prop_assert_eq!(test.is_ok(), times.iter().any(|time| *time != times[0]));
        if let Ok(test) = test {
            let of = |side: bool| times.iter().zip(&test).filter(move |(_, is_test)| **is_test == side).map(|(t, _)| *t);
            prop_assert!(of(false).max().unwrap() < of(true).min().unwrap());
        }
    }

    #[test]
    fn folds_stay_whole_and_training_rows_stay(folds in prop::collection::vec(-1i64..6, 2..80), share in 0.05f64..0.95, seed: u64) {
        let splitter = FoldColumn::new().fold_col("fold");
        let test = hold_out::test_rows(&splitter, &frame("fold", &folds), share, seed);
        let known: std::collections::BTreeSet<i64> = folds.iter().copied().filter(|fold| *fold >= 0).collect();
        prop_assert!(test.is_ok() || known.len() < 2);
        if let Ok(test) = test {
            for (fold, is_test) in folds.iter().zip(&test) {
                prop_assert!(*fold >= 0 || !is_test);
                prop_assert!(folds.iter().zip(&test).all(|(other, its)| other != fold || its == is_test));
            }
        }
    }
}

#[test]
fn without_a_column_of_times_the_last_rows_are_test_rows() {
    let test = test_rows(&RollingOrigin::new(), &frame("x", &[3, 1, 2, 5, 4]), 0.4, 1);
    assert_eq!(test, [false, false, false, true, true]);
}

/// Keeps nothing for the test, or everything.
#[derive(Debug)]
struct Greedy(bool);

impl Splitter for Greedy {
    fn split(&self, _: &DataFrame, _: u64) -> anyhow::Result<Split> {
        anyhow::bail!("not asked")
    }

    fn num_rounds(&self) -> Option<usize> {
        None
    }

    fn test_rows(&self, frame: &DataFrame, _: f64, _: u64) -> anyhow::Result<Vec<bool>> {
        Ok(vec![self.0; frame.num_rows()])
    }
}

#[test]
fn an_answer_is_checked() {
    let rows = frame("x", &[1, 2, 3]);
    let error = |splitter: &dyn Splitter, share| {
        let error = anyhow::Error::from(hold_out::test_rows(splitter, &rows, share, 0).unwrap_err());
        format!("{error:#}")
    };
    assert!(error(&Greedy(false), 0.5).contains("none of the 3 rows can be a test row"));
    assert!(error(&Greedy(true), 0.5).contains("no row is left for training"));
    assert!(error(&Greedy(true), 0.5).contains("Greedy"), "{}", error(&Greedy(true), 0.5));
    for share in [0.0, 1.0, -1.0, f64::NAN] {
        assert!(error(&KFold::new(), share).contains("more than 0 and less than 1"));
    }
}
