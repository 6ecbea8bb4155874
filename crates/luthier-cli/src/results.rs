//! The results of a search as files.

use anyhow::Result;
use luthier::core::{Value, Work, json};
use luthier::frame::csv_cell;
use luthier::tune::{
    CandidateResult, FoldResult, Forecast, MetricSummary, ProcedureRound, ProcedureScore, SearchNote,
    SearchResult, SecondaryMetric,
};
use serde_json::{Map, json};

use crate::test_score::TestScore;

/// Seconds of the program's two parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seconds {
    /// Reading and decoding the file.
    pub(crate) load: f64,
    /// Everything after it, including the refit.
    pub(crate) search: f64,
}

/// The files that a search writes into its folder.
pub(crate) const FILES: [&str; 4] = ["results.csv", "results.json", "events.json", MODEL];

/// The file of the fitted pipeline.
pub(crate) const MODEL: &str = "model.json";

/// The names and contents of `results.csv`, `results.json` and `events.json`.
pub(crate) fn files(
    result: &SearchResult,
    seconds: Seconds,
    test: Option<&TestScore>,
) -> Result<Vec<(&'static str, String)>> {
    let text = |document: &serde_json::Value| format!("{}\n", json::to_string_pretty(document));
    let events = json::to_value(&result.events)?;
    let mut results = to_json(result, seconds);
    if let Some(test) = test {
        results["test"] = test.to_json();
    }
    Ok(vec![
        ("results.csv", to_csv(result)),
        ("results.json", text(&results)),
        ("events.json", text(&events)),
    ])
}

/// A float, or its name if it is not finite.
fn number(value: f64) -> serde_json::Value {
    Value::Float(value).to_json()
}

fn to_json(result: &SearchResult, seconds: Seconds) -> serde_json::Value {
    let counts = |work: Work| -> Map<_, _> {
        work.entries().into_iter().map(|(name, n)| (name.to_owned(), n.into())).collect()
    };
    let Forecast { work: planned, is_approximate, summary_bytes, .. } = result.forecast;
    let told = counts(planned).into_iter().filter(|(_, n): &(String, serde_json::Value)| *n != 0);
    let more = [
        ("is_approximate".to_owned(), is_approximate.into()),
        ("summary_bytes".to_owned(), summary_bytes.into()),
    ];
    let planned: Map<_, _> = told.chain(more).collect();
    let document = json!({
        "metric": result.metric,
        "larger_is_better": result.larger_is_better,
        "search_seconds": number(seconds.search),
        "load_seconds": number(seconds.load),
        "best": result.best_candidate().map(|best| best.index),
        "procedure": result.procedure.as_ref().map(procedure),
        "candidates": result.candidates.iter().map(|c| candidate(result, c)).collect::<Vec<_>>(),
        "work": counts(result.work),
        "planned": planned,
        "notes": result.notes.iter().map(note).collect::<Vec<_>>(),
    });
    with_also(document, &result.also, also)
}

/// The same with the secondary metrics, if there are any.
fn with_also<T>(
    mut document: serde_json::Value,
    all: &[T],
    one: fn(&T) -> serde_json::Value,
) -> serde_json::Value {
    if !all.is_empty() {
        document["also"] = all.iter().map(one).collect();
    }
    document
}

fn note(note: &SearchNote) -> serde_json::Value {
    let SearchNote { note, fits, folds, .. } = note;
    let fits = fits.map(|fits| json!({"said": fits.said, "of": fits.of, "in_model": fits.in_model}));
    json!({
        "stage": note.stage,
        "kind": json::to_value(&note.kind).unwrap_or_default(),
        "subjects": note.subjects,
        "message": note.message,
        "fits": fits,
        "folds": folds,
    })
}

fn also(also: &SecondaryMetric) -> serde_json::Value {
    json!({"metric": also.name, "larger_is_better": also.larger_is_better})
}

fn candidate(result: &SearchResult, candidate: &CandidateResult) -> serde_json::Value {
    let params: Map<_, _> =
        candidate.params.iter().map(|(name, value)| (name.to_owned(), value.to_json())).collect();
    let mut document = json!({
        "index": candidate.index,
        "params": params,
        "mean": number(candidate.mean),
        "std": number(candidate.std),
        "std_error": number(result.std_error(candidate)),
        "rank": candidate.rank,
        "scored_folds": candidate.scored_folds,
        "folds": candidate.folds.iter().map(fold).collect::<Vec<_>>(),
    });
    if let Some(pipeline) = result.pipeline_of(candidate) {
        document["pipeline"] = pipeline.into();
    }
    with_also(document, &candidate.also, summary)
}

