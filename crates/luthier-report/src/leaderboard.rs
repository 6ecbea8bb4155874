//! The candidates of a search from best to worst.

use luthier_tune::{CandidateResult, FoldResult, SearchResult};

use crate::table::{Align, table};

/// A table of the candidates by rank: the number by which events and errors name a candidate, the grid's
/// parameters, mean and deviation of the metric (`-` where there is one split and so no deviation), seconds to fit
/// and to score over all folds, and what went wrong. The means of other metrics follow the deviation. At most `limit` lines.
pub fn leaderboard(result: &SearchResult, limit: usize) -> String {
    let names: Vec<&str> = result
        .candidates
        .first()
        .map(|candidate| candidate.params.iter().map(|(name, _)| name).collect())
        .unwrap_or_default();
    // Grids that were united may set different parameters.
    let mut all = names;
    for candidate in &result.candidates {
        for (name, _) in candidate.params.iter() {
            if !all.contains(&name) {
                all.push(name);
            }
        }
    }
    let failed = result.candidates.iter().any(|candidate| error_of(result, candidate).is_some());
    let mut columns = vec![("rank", Align::Right), ("candidate", Align::Right)];
    columns.extend(all.iter().map(|&name| (name, Align::Right)));
    columns.extend([(result.metric.as_str(), Align::Right), ("std", Align::Right)]);
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
            let value =
                |name: &&str| candidate.params.get(name).map_or_else(|| "-".to_owned(), |v| v.to_string());
            let seconds = |part: fn(&luthier_tune::FoldResult) -> f64| {
                format!("{:.4}", candidate.folds.iter().map(part).sum::<f64>())
            };
            let mut row = vec![candidate.rank.to_string(), candidate.index.to_string()];
            row.extend(all.iter().map(value));
            let std =
                if candidate.folds.len() > 1 { format!("{:.6}", candidate.std) } else { "-".to_owned() };
            row.extend([format!("{:.6}", candidate.mean), std]);
            row.extend(candidate.also.iter().map(|also| format!("{:.6}", also.mean)));
            row.extend([seconds(|fold| fold.fit_seconds), seconds(|fold| fold.score_seconds)]);
            row.extend(error_of(result, candidate));
            row
        })
        .collect();
    let mut text = table(&columns, &rows);
    if board.len() > limit {
        text.push_str(&format!("… {} more\n", board.len() - limit));
    }
    text
}

/// Why a candidate failed, else why another metric is missing.
fn error_of(result: &SearchResult, candidate: &CandidateResult) -> Option<String> {
    let other = |fold: &FoldResult| {
        let mut named = result.also.iter().zip(&fold.also);
        named.find_map(|(also, metric)| Some(format!("{}: {}", also.name, metric.error.as_ref()?)))
    };
    let folds = &candidate.folds;
    folds.iter().find_map(|fold| fold.error.clone()).or_else(|| folds.iter().find_map(other))
}

#[cfg(test)]
mod tests {
    use luthier_tune::core::{ParamMap, Work};
    use luthier_tune::{AlsoMetric, FoldMetric, Spread};

    use super::*;

    fn board(folds: u32) -> String {
        leaderboard(&result(folds, &[]), 1)
    }

    fn result(folds: u32, also: &[(&str, FoldMetric)]) -> SearchResult {
        let fold = |fold| FoldResult {
            fold,
            metric: 2.0,
            fit_seconds: 0.5,
            score_seconds: 0.0,
            error: None,
            also: also.iter().map(|(_, metric)| metric.clone()).collect(),
        };
        let candidate = |index, rank| CandidateResult {
            index,
            params: ParamMap::new().with("k", index as i64),
            mean: 2.0,
            std: 0.0,
            rank,
            folds: (0..folds).map(fold).collect(),
            also: also.iter().map(|(_, metric)| Spread { mean: metric.metric, std: 0.0 }).collect(),
        };
        let named =
            |(name, _): &(&str, FoldMetric)| AlsoMetric { name: (*name).to_owned(), larger_is_better: false };
        SearchResult {
            metric: "rmse".to_owned(),
            larger_is_better: false,
            also: also.iter().map(named).collect(),
            best: 1,
            candidates: vec![candidate(0, 2), candidate(1, 1)],
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
        let there = FoldMetric { metric: 0.25, error: None };
        let missing = FoldMetric { metric: f64::NAN, error: Some("no such class".to_owned()) };
        let expected = "\
rank  candidate  k      rmse  std       mae   f1   fit s  score s  error
----  ---------  -  --------  ---  --------  ---  ------  -------  -----------------
   1          1  1  2.000000    -  0.250000  NaN  0.5000   0.0000  f1: no such class
… 1 more
";
        assert_eq!(leaderboard(&result(1, &[("mae", there), ("f1", missing)]), 1), expected);
    }
}
