//! The candidates of a search from best to worst.

use luthier_tune::core::Value;
use luthier_tune::core::frame::{Align, table_within};
use luthier_tune::{CandidateResult, FoldResult, Outcome, SearchResult};

use crate::report::six_digits;

/// A table of the candidates by rank. It has the number by which events and errors refer to a candidate, the parameters in which
/// candidates differ (the others are below it), the mean and standard deviation of the metric (`-` if there is only one split), the means of secondary
/// metrics, the seconds for fitting and scoring over all folds, and the errors. It has at most `limit` lines.
///
/// If the metric of a candidate is missing on some fold, the table also shows how many folds each mean covers, and the
/// metric on each fold if there are at most ten.
pub fn leaderboard(result: &SearchResult, limit: usize) -> String {
    leaderboard_within(result, limit, usize::MAX)
}

/// As [`leaderboard`], in lines of at most `width` characters if possible: the metrics of single folds, then the seconds, then the
/// standard deviation are left out where there is no room, which a line below the table says.
pub fn leaderboard_within(result: &SearchResult, limit: usize, width: usize) -> String {
    let board = result.leaderboard();
    let shown = board.get(..limit.min(board.len())).unwrap_or_default();
    let (varying, same): (Vec<&str>, Vec<&str>) =
        result.param_names().into_iter().partition(|name| varies(result, name));
    let mut columns = columns(result, shown, &varying);
    let mut left_out = Vec::new();
    while width_of(&columns) > width {
        let Some(place) = (0..columns.len())
            .filter(|&place| columns[place].spare > 0)
            .max_by_key(|&place| (columns[place].spare, place))
        else {
            break;
        };
        left_out.push(columns.remove(place).name);
    }
    let header: Vec<(&str, Align)> =
        columns.iter().map(|column| (column.name.as_str(), column.align)).collect();
    let row = |at: usize| columns.iter().filter_map(|column| column.cells.get(at).cloned()).collect();
    let rows: Vec<Vec<String>> = (0..shown.len()).map(row).collect();
    let mut text = table_within(&header, &rows, width);
    if board.len() > shown.len() {
        text.push_str(&format!("… {} more\n", board.len() - shown.len()));
    }
    if !left_out.is_empty() {
        left_out.reverse();
        text.push_str(&format!("no room for {}\n", left_out.join(", ")));
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

/// A column of the table.
struct Column {
    name: String,
    align: Align,
    /// How soon it is left out where there is no room: 0 if never.
    spare: u8,
    cells: Vec<String>,
}

/// The number of characters of the lines of a table; errors are broken.
fn width_of(columns: &[Column]) -> usize {
    let width = |column: &Column| {
        let cells = column.cells.iter().map(|cell| cell.chars().count());
        let longest = cells.chain([column.name.chars().count()]).max().unwrap_or(0);
        if column.align == Align::Left { longest.min(ERROR) } else { longest }
    };
    columns.iter().map(width).sum::<usize>() + 2 * columns.len().saturating_sub(1)
}

fn columns(result: &SearchResult, shown: &[&CandidateResult], varying: &[&str]) -> Vec<Column> {
    let failed = result.candidates.iter().any(|candidate| !result.errors_of(candidate).is_empty());
    let lacking = result.candidates.iter().any(|candidate| candidate.scored_folds < candidate.folds.len());
    let folds = result.candidates.first().map_or(&[][..], |first| &first.folds);
    let is_one = folds.len() < 2;
    let mut columns = Vec::new();
    let mut add = |name: &str, align: Align, spare: u8, cell: &dyn Fn(&CandidateResult) -> String| {
        let cells = shown.iter().map(|candidate| cell(candidate)).collect();
        columns.push(Column { name: name.to_owned(), align, spare, cells });
    };
    let seconds = |candidate: &CandidateResult, part: fn(&FoldResult) -> f64| {
        format!("{:.4}", candidate.folds.iter().map(part).sum::<f64>())
    };
    add("rank", Align::Right, 0, &|candidate| candidate.rank.to_string());
    add("candidate", Align::Right, 0, &|candidate| candidate.index.to_string());
    if result.pipelines.len() > 1 {
        add("pipeline", Align::Left, 0, &|candidate| {
            result.pipeline_of(candidate).unwrap_or_default().to_owned()
        });
    }
    for name in varying {
        add(name, Align::Right, 0, &|candidate| {
            candidate.params.get(name).map_or_else(|| "-".to_owned(), self::shown)
        });
    }
    let digits = Digits::of(result.candidates.iter().map(|candidate| candidate.mean));
    add(&result.metric, Align::Right, 0, &|candidate| digits.write(candidate.mean));
    add("std", Align::Right, 1, &|candidate| {
        if is_one { "-".to_owned() } else { digits.write(candidate.std) }
    });
    if lacking {
        add("folds", Align::Right, 0, &|candidate| {
            format!("{} of {}", candidate.scored_folds, candidate.folds.len())
        });
    }
    if lacking && (2..=MOST_FOLDS).contains(&folds.len()) {
        for (place, fold) in folds.iter().enumerate() {
            add(&format!("fold {}", fold.fold), Align::Right, 3, &|candidate| {
                candidate.folds.get(place).map_or_else(String::new, |fold| match fold.outcome {
                    // Nobody asked for it.
                    Outcome::Pruned | Outcome::Cancelled => "-".to_owned(),
                    _ => digits.write(fold.metric),
                })
            });
        }
    }
    for (place, also) in result.also.iter().enumerate() {
        let mean = |candidate: &CandidateResult| candidate.also.get(place).map_or(f64::NAN, |also| also.mean);
        let digits = Digits::of(result.candidates.iter().map(mean));
        add(&also.name, Align::Right, 0, &|candidate| digits.write(mean(candidate)));
    }
    add("fit s", Align::Right, 2, &|candidate| seconds(candidate, |fold| fold.fit_seconds));
    add("score s", Align::Right, 2, &|candidate| seconds(candidate, |fold| fold.score_seconds));
    if failed {
        add("error", Align::Left, 0, &|candidate| result.errors_of(candidate));
    }
    columns
}

/// How the numbers of a column are written, so that they can be read and compared.
enum Digits {
    /// With as many decimals.
    Decimals(usize),
    /// As `1.23457e-7`.
    Scientific,
}

impl Digits {
    /// Six decimals, but fewer for large numbers, and powers of ten for numbers that are all close to 0.
    fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let largest = numbers.filter(|x| x.is_finite()).fold(0.0, |largest: f64, x| largest.max(x.abs()));
        match largest {
            x if x >= 1e12 || (x > 0.0 && x < 1e-3) => Self::Scientific,
            x if x >= 1e3 => Self::Decimals(9usize.saturating_sub(x.log10() as usize).clamp(1, 6)),
            _ => Self::Decimals(6),
        }
    }

    fn write(&self, x: f64) -> String {
        match self {
            Self::Scientific if x.is_finite() && x != 0.0 => format!("{x:.5e}"),
            Self::Scientific => x.to_string(),
            Self::Decimals(decimals) => format!("{x:.decimals$}"),
        }
    }
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
        Value::Float(x) if x.is_finite() => Value::Float(six_digits(*x)).to_string(),
        other => other.to_string(),
    }
}

