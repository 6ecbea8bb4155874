//! Conformance of summaries.

use luthier_core::frame::DataFrame;
use luthier_core::{Dataset, Summary, json};
use serde_json::Value;

use crate::findings::{Findings, Law, Rule, run_laws};
use crate::values::documents_agree;

/// Checks the laws of a summary on a frame that it can summarise: merging the empty summary changes nothing, parts merge to
/// the whole in any grouping, spec and state can be saved, also as bytes that do not describe themselves, and the union of two specs gives the results of each. `other` is a
/// second spec.
///
/// If only the order of sums differs, numbers of the state may differ by 1e-9 of the largest number next to them.
///
/// # Errors
/// The list of broken rules with details.
pub fn check_summary<S: Summary>(spec: &S::Spec, other: &S::Spec, frame: &DataFrame) -> Result<(), Findings> {
    let of = |spec: &S::Spec, frame: &DataFrame| -> Result<S, String> {
        Dataset::new(frame.clone()).aggregate::<S>(spec).map_err(|error| error.to_string())
    };
    let state = |summary: &S| json::to_value(summary).map_err(|error| error.to_string());
    let merged = |parts: &[&S]| -> Result<S, String> {
        let mut whole = S::empty(spec, frame.schema()).map_err(|error| error.to_string())?;
        parts.iter().try_for_each(|part| whole.merge(part)).map_err(|error| error.to_string())?;
        Ok(whole)
    };
    let agree = |a: &Value, b: &Value, what: &str| match documents_agree(a, b, 1e-9) {
        true => Ok(()),
        false => Err(format!("{what}: {} and {}", short(a), short(b))),
    };
    let parts = || -> Result<Vec<S>, String> {
        let n = frame.num_rows();
        let cuts = [0, n / 5, n / 5 + 1, n / 2, n];
        let slices = cuts.windows(2).map(|cut| frame.slice(cut[0], cut[1] - cut[0]));
        slices.map(|slice| of(spec, &slice.map_err(|error| error.to_string())?)).collect()
    };
    let laws: Vec<(Rule, Law<'_>)> = vec![
        (Rule::Works, Box::new(|| of(spec, frame).map(|_| ()))),
        (
            Rule::Deterministic,
            Box::new(|| match state(&of(spec, frame)?)? == state(&of(spec, frame)?)? {
                true => Ok(()),
                false => Err("two summaries of the same rows differ".to_owned()),
            }),
        ),
        (
            Rule::Merges,
            Box::new(|| {
                let whole = of(spec, frame)?;
                let nothing = merged(&[])?;
                agree(
                    &state(&whole)?,
                    &state(&merged(&[&nothing, &whole, &nothing])?)?,
                    "merged with the empty summary",
                )?;
                let parts = parts()?;
                let refs: Vec<&S> = parts.iter().collect();
                agree(&state(&whole)?, &state(&merged(&refs)?)?, "merged from parts")?;
                let backwards: Vec<&S> = parts.iter().rev().collect();
                agree(&state(&whole)?, &state(&merged(&backwards)?)?, "merged from parts in reverse")?;
                let (left, right) = (merged(&refs[..2])?, merged(&refs[2..])?);
                agree(&state(&whole)?, &state(&merged(&[&left, &right])?)?, "merged from parts of parts")
            }),
        ),
        (
            Rule::Partitions,
            Box::new(|| {
                let cut = frame.repartition(7).map_err(|error| error.to_string())?;
                agree(&state(&of(spec, frame)?)?, &state(&of(spec, &cut)?)?, "in 7 partitions")
            }),
        ),
        (
            Rule::Persistence,
            Box::new(|| {
                let whole = state(&of(spec, frame)?)?;
                let text = whole.to_string();
                let read = serde_json::from_str::<Value>(&text).map_err(|error| error.to_string())?;
                let back: S = json::from_value(&read).map_err(|error| error.to_string())?;
                if state(&back)? == whole {
                    Ok(())
                } else {
                    Err("the summary changes when it is saved and loaded".to_owned())
                }
            }),
        ),
        (
            Rule::Persistence,
            Box::new(|| {
                let whole = of(spec, frame)?;
                // A format that does not describe itself, as parts are kept on disk.
                let said = |error: postcard::Error| format!("it cannot be kept as bytes: {error}");
                let kept: S =
                    postcard::from_bytes(&postcard::to_stdvec(&whole).map_err(said)?).map_err(said)?;
                let asked: S::Spec =
                    postcard::from_bytes(&postcard::to_stdvec(spec).map_err(said)?).map_err(said)?;
                match (state(&kept)? == state(&whole)?, asked == *spec) {
                    (true, true) => Ok(()),
                    (false, _) => Err("the summary changes when it is kept as bytes".to_owned()),
                    (_, false) => Err("the spec changes when it is kept as bytes".to_owned()),
                }
            }),
        ),
        (
            Rule::Sharing,
            Box::new(|| {
                let Some(both) = S::union(spec, other) else { return Ok(()) };
                let answer = of(&both, frame)?;
                for asked in [spec, other] {
                    let Some(part) = answer.project(&both, asked) else {
                        return Err(format!("the union {both:?} does not answer {asked:?}"));
                    };
                    agree(&state(&of(asked, frame)?)?, &state(&part)?, "alone and from the union")?;
                }
                Ok(())
            }),
        ),
    ];
    Findings::check(S::NAME, run_laws(laws))
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    text.chars().take(200).collect()
}
