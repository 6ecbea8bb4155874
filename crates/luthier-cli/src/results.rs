//! The results of a search as files.

use std::path::Path;

use anyhow::Result;
use luthier::core::{Value, Work, json};
use luthier::tune::{AlsoMetric, CandidateResult, FoldResult, Forecast, SearchResult, Spread};
use serde_json::{Map, json};

use crate::failure;
use crate::output::write_text;

/// Seconds of the program's two parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seconds {
    /// Reading and decoding the file.
    pub(crate) load: f64,
    /// Everything after it, the refit included.
    pub(crate) search: f64,
}

/// What a search leaves in its folder.
pub(crate) const FILES: [&str; 4] = ["results.csv", "results.json", "events.json", "model.json"];

/// Writes `results.csv`, `results.json` and `events.json`.
pub(crate) fn write(directory: &Path, result: &SearchResult, seconds: Seconds) -> Result<()> {
    write_text(&directory.join("results.csv"), &to_csv(result))?;
    let write = |name: &str, document: &serde_json::Value| {
        let path = directory.join(name);
        json::write_file(&path, document).map_err(|e| failure::of_core("write", &path, e))
    };
    write("results.json", &to_json(result, seconds))?;
    write("events.json", &json::to_value(&result.events)?)
}

/// A float, or its name if it is not finite.
fn number(value: f64) -> serde_json::Value {
    Value::Float(value).to_json()
}

fn to_json(result: &SearchResult, seconds: Seconds) -> serde_json::Value {
    let counts = |work: Work| -> Map<_, _> {
        work.entries().into_iter().map(|(name, n)| (name.to_owned(), n.into())).collect()
    };
    let Forecast { work: planned, is_guess, summary_bytes, .. } = result.forecast;
    let told = counts(planned).into_iter().filter(|(_, n): &(String, serde_json::Value)| *n != 0);
    let more = [("is_guess".to_owned(), is_guess.into()), ("summary_bytes".to_owned(), summary_bytes.into())];
    let planned: Map<_, _> = told.chain(more).collect();
    let document = json!({
        "metric": result.metric,
        "larger_is_better": result.larger_is_better,
        "search_seconds": number(seconds.search),
        "load_seconds": number(seconds.load),
        "best": result.best,
        "candidates": result.candidates.iter().map(candidate).collect::<Vec<_>>(),
        "work": counts(result.work),
        "planned": planned,
    });
    with_also(document, &result.also, also)
}

/// The same with what it says of the metrics that do not decide, where there are such.
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

fn also(also: &AlsoMetric) -> serde_json::Value {
    json!({"metric": also.name, "larger_is_better": also.larger_is_better})
}

fn candidate(candidate: &CandidateResult) -> serde_json::Value {
    let params: Map<_, _> =
        candidate.params.iter().map(|(name, value)| (name.to_owned(), value.to_json())).collect();
    let document = json!({
        "index": candidate.index,
        "params": params,
        "mean": number(candidate.mean),
        "std": number(candidate.std),
        "rank": candidate.rank,
        "folds": candidate.folds.iter().map(fold).collect::<Vec<_>>(),
    });
    with_also(document, &candidate.also, spread)
}

fn spread(spread: &Spread) -> serde_json::Value {
    json!({"mean": number(spread.mean), "std": number(spread.std)})
}

fn fold(fold: &FoldResult) -> serde_json::Value {
    let document = json!({
        "fold": fold.fold,
        "metric": number(fold.metric),
        "fit_seconds": number(fold.fit_seconds),
        "score_seconds": number(fold.score_seconds),
        "error": fold.error,
    });
    with_also(document, &fold.also, |also| json!({"metric": number(also.metric), "error": also.error}))
}

