//! The candidates of a search, column by column.

use luthier_tune::core::Work;
use luthier_tune::{
    CandidateResult, FoldResult, Forecast, Outcome, ProcedureScore, SearchNote, SearchResult,
    SecondaryMetric, TestScore,
};
use serde::Serialize;
use serde_json::Value as Json;

use super::number::{Number, numbers};

/// With more pairs of a candidate and a round than this, a page holds secondary metrics only as means: it should not be larger than
/// a letter takes.
const MOST_SECONDARY: usize = 5000;

/// What is said of the search as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Search {
    metric: String,
    larger_is_better: bool,
    also: Vec<SecondaryMetric>,
    best: Option<usize>,
    selection: String,
    strategy: String,
    seed: u64,
    pipelines: Vec<String>,
    overlap: Number,
    search_seconds: Number,
    pub(super) load_seconds: Option<Number>,
    pub(super) rows: Option<usize>,
    pub(super) recalled: usize,
    ended_early: Option<String>,
    executor_note: Option<String>,
    pub(super) executor: Option<String>,
    pub(super) parallelism: Option<String>,
    pub(super) units_in_flight: Option<usize>,
    work: Work,
    planned: Forecast,
    procedure: Option<ProcedureScore>,
    test: Option<TestScore>,
    /// The candidate whose parameters are those of the pipeline as it was written.
    pub(super) default: Option<usize>,
    /// The candidates whose mean is within one standard error of the best one, from best to worst.
    within_one_standard_error: Vec<usize>,
}

impl Search {
    pub(super) fn of(result: &SearchResult) -> Self {
        Self {
            metric: result.metric.clone(),
            larger_is_better: result.larger_is_better,
            also: result.also.clone(),
            best: result.best_candidate().map(|_| result.best),
            selection: result.selection.to_string(),
            strategy: result.strategy.clone(),
            seed: result.seed,
            pipelines: result.pipelines.clone(),
            overlap: Number(result.overlap),
            search_seconds: Number(result.search_seconds),
            load_seconds: None,
            rows: None,
            recalled: 0,
            ended_early: result.ended_early.clone(),
            executor_note: result.executor_note.clone(),
            executor: None,
            parallelism: None,
            units_in_flight: None,
            work: result.work,
            planned: result.forecast,
            procedure: result.procedure.clone(),
            test: result.test.clone(),
            default: None,
            within_one_standard_error: within_one_standard_error(result),
        }
    }
}

fn within_one_standard_error(result: &SearchResult) -> Vec<usize> {
    let ranked = result.leaderboard();
    let Some(first) = ranked.first().filter(|first| first.has_mean() && first.std_error.is_finite()) else {
        return Vec::new();
    };
    let is_near = |one: &&&CandidateResult| {
        one.has_mean()
            && one.scored_folds == first.scored_folds
            && (one.mean - first.mean).abs() <= first.std_error
    };
    ranked.iter().filter(is_near).map(|one| one.index).collect()
}

/// A note, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Note {
    text: String,
    kind: Json,
    stage: Option<String>,
    folds: Vec<u32>,
}

impl Note {
    /// A note of the program.
    pub(super) fn of_program(text: String) -> Self {
        Self { text, kind: "program".into(), stage: None, folds: Vec::new() }
    }

    pub(super) fn of(note: &SearchNote) -> Self {
        Self {
            text: note.to_string(),
            kind: serde_json::to_value(note.note.kind).unwrap_or_default(),
            stage: note.note.stage.clone(),
            folds: note.folds.clone(),
        }
    }
}

