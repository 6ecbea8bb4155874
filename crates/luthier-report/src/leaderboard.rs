//! The candidates of a search from best to worst.

use luthier_tune::SearchResult;

use crate::table::{Align, table};

/// A table of the candidates by rank: the grid's parameters, mean and deviation of the metric, seconds to fit and
/// to score over all folds, and what went wrong. At most `limit` lines.
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
    let failed = result.candidates.iter().any(|c| c.folds.iter().any(|fold| fold.error.is_some()));
    let mut columns = vec![("rank", Align::Right)];
    columns.extend(all.iter().map(|&name| (name, Align::Right)));
    columns.extend([(result.metric.as_str(), Align::Right), ("std", Align::Right)]);
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
            let mut row = vec![candidate.rank.to_string()];
            row.extend(all.iter().map(value));
            row.extend([format!("{:.6}", candidate.mean), format!("{:.6}", candidate.std)]);
            row.extend([seconds(|fold| fold.fit_seconds), seconds(|fold| fold.score_seconds)]);
            row.extend(candidate.folds.iter().find_map(|fold| fold.error.clone()));
            row
        })
        .collect();
    let mut text = table(&columns, &rows);
    if board.len() > limit {
        text.push_str(&format!("… {} more\n", board.len() - limit));
    }
    text
}
