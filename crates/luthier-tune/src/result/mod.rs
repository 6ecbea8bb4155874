//! The table of results of a search.

mod candidate;
mod confidence;
mod document;
mod failures;
mod frame;

use std::collections::{BTreeMap, HashMap};

use luthier_core::Work;
use serde::{Deserialize, Serialize};

pub use candidate::{CandidateResult, FoldMetric, FoldResult, MetricSummary, Outcome};
pub(crate) use candidate::{best_of, rank};
pub(crate) use confidence::{corrected_std_error, probabilities_best, std_error_of};
pub use failures::FailureSummary;

use crate::events::Event;
use crate::failure::Failure;
use crate::notes::{SearchNote, numbered};
use crate::plan::Forecast;
use crate::search::{ProcedureScore, Selection};

/// A metric that is reported in addition to the one that ranks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondaryMetric {
    /// Its name; a number is appended if another metric has the same name.
    #[serde(rename = "metric")]
    pub name: String,
    /// Whether larger values are better.
    pub larger_is_better: bool,
}

/// Metrics of a model on test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestScore {
    /// The number of test rows that are scored.
    pub rows: usize,
    /// The metrics, by name.
    pub metrics: BTreeMap<String, f64>,
    /// Why metrics are missing, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, String>,
}

/// The results of a search: its candidates, how long it took, and the work that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchResult {
    /// The name of the metric that ranks the candidates.
    pub metric: String,
    /// Whether larger values of the metric are better.
    pub larger_is_better: bool,
    /// The secondary metrics.
    #[serde(default)]
    pub also: Vec<SecondaryMetric>,
    /// Index of the candidate that the search chose: the one with rank 1, or a simpler one if `selection` says so. If no
    /// candidate has a mean, [`best_candidate`](Self::best_candidate) is `None`.
    #[serde(default, deserialize_with = "document::first_if_null")]
    pub best: usize,
    /// The rule by which it was chosen.
    #[serde(default)]
    pub selection: Selection,
    /// The name of the strategy that proposed the candidates.
    #[serde(default)]
    pub strategy: String,
    /// The seed for the folds and for any randomness in stages.
    #[serde(default)]
    pub seed: u64,
    /// The names of the competing pipelines, in order. A pipeline without a name is identified by its position, from 0.
    pub pipelines: Vec<String>,
    /// The candidates in the order of the grid.
    pub candidates: Vec<CandidateResult>,
    /// What a reader of the table should know: folds without a metric, classes missing from training rows, and the notes of
    /// models on their fits.
    pub notes: Vec<SearchNote>,
    /// Why the search ended before the strategy was done, such as "because it took longer than 60 s (max_seconds)"; `None` if it
    /// did not.
    #[serde(default)]
    pub ended_early: Option<String>,
    /// How good the procedure is that chose the best candidate, if the search was asked to say so.
    #[serde(default)]
    pub procedure: Option<ProcedureScore>,
    /// The metrics of the model that was fitted last, on test rows that the search did not see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestScore>,
    /// Validation rows per training row, on average over the rounds.
    #[serde(with = "luthier_core::json::float")]
    pub overlap: f64,
    /// How the executor deviated from `parallelism`, if it did. Like times and events, this depends on the executor.
    #[serde(skip)]
    pub executor_note: Option<String>,
    /// The total time in seconds, including the refit.
    #[serde(with = "luthier_core::json::float")]
    pub search_seconds: f64,
    /// The work that was done; the same on every executor.
    pub work: Work,
    /// The work of the search that computed the scores, if all of them were found in a journal: a document has this one, so that it does not
    /// depend on how often the search was run.
    #[serde(skip)]
    pub recorded_work: Option<Work>,
    /// The work that the plan expected.
    #[serde(rename = "planned", default)]
    pub forecast: Forecast,
    /// Events: what ran, when, and on which worker. They are not part of the document of a result.
    #[serde(skip)]
    pub events: Vec<Event>,
}

impl SearchResult {
    /// The candidate that the search chose; `None` if no candidate has a mean.
    pub fn best_candidate(&self) -> Option<&CandidateResult> {
        self.candidates.get(self.best).filter(|candidate| candidate.has_mean())
    }

    /// The probability that a candidate's mean metric is the best one, in view of how much the metric varies between rounds.
    ///
    /// The means are drawn from their joint posterior distribution: the multivariate t distribution with `n - 1` degrees of
    /// freedom around the means over `n` rounds, whose scale is `(1/n + v/t) · S`, where `S` is the sample covariance of the
    /// candidates' metrics over rounds. This is the correlated Bayesian t-test (Corani and Benavoli 2015) for more than two
    /// candidates; `v/t` is the correction of [`CandidateResult::std_error`]. The probability is the share of at most 2,000
    /// draws in which the candidate is the best, so its error is about 0.01. `None` for fewer than two rounds, or where the
    /// candidate was not scored on all of them.
    pub fn probability_best(&self, candidate: usize) -> Option<f64> {
        self.candidates.get(candidate)?.probability_best
    }