fn procedure(score: &ProcedureScore) -> serde_json::Value {
    let round = |round: &ProcedureRound| json!({"fold": round.fold, "candidate": round.candidate, "metric": number(round.metric)});
    json!({
        "mean": number(score.mean),
        "std_error": number(score.std_error),
        "rounds": score.rounds.iter().map(round).collect::<Vec<_>>(),
    })
}

fn summary(summary: &MetricSummary) -> serde_json::Value {
    json!({
        "mean": number(summary.mean),
        "std": number(summary.std),
        "scored_folds": summary.scored_folds,
    })
}

fn fold(fold: &FoldResult) -> serde_json::Value {
    let mut document = json!({
        "fold": fold.fold,
        "metric": number(fold.metric),
        "fit_seconds": number(fold.fit_seconds),
        "score_seconds": number(fold.score_seconds),
        "error": fold.error.as_deref(),
    });
    if let Some(why) = &fold.undefined {
        document["undefined"] = why.as_str().into();
    }
    with_also(document, &fold.also, |also| {
        json!({
            "metric": number(also.metric),
            "error": also.error.as_deref(),
            "undefined": also.undefined,
        })
    })
}

/// One line per candidate: its position in the grid, its rank, its pipeline if several compete, its parameters (empty if it
/// does not have one), mean and standard deviation of the metric, the metric on
/// each fold and the number of folds that have it, the same for every secondary metric, the seconds of all folds together,
/// and the errors.
fn to_csv(result: &SearchResult) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in result.candidates.iter().flat_map(|candidate| candidate.params.iter()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let folds = result.candidates.first().map_or(&[][..], |candidate| &candidate.folds);
    let mut header = vec!["index".to_owned(), "rank".to_owned()];
    let several = result.pipelines.len() > 1;
    header.extend(several.then(|| "pipeline".to_owned()));
    header.extend(names.iter().map(|&name| name.to_owned()));
    header.extend(["mean".to_owned(), "std".to_owned()]);
    header.extend(folds.iter().map(|fold| format!("fold_{}", fold.fold)));
    header.push("scored_folds".to_owned());
    for SecondaryMetric { name, .. } in &result.also {
        header.extend([format!("{name}_mean"), format!("{name}_std")]);
        header.extend(folds.iter().map(|fold| format!("{name}_fold_{}", fold.fold)));
        header.push(format!("{name}_scored_folds"));
    }
    header.extend(["fit_seconds", "score_seconds", "error"].map(str::to_owned));
    let mut text = line(header);
    for candidate in &result.candidates {
        let float = |value: f64| Value::Float(value).to_string();
        let sum = |part: fn(&FoldResult) -> f64| float(candidate.folds.iter().map(part).sum());
        let mut cells = vec![candidate.index.to_string(), candidate.rank.to_string()];
        let param = |name: &&str| candidate.params.get(name).map(ToString::to_string).unwrap_or_default();
        cells.extend(result.pipeline_of(candidate).map(str::to_owned));
        cells.extend(names.iter().map(param));
        cells.extend([float(candidate.mean), float(candidate.std)]);
        cells.extend(candidate.folds.iter().map(|fold| float(fold.metric)));
        cells.push(candidate.scored_folds.to_string());
        for (i, summary) in candidate.also.iter().enumerate() {
            cells.extend([float(summary.mean), float(summary.std)]);
            let on = |fold: &FoldResult| fold.also.get(i).map_or(f64::NAN, |also| also.metric);
            cells.extend(candidate.folds.iter().map(|fold| float(on(fold))));
            cells.push(summary.scored_folds.to_string());
        }
        cells.extend([sum(|fold| fold.fit_seconds), sum(|fold| fold.score_seconds)]);
        cells.push(result.errors_of(candidate));
        text.push_str(&line(cells));
    }
    text
}

fn line(cells: Vec<String>) -> String {
    format!("{}\n", cells.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let cells = ["1", "a,b", "say \"x\"", ""].map(str::to_owned).to_vec();
        assert_eq!(super::line(cells), "1,\"a,b\",\"say \"\"x\"\"\",\n");
    }
}
