//! The candidates of a search from best to worst.

use luthier_tune::core::Value;
use luthier_tune::core::frame::{Align, table};
use luthier_tune::{Outcome, SearchResult};

/// A table of the candidates by rank. It has the number by which events and errors refer to a candidate, the parameters in which
/// candidates differ (the others are below it), the mean and standard deviation of the metric (`-` if there is only one split), the means of secondary
/// metrics, the seconds for fitting and scoring over all folds, and the errors. It has at most `limit` lines.
///
/// If the metric of a candidate is missing on some fold, the table also shows how many folds each mean covers, and the
/// metric on each fold if there are at most ten.
pub fn leaderboard(result: &SearchResult, limit: usize) -> String {
    let (all, same): (Vec<&str>, Vec<&str>) =
        result.param_names().into_iter().partition(|name| varies(result, name));
    let failed = result.candidates.iter().any(|candidate| !result.errors_of(candidate).is_empty());
    let lacking = result.candidates.iter().any(|candidate| candidate.scored_folds < candidate.folds.len());
    let folds: Vec<String> = match result.candidates.first() {
        Some(first) if lacking && (2..=MOST_FOLDS).contains(&first.folds.len()) => {
            first.folds.iter().map(|fold| format!("fold {}", fold.fold)).collect()
        }
        _ => Vec::new(),
    };
    let mut columns = vec![("rank", Align::Right), ("candidate", Align::Right)];
    if result.pipelines.len() > 1 {
        columns.push(("pipeline", Align::Left));
    }
    columns.extend(all.iter().map(|&name| (name, Align::Right)));
    columns.extend([(result.metric.as_str(), Align::Right), ("std", Align::Right)]);
    if lacking {
        columns.push(("folds", Align::Right));
    }
    columns.extend(folds.iter().map(|fold| (fold.as_str(), Align::Right)));
    columns.extend(result.also.iter().map(|also| (also.name.as_str(), Align::Right)));
    columns.extend([("fit s", Align::Right), ("score s", Align::Right)]);
    if failed {
        columns.push(("error", Align::Left));
    }
    let board = result.leaderboard();
    let rows: Vec<Vec<String>> = board
        .iter()
        .take(limit)
        .map(|candidate| {
            let value = |name: &&str| candidate.params.get(name).map_or_else(|| "-".to_owned(), shown);
            let seconds = |part: fn(&luthier_tune::FoldResult) -> f64| {
                format!("{:.4}", candidate.folds.iter().map(part).sum::<f64>())
            };
            let mut row = vec![candidate.rank.to_string(), candidate.index.to_string()];
            row.extend(result.pipeline_of(candidate).map(str::to_owned));
            row.extend(all.iter().map(value));
            let std =
                if candidate.folds.len() > 1 { format!("{:.6}", candidate.std) } else { "-".to_owned() };
            row.extend([format!("{:.6}", candidate.mean), std]);
            if lacking {
                row.push(format!("{} of {}", candidate.scored_folds, candidate.folds.len()));
            }
            let metrics = candidate.folds.iter().map(|fold| match fold.outcome {
                // Nobody asked for it.
                Outcome::Pruned | Outcome::Cancelled => "-".to_owned(),
                _ => format!("{:.6}", fold.metric),
            });
            row.extend(metrics.take(folds.len()));
            row.extend(candidate.also.iter().map(|also| format!("{:.6}", also.mean)));
            row.extend([seconds(|fold| fold.fit_seconds), seconds(|fold| fold.score_seconds)]);
            row.push(result.errors_of(candidate));
            row
        })
        .collect();
    let mut text = table(&columns, &rows);
    if board.len() > limit {
        text.push_str(&format!("… {} more\n", board.len() - limit));
    }
    if let Some(first) = result.candidates.first().filter(|_| !same.is_empty()) {
        let value = |name: &&str| Some(format!("{name} = {}", first.params.get(name)?));
        text.push_str(&format!(
            "all candidates: {}\n",
            same.iter().filter_map(value).collect::<Vec<_>>().join(", ")
        ));
    }
    text
}

/// Whether candidates differ in a parameter. That of a single candidate is shown.
fn varies(result: &SearchResult, name: &str) -> bool {
    let mut values = result.candidates.iter().map(|candidate| candidate.params.get(name));
    let first = values.next();
    result.candidates.len() < 2 || values.any(|value| Some(value) != first)
}

