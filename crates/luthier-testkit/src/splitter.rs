//! Conformance of splitters.

use luthier_core::frame::DataFrame;
use luthier_tune::Splitter;

use crate::findings::{Findings, Law, Rule, run_laws};

/// Checks the whole contract of a splitter on a frame that it can split.
///
/// # Errors
/// The list of broken rules with details.
pub fn check_splitter(name: &str, splitter: &dyn Splitter, frame: &DataFrame) -> Result<(), Findings> {
    let split = |frame: &DataFrame, seed| splitter.split(frame, seed).map_err(|error| format!("{error:#}"));
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
                }
                Ok(())
            }),
        ),
        (
            Rule::Deterministic,
            Box::new(|| match split(frame, 3)? == split(frame, 3)? {
                true => Ok(()),
                false => Err("two splits with the same seed differ".to_owned()),
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
                }
                Ok(())
            }),
        ),
    ];
    Findings::check(name, run_laws(laws))
}