    /// The number of pairs of a candidate and a round that were scored, and of all.
    pub fn progress(&self) -> (usize, usize) {
        let folds = || self.candidates.iter().flat_map(|candidate| &candidate.folds);
        (folds().filter(|fold| fold.outcome == Outcome::Scored).count(), folds().count())
    }

    /// The name of the pipeline of a candidate, if several compete.
    pub fn pipeline_of(&self, candidate: &CandidateResult) -> Option<&str> {
        let name = self.pipelines.get(candidate.pipeline).filter(|_| self.pipelines.len() > 1);
        name.map(String::as_str)
    }

    /// The candidates from best to worst.
    pub fn leaderboard(&self) -> Vec<&CandidateResult> {
        let mut ranked: Vec<_> = self.candidates.iter().collect();
        ranked.sort_by_key(|candidate| candidate.rank);
        ranked
    }

    /// Why a candidate failed and why metrics are missing, in one line: each message once, with its folds unless it applies
    /// to all folds. Empty if nothing is missing for a known reason.
    pub fn errors_of(&self, candidate: &CandidateResult) -> String {
        let mut told: Vec<(String, Vec<usize>)> = Vec::new();
        for fold in &candidate.folds {
            // Where the candidate failed, its other metrics are missing for the same reason.
            let others = self.also.iter().zip(&fold.also).filter(|_| fold.error.is_none());
            let others = others.filter_map(|(also, m)| {
                let failed = m.error.as_ref().map(|error| format!("{}: {error}", also.name));
                failed.or_else(|| m.undefined.clone())
            });
            let own = fold.error.iter().map(ToString::to_string).chain(fold.undefined.clone());
            for message in own.chain(others) {
                match told.iter_mut().find(|(earlier, _)| *earlier == message) {
                    Some((_, folds)) => folds.push(fold.fold as usize),
                    None => told.push((message, vec![fold.fold as usize])),
                }
            }
        }
        let one = |(message, folds): (String, Vec<usize>)| {
            let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
            match folds.len() == candidate.folds.len() {
                true => message,
                false => format!("{}: {message}", numbered("fold", &folds)),
            }
        };
        told.into_iter().map(one).collect::<Vec<_>>().join("; ")
    }

    /// Why candidates failed: each distinct reason once, the most frequent first.
    pub fn failures(&self) -> Vec<FailureSummary> {
        let mut all: Vec<FailureSummary> = Vec::new();
        let mut places: HashMap<&Failure, usize> = HashMap::new();
        for candidate in &self.candidates {
            for fold in &candidate.folds {
                let Some(failure) = &fold.error else { continue };
                let place = *places.entry(failure).or_insert(all.len());
                match all.get_mut(place) {
                    Some(known) => known.add(candidate.index, fold.fold),
                    None => all.push(FailureSummary {
                        failure: failure.clone(),
                        candidates: vec![candidate.index],
                        folds: vec![fold.fold],
                        times: 1,
                    }),
                }
            }
        }
        all.sort_by_key(|summary| std::cmp::Reverse(summary.times));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_once_with_its_places() {
        let fold = |(fold, error): (u32, Option<&str>)| FoldResult {
            fold,
            error: error.map(Failure::from),
            ..FoldResult::default()
        };
        let one = |(index, errors): (usize, [Option<&str>; 2])| {
            CandidateResult::new(
                index,
                0,
                luthier_core::ParamMap::new(),
                (0..).zip(errors).map(fold).collect(),
            )
        };
        let errors = [[Some("a"), Some("b")], [Some("b"), Some("b")], [None, None]];
        let candidates = errors.into_iter().enumerate().map(one).collect();
        let result = SearchResult {
            metric: "rmse".to_owned(),
            larger_is_better: false,
            also: Vec::new(),
            best: 2,
            selection: Selection::Best,
            strategy: String::new(),
            seed: 0,
            pipelines: vec!["0".to_owned()],
            candidates,
            notes: Vec::new(),
            ended_early: None,
            procedure: None,
            test: None,
            overlap: 0.5,
            executor_note: None,
            search_seconds: 0.0,
            work: Work::default(),
            recorded_work: None,
            forecast: Forecast::default(),
            events: Vec::new(),
        };
        let told: Vec<String> = result.failures().iter().map(ToString::to_string).collect();
        assert_eq!(told, ["candidates 0, 1 on folds 0, 1 (3 times): b", "candidate 0 on fold 0: a"]);
        assert_eq!(result.errors_of(&result.candidates[0]), "fold 0: a; fold 1: b");
        assert_eq!(result.errors_of(&result.candidates[1]), "b");
        assert_eq!(result.errors_of(&result.candidates[2]), "");

        // The document holds all of it.
        let document = result.to_json().unwrap();
        let serde_json::Value::Object(fields) = luthier_core::json::to_value(&result).unwrap() else {
            unreachable!()
        };
        for (name, value) in fields.iter().filter(|(name, _)| *name != "best") {
            assert_eq!(document[name], *value, "{name}");
        }
        assert_eq!(
            (document["best"].is_null(), fields.len() + 2),
            (true, document.as_object().unwrap().len())
        );
    }
}