/// The candidates, in the order of the grid.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Candidates {
    count: usize,
    params: Vec<Param>,
    pipeline: Vec<usize>,
    rank: Vec<usize>,
    mean: Vec<Number>,
    std: Vec<Number>,
    std_error: Vec<Number>,
    probability_best: Vec<Option<Number>>,
    scored_folds: Vec<usize>,
    also: Vec<Secondary>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Param {
    name: String,
    values: Vec<Json>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Secondary {
    mean: Vec<Number>,
    std: Vec<Number>,
}

impl Candidates {
    pub(super) fn of(result: &SearchResult) -> Self {
        let all = &result.candidates;
        let param = |name: &str| Param {
            name: name.to_owned(),
            values: all.iter().map(|one| one.params.get(name).map_or(Json::Null, |v| v.to_json())).collect(),
        };
        let of = |number: fn(&CandidateResult) -> f64| numbers(all.iter().map(number));
        let secondary = |place: usize| {
            let of = |number: fn(&luthier_tune::MetricSummary) -> f64| {
                numbers(all.iter().map(|one| one.also.get(place).map_or(f64::NAN, number)))
            };
            Secondary { mean: of(|summary| summary.mean), std: of(|summary| summary.std) }
        };
        Self {
            count: all.len(),
            params: result.param_names().into_iter().map(param).collect(),
            pipeline: all.iter().map(|one| one.pipeline).collect(),
            rank: all.iter().map(|one| one.rank).collect(),
            mean: of(|one| one.mean),
            std: of(|one| one.std),
            std_error: of(|one| one.std_error),
            probability_best: all.iter().map(|one| one.probability_best.map(Number)).collect(),
            scored_folds: all.iter().map(|one| one.scored_folds).collect(),
            also: (0..result.also.len()).map(secondary).collect(),
        }
    }
}

/// What is known of every candidate on every round.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Cells {
    rounds: usize,
    metric: Vec<Vec<Number>>,
    /// `None` if there are many cells.
    also: Option<Vec<Vec<Vec<Number>>>>,
    /// A letter for each round: scored, failed, pruned or cancelled.
    outcome: Vec<String>,
    fit_seconds: Vec<Vec<Number>>,
    score_seconds: Vec<Vec<Number>>,
    reused_fits: Vec<Vec<u32>>,
    errors: Vec<CellError>,
    pub(super) training_rows: Vec<usize>,
    pub(super) validation_rows: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct CellError {
    candidate: usize,
    round: u32,
    text: String,
}

impl Cells {
    pub(super) fn of(result: &SearchResult) -> Self {
        let all = &result.candidates;
        let table = |number: &dyn Fn(&FoldResult) -> f64| {
            all.iter().map(|one| numbers(one.folds.iter().map(number))).collect::<Vec<_>>()
        };
        let secondary =
            |place: usize| table(&|fold| fold.also.get(place).map_or(f64::NAN, |also| also.metric));
        let error = |candidate: usize, fold: &FoldResult| {
            let text = match (&fold.error, &fold.undefined) {
                (Some(error), _) => error.to_string(),
                (None, Some(why)) => why.clone(),
                (None, None) => return None,
            };
            Some(CellError { candidate, round: fold.fold, text })
        };
        let is_small = all.iter().map(|one| one.folds.len()).sum::<usize>() <= MOST_SECONDARY;
        let errors = all
            .iter()
            .flat_map(|one| one.folds.iter().filter_map(move |fold| error(one.index, fold)))
            .collect();
        Self {
            rounds: all.first().map_or(0, |one| one.folds.len()),
            metric: table(&|fold| fold.metric),
            also: is_small.then(|| (0..result.also.len()).map(secondary).collect()),
            outcome: all
                .iter()
                .map(|one| one.folds.iter().map(|fold| letter(fold.outcome)).collect())
                .collect(),
            fit_seconds: table(&|fold| fold.fit_seconds),
            score_seconds: table(&|fold| fold.score_seconds),
            reused_fits: all
                .iter()
                .map(|one| one.folds.iter().map(|fold| fold.reused_fits).collect())
                .collect(),
            errors,
            training_rows: Vec::new(),
            validation_rows: Vec::new(),
        }
    }
}

fn letter(outcome: Outcome) -> char {
    outcome.name().chars().next().unwrap_or('?')
}
