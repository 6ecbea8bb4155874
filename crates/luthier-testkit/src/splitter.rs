//! Conformance of splitters.

use luthier_core::frame::DataFrame;
use luthier_tune::{Splitter, hold_out};

use crate::findings::{Findings, Law, Rule, run_laws};

/// Checks the whole contract of a splitter on a frame that it can split.
///
/// # Errors
/// The list of broken rules with details.
pub fn check_splitter(name: &str, splitter: &dyn Splitter, frame: &DataFrame) -> Result<(), Findings> {
    let split = |frame: &DataFrame, seed| splitter.split(frame, seed).map_err(|error| format!("{error:#}"));
    let test_rows = |frame: &DataFrame, share, seed| {
        hold_out::test_rows(splitter, frame, share, seed).map_err(|error| format!("test rows: {error}"))
    };
    let laws: Vec<(Rule, Law<'_>)> = vec![
        (
            Rule::Works,
            Box::new(|| {
                splitter.check_schema(frame.schema()).map_err(|error| format!("{error:#}"))?;
                split(frame, 1).map(|_| ())
            }),
        ),
        (
            Rule::Covers,
            Box::new(|| {
                for seed in 0..20 {
                    let split = split(frame, seed)?;
                    split.check(frame.num_rows()).map_err(|error| error.to_string())?;
                    match splitter.num_rounds() {
                        Some(n) if n != split.rounds().len() => {
                            return Err(format!(
                                "there are {} rounds, but `num_rounds` returns {n}",
                                split.rounds().len()
                            ));
                        }
                        _ => {}
                    }
                    test_rows(frame, 0.3, seed)?;
                }
                Ok(())
            }),
        ),
        (
            Rule::Deterministic,
            Box::new(|| {
                if split(frame, 3)? != split(frame, 3)? {
                    return Err("two splits with the same seed differ".to_owned());
                }
                match test_rows(frame, 0.3, 3)? == test_rows(frame, 0.3, 3)? {
                    true => Ok(()),
                    false => Err("the test rows of the same seed differ".to_owned()),
                }
            }),
        ),
        (
            Rule::Partitions,
            Box::new(|| {
                for parts in [1, 2, 7] {
                    let cut = frame.repartition(parts).map_err(|error| error.to_string())?;
                    if split(frame, 5)? != split(&cut, 5)? {
                        return Err(format!("a frame of {parts} partitions is split differently"));
                    }
                    if test_rows(frame, 0.3, 5)? != test_rows(&cut, 0.3, 5)? {
                        return Err(format!("a frame of {parts} partitions has other test rows"));
                    }
                }
                Ok(())
            }),
        ),
        (
            Rule::NoPanic,
            Box::new(|| {
                for rows in 0..frame.num_rows().min(4) {
                    let few = frame.head(rows);
                    if let Ok(split) = split(&few, 1) {
                        split.check(rows).map_err(|error| format!("{rows} rows: {error}"))?;
                    }
                    // An error is fine, a panic is not.
                    let _ = test_rows(&few, 0.3, 1);
                }
                Ok(())
            }),
        ),
    ];
    Findings::check(name, run_laws(laws))
}
