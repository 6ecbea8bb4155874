//! The results of a search as files.

use std::fmt::{Display, Write};

use anyhow::Result;
use luthier::core::{Value, json};
use luthier::frame::csv_cell;
use luthier::tune::{FoldResult, SearchResult, SecondaryMetric};
use serde::Serialize;

use crate::shards;
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
pub(crate) const FILES: [&str; 7] = ["results.csv", RESULTS, EVENTS, MODEL, TRACE, REPORT, shards::FILE];

/// The file of the results.
pub(crate) const RESULTS: &str = "results.json";

/// The file of the events.
pub(crate) const EVENTS: &str = "events.json";

/// The file of the events for trace viewers.
pub(crate) const TRACE: &str = "trace.json";

/// The file of the report.
pub(crate) const REPORT: &str = "report.html";

/// The file of the fitted pipeline.
pub(crate) const MODEL: &str = "model.json";

/// The document of a search, with what only the program knows.
#[derive(Serialize)]
struct Document<'a, R> {
    #[serde(flatten)]
    result: R,
    #[serde(with = "json::float")]
    load_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: &'a Option<serde_json::Value>,
}

/// The names and contents of `results.csv`, `results.json`, `events.json` and `trace.json`.
pub(crate) fn files(
    result: &SearchResult,
    load_seconds: f64,
    test: Option<&TestScore>,
) -> Result<Vec<(&'static str, String)>> {
    let test = &test.map(TestScore::to_json);
    let document = Document { result: result.document(), load_seconds, test };
    Ok(vec![
        ("results.csv", to_csv(result)),
        (RESULTS, text(&document)?),
        (EVENTS, text(&result.events)?),
        (TRACE, serde_json::to_string(&luthier::report::trace(result))?),
    ])
}

/// The result as a line of JSON, in the form of `results.json`.
pub(crate) fn line(result: &SearchResult, load_seconds: f64, test: Option<&TestScore>) -> Result<String> {
    let test = &test.map(TestScore::to_json);
    let mut line = json::to_value(&Document { result: result.document(), load_seconds, test })?;
    if let Some(line) = line.as_object_mut() {
        line.insert("event".to_owned(), "result".into());
    }
    Ok(format!("{line}\n"))
}

/// A document as the text of a file.
pub(crate) fn text(document: &impl Serialize) -> Result<String> {
    let mut text = json::to_string_pretty(document)?;
    text.push('\n');
    Ok(text)
}

/// One line per candidate: its position in the grid, its rank, its pipeline if several compete, its parameters (empty if it
/// does not have one), mean and standard deviation of the metric, the
/// standard error of the mean, the probability that the candidate is the best (empty if that cannot be said), the metric on each fold and the number of folds that have it, the same for every secondary metric, the seconds of all folds together,
/// and the errors.
fn to_csv(result: &SearchResult) -> String {
    let names = result.param_names();
    let folds = result.candidates.first().map_or(&[][..], |candidate| &candidate.folds);
    let mut lines = Lines::default();
    lines.cells(["index", "rank"]);
    lines.cells((result.pipelines.len() > 1).then_some("pipeline"));
    lines.cells(&names);
    lines.cells(["mean", "std", "std_error", "probability_best"]);
    lines.cells(folds.iter().map(|fold| format!("fold_{}", fold.fold)));
    lines.cell("scored_folds");
    for SecondaryMetric { name, .. } in &result.also {
        lines.cells([format!("{name}_mean"), format!("{name}_std")]);
        lines.cells(folds.iter().map(|fold| format!("{name}_fold_{}", fold.fold)));
        lines.cell(format_args!("{name}_scored_folds"));
    }
    lines.cells(["fit_seconds", "score_seconds", "error"]);
    lines.end();
    for candidate in &result.candidates {
        let sum = |part: fn(&FoldResult) -> f64| candidate.folds.iter().map(part).sum();
        lines.cells([candidate.index, candidate.rank]);
        lines.cells(result.pipeline_of(candidate));
        for name in &names {
            match candidate.params.get(name) {
                Some(value) => lines.cell(value),
                None => lines.cell(""),
            }
        }
        lines.cells([candidate.mean, candidate.std, candidate.std_error].map(Value::Float));
        match candidate.probability_best {
            Some(probability) => lines.cell(Value::Float(probability)),
            None => lines.cell(""),
        }
        lines.cells(candidate.folds.iter().map(|fold| Value::Float(fold.metric)));
        lines.cell(candidate.scored_folds);
        for (i, summary) in candidate.also.iter().enumerate() {
            lines.cells([summary.mean, summary.std].map(Value::Float));
            let on = |fold: &FoldResult| fold.also.get(i).map_or(f64::NAN, |also| also.metric);
            lines.cells(candidate.folds.iter().map(|fold| Value::Float(on(fold))));
            lines.cell(summary.scored_folds);
        }
        lines.cells([sum(|fold| fold.fit_seconds), sum(|fold| fold.score_seconds)].map(Value::Float));
        lines.cell(result.errors_of(candidate));
        lines.end();
    }
    lines.text
}

/// Lines of a CSV file that are being written.
#[derive(Default)]
struct Lines {
    text: String,
    /// The cell in hand.
    cell: String,
    /// Whether it is not the first in its line.
    follows: bool,
}

impl Lines {
    fn cell(&mut self, value: impl Display) {
        self.cell.clear();
        // Writing to a text does not fail.
        let _ = write!(self.cell, "{value}");
        if std::mem::replace(&mut self.follows, true) {
            self.text.push(',');
        }
        self.text.push_str(&csv_cell(&self.cell));
    }

    fn cells(&mut self, values: impl IntoIterator<Item = impl Display>) {
        values.into_iter().for_each(|value| self.cell(value));
    }

    fn end(&mut self) {
        self.text.push('\n');
        self.follows = false;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let mut lines = super::Lines::default();
        lines.cells(["1", "a,b", "say \"x\"", ""]);
        lines.end();
        lines.cells([2]);
        assert_eq!(lines.text, "1,\"a,b\",\"say \"\"x\"\"\",\n2");
    }
}