/// The largest number of folds whose metrics are shown one by one.
const MOST_FOLDS: usize = 10;

/// Characters that errors have at least before other columns are left out for them.
const ERROR: usize = 20;

#[cfg(test)]
mod tests {
    use luthier_tune::core::{ParamMap, Work};
    use luthier_tune::{FoldMetric, MetricSummary, SecondaryMetric};

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
            recorded_work: None,
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

    #[test]
    fn what_has_no_room_is_left_out_and_named() {
        let mut result = result(3, &[]);
        result.candidates[1].scored_folds = 2;
        let text = leaderboard_within(&result, 2, 60);
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        assert!(text.contains("fold 0, fold 1, fold 2\n"), "{text}");
        let narrow = leaderboard_within(&result, 2, 1);
        assert!(narrow.contains("no room for std, fit s, score s, fold 0, fold 1, fold 2\n"), "{narrow}");
    }

    #[test]
    fn numbers_have_the_digits_that_tell_them_apart() {
        let written = |numbers: &[f64]| {
            let digits = Digits::of(numbers.iter().copied());
            numbers.iter().map(|x| digits.write(*x)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(written(&[0.98123456, 2.0]), "0.981235 2.000000");
        assert_eq!(written(&[1.5e-7, 0.0, f64::NAN]), "1.50000e-7 0 NaN");
        assert_eq!(written(&[1234567890.25, 5.0]), "1234567890.2 5.0");
        assert_eq!(written(&[12345.678901234, -1.0]), "12345.67890 -1.00000");
    }
}
