//! A candidate that fails is a row with its error; the others finish.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod common;

use acme::{Failure, Flaky};
use common::{at_most, executors, frame, search};
use luthier_tune::{Error, KFold, ParamGrid, Sharing};
use std::sync::Arc;

fn grid(failures: impl IntoIterator<Item = Failure>) -> ParamGrid {
    ParamGrid::new().add(Flaky::FAILURE, failures)
}

#[test]
fn one_that_fails_and_one_that_panics_are_rows_with_their_errors() {
    for executor in executors() {
        for sharing in [Sharing::On, Sharing::Off] {
            let search = search(Flaky::new(), grid([Failure::Error, Failure::Panic, Failure::None]))
                .splitter(Arc::new(KFold::new()))
                .executor(executor.clone())
                .parallelism(at_most(2))
                .sharing(sharing);
            let result = search.fit(&frame(30, 2, 2)).unwrap().result;
            assert_eq!(result.best, 2);
            let errors = |index: usize| -> Vec<String> {
                result.candidates[index]
                    .folds
                    .iter()
                    .filter_map(|fold| fold.error.as_ref())
                    .map(ToString::to_string)
                    .collect()
            };
            assert_eq!(errors(0).len(), 3);
            assert!(errors(0).iter().all(|e| e.contains("acme.flaky") && e.contains("told to fail")));
            assert_eq!(errors(1).len(), 3);
            assert!(errors(1).iter().all(|e| e.contains("acme.flaky") && e.contains("told to panic")));
            assert!(errors(2).is_empty() && result.candidates[2].mean.is_finite());
            assert!(result.candidates[0].mean.is_nan());
            assert_eq!(result.candidates.iter().map(|c| c.rank).collect::<Vec<_>>(), [2, 3, 1]);
        }
    }
}

#[test]
fn when_all_fail_the_search_fails() {
    for executor in executors() {
        let search = search(Flaky::new(), grid([Failure::Error, Failure::Panic])).executor(executor);
        match search.fit(&frame(30, 2, 1)) {
            Err(Error::AllFailed { reasons, .. }) => assert!(reasons[0].failure.contains("told to fail")),
            other => panic!("{other:?}"),
        }
    }
}