/// A value of a parameter, to be read: six digits of a float. Files have all of them.
fn shown(value: &Value) -> String {
    match value {
        Value::Float(x) if x.is_finite() => {
            let rounded = format!("{x:.5e}").parse().unwrap_or(*x);
            Value::Float(rounded).to_string()
        }
        other => other.to_string(),
    }
}

/// The largest number of folds whose metrics are shown one by one.
const MOST_FOLDS: usize = 10;

#[cfg(test)]
mod tests {
    use luthier_tune::core::{ParamMap, Work};
    use luthier_tune::{CandidateResult, FoldMetric, FoldResult, MetricSummary, SecondaryMetric};

    use super::*;

    fn board(folds: u32) -> String {
        leaderboard(&result(folds, &[]), 1)
    }

    fn result(folds: u32, also: &[(&str, FoldMetric)]) -> SearchResult {
        let fold = |fold| FoldResult {
            fold,
            metric: 2.0,
            fit_seconds: 0.5,
            also: also.iter().map(|(_, metric)| metric.clone()).collect(),
            ..FoldResult::default()
        };
        let candidate = |index, rank| CandidateResult {
            index,
            pipeline: 0,
            params: ParamMap::new().with("k", index as i64),
            mean: 2.0,
            std: 0.0,
            std_error: 0.0,
            probability_best: None,
            scored_folds: folds as usize,
            rank,
            folds: (0..folds).map(fold).collect(),
            also: also
                .iter()
                .map(|(_, m)| MetricSummary { mean: m.metric, std: 0.0, scored_folds: 1 })
                .collect(),
        };
        let named = |(name, _): &(&str, FoldMetric)| SecondaryMetric {
            name: (*name).to_owned(),
            larger_is_better: false,
        };
        SearchResult {
            metric: "rmse".to_owned(),
            larger_is_better: false,
            also: also.iter().map(named).collect(),
            best: 1,
            pipelines: vec!["0".to_owned()],
            candidates: vec![candidate(0, 2), candidate(1, 1)],
            notes: Vec::new(),
            ended_early: None,
            selection: Default::default(),
            strategy: "grid".to_owned(),
            seed: 0,
            procedure: None,
            test: None,
            overlap: 0.5,
            executor_note: None,
            search_seconds: 1.0,
            forecast: Default::default(),
            work: Work::default(),
            events: Vec::new(),
        }
    }

    #[test]
    fn candidates_have_their_numbers_and_one_split_has_no_deviation() {
        let expected = "\
rank  candidate  k      rmse  std   fit s  score s
----  ---------  -  --------  ---  ------  -------
   1          1  1  2.000000    -  0.5000   0.0000
… 1 more
";
        assert_eq!(board(1), expected);
        assert!(board(2).contains(" 2.000000  0.000000  1.0000 "), "{}", board(2));
    }

    #[test]
    fn other_metrics_are_columns_and_what_is_missing_says_why() {
        let there = FoldMetric { metric: 0.25, error: None, undefined: None };
        let missing = FoldMetric { metric: f64::NAN, error: Some("no such class".into()), undefined: None };
        let expected = "\
rank  candidate  k      rmse  std       mae   f1   fit s  score s  error
----  ---------  -  --------  ---  --------  ---  ------  -------  -----------------
   1          1  1  2.000000    -  0.250000  NaN  0.5000   0.0000  f1: no such class
… 1 more
";
        assert_eq!(leaderboard(&result(1, &[("mae", there), ("f1", missing)]), 1), expected);
    }

    #[test]
    fn scores_that_exist_are_shown_beside_those_that_are_missing() {
        let mut result = result(3, &[]);
        let failed = &mut result.candidates[1];
        (failed.mean, failed.scored_folds) = (f64::NAN, 2);
        (failed.folds[1].metric, failed.folds[1].error) = (f64::NAN, Some("no class 2".into()));
        let expected = "\
rank  candidate  k  rmse       std   folds    fold 0  fold 1    fold 2   fit s  score s  error
----  ---------  -  ----  --------  ------  --------  ------  --------  ------  -------  ------------------
   1          1  1   NaN  0.000000  2 of 3  2.000000     NaN  2.000000  1.5000   0.0000  fold 1: no class 2
… 1 more
";
        assert_eq!(leaderboard(&result, 1), expected);
    }
}
