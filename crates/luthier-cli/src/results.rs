//! The results of a search as files.

use anyhow::Result;
use luthier::core::{Value, json};
use luthier::frame::csv_cell;
use luthier::tune::{FoldResult, SearchResult, SecondaryMetric};

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
    let mut document = result.to_json()?;
    // The program's time includes checks and preparation.
    document["search_seconds"] = Value::Float(seconds.search).to_json();
    document["load_seconds"] = Value::Float(seconds.load).to_json();
    if let Some(test) = test {
        document["test"] = test.to_json();
    }
    Ok(vec![
        ("results.csv", to_csv(result)),
        ("results.json", text(&document)),
        ("events.json", text(&events)),
    ])
}

/// One line per candidate: its position in the grid, its rank, its pipeline if several compete, its parameters (empty if it
/// does not have one), mean and standard deviation of the metric, the metric on
/// each fold and the number of folds that have it, the same for every secondary metric, the seconds of all folds together,
/// and the errors.
fn to_csv(result: &SearchResult) -> String {
    let names = result.param_names();
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