/// One line per candidate: its place in the grid, its rank, its parameters, the metric over and on the folds, the
/// same of every other metric, the seconds of all folds together, and the errors.
fn to_csv(result: &SearchResult) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in result.candidates.iter().flat_map(|candidate| candidate.params.iter()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let folds = result.candidates.first().map_or(&[][..], |candidate| &candidate.folds);
    let mut header = vec!["index".to_owned(), "rank".to_owned()];
    header.extend(names.iter().map(|&name| name.to_owned()));
    header.extend(["mean".to_owned(), "std".to_owned()]);
    header.extend(folds.iter().map(|fold| format!("fold_{}", fold.fold)));
    for AlsoMetric { name, .. } in &result.also {
        header.extend([format!("{name}_mean"), format!("{name}_std")]);
        header.extend(folds.iter().map(|fold| format!("{name}_fold_{}", fold.fold)));
    }
    header.extend(["fit_seconds", "score_seconds", "error"].map(str::to_owned));
    let mut text = line(header);
    for candidate in &result.candidates {
        let float = |value: f64| Value::Float(value).to_string();
        let sum = |part: fn(&FoldResult) -> f64| float(candidate.folds.iter().map(part).sum());
        let mut cells = vec![candidate.index.to_string(), candidate.rank.to_string()];
        let param = |name: &&str| candidate.params.get(name).map(ToString::to_string).unwrap_or_default();
        cells.extend(names.iter().map(param));
        cells.extend([float(candidate.mean), float(candidate.std)]);
        cells.extend(candidate.folds.iter().map(|fold| float(fold.metric)));
        for (i, spread) in candidate.also.iter().enumerate() {
            cells.extend([float(spread.mean), float(spread.std)]);
            let on = |fold: &FoldResult| fold.also.get(i).map_or(f64::NAN, |also| also.metric);
            cells.extend(candidate.folds.iter().map(|fold| float(on(fold))));
        }
        cells.extend([sum(|fold| fold.fit_seconds), sum(|fold| fold.score_seconds)]);
        cells.push(errors(candidate, &result.also));
        text.push_str(&line(cells));
    }
    text
}

/// Why a candidate failed and why other metrics are missing, in one line: each message once, with its folds unless it is
/// that of all.
fn errors(candidate: &CandidateResult, also: &[AlsoMetric]) -> String {
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for fold in &candidate.folds {
        // Where the candidate failed, nothing else is news.
        let others = also.iter().zip(&fold.also).filter(|_| fold.error.is_none());
        let others = others.filter_map(|(also, m)| Some(format!("{}: {}", also.name, m.error.as_ref()?)));
        for message in fold.error.clone().into_iter().chain(others) {
            let number = fold.fold.to_string();
            match told.iter_mut().find(|(earlier, _)| *earlier == message) {
                Some((_, folds)) => folds.push(number),
                None => told.push((message, vec![number])),
            }
        }
    }
    let one = |(message, folds): (String, Vec<String>)| {
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        match folds.len() {
            all if all == candidate.folds.len() => message,
            1 => format!("fold {}: {message}", folds.concat()),
            _ => format!("folds {}: {message}", folds.join(", ")),
        }
    };
    told.into_iter().map(one).collect::<Vec<_>>().join("; ")
}

fn line(cells: Vec<String>) -> String {
    let quoted = |cell: String| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    };
    format!("{}\n", cells.into_iter().map(quoted).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use luthier::core::ParamMap;
    use luthier::tune::{AlsoMetric, CandidateResult, FoldMetric, FoldResult};

    #[test]
    fn each_error_is_told_once_with_its_folds_in_one_line() {
        let fold = |(fold, error, other): (u32, Option<&str>, Option<&str>)| FoldResult {
            fold,
            metric: f64::NAN,
            fit_seconds: 0.0,
            score_seconds: 0.0,
            error: error.map(str::to_owned),
            also: vec![FoldMetric { metric: f64::NAN, error: other.map(str::to_owned) }],
        };
        let also = [AlsoMetric { name: "mae".to_owned(), larger_is_better: false }];
        let told = |folds: &[(u32, Option<&str>, Option<&str>)]| {
            let candidate = CandidateResult {
                index: 0,
                params: ParamMap::new(),
                mean: f64::NAN,
                std: f64::NAN,
                rank: 1,
                folds: folds.iter().copied().map(fold).collect(),
                also: Vec::new(),
            };
            super::errors(&candidate, &also)
        };
        assert_eq!(told(&[(0, None, None), (1, None, None)]), "");
        assert_eq!(told(&[(0, Some("a\n  b"), None), (1, Some("a\n  b"), Some("a\n  b"))]), "a b");
        let different =
            told(&[(0, Some("a"), None), (1, Some("b"), None), (2, Some("a"), None), (3, None, None)]);
        assert_eq!(different, "folds 0, 2: a; fold 1: b");
        assert_eq!(told(&[(0, None, Some("c")), (1, Some("b"), None)]), "fold 0: mae: c; fold 1: b");
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let cells = ["1", "a,b", "say \"x\"", ""].map(str::to_owned).to_vec();
        assert_eq!(super::line(cells), "1,\"a,b\",\"say \"\"x\"\"\",\n");
    }
}
