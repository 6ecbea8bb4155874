//! The table of results of a search.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;

use luthier_core::{ParamMap, Work};

use crate::events::Event;
use crate::failure::Failure;
use crate::forecast::Forecast;
use crate::notes::{SearchNote, numbered};
use crate::procedure::ProcedureScore;

/// One candidate on one fold.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldResult {
    /// The number of the fold that was scored.
    pub fold: u32,
    /// The metric; NaN if it is undefined or the candidate failed.
    pub metric: f64,
    /// Seconds spent fitting, including an equal share of the work that was done for several candidates or folds.
    pub fit_seconds: f64,
    /// Seconds spent scoring, including an equal share of the work that was done for several candidates.
    pub score_seconds: f64,
    /// Why the candidate failed on this fold.
    pub error: Option<Failure>,
    /// Why the metric is undefined on this fold, if the evaluator gives a reason.
    pub undefined: Option<String>,
    /// The secondary metrics, in the order of [`SearchResult::also`].
    pub also: Vec<FoldMetric>,
}

/// A secondary metric of one candidate on one fold.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldMetric {
    /// The metric; NaN if it is undefined or missing.
    pub metric: f64,
    /// Why computing it failed.
    pub error: Option<Failure>,
    /// Why it is undefined, if the evaluator gives a reason.
    pub undefined: Option<String>,
}

/// One candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateResult {
    /// Its position among the candidates, from 0.
    pub index: usize,
    /// The position of its pipeline among the competing pipelines, from 0.
    pub pipeline: usize,
    /// The parameters that the grid sets.
    pub params: ParamMap,
    /// Mean of the metric over the folds where it is defined. NaN if it is defined on no fold, or if the candidate failed
    /// on any fold, because the mean over the others would not be comparable.
    pub mean: f64,
    /// Population standard deviation of the metric over the same folds.
    pub std: f64,
    /// Number of folds that have the metric.
    pub scored_folds: usize,
    /// The rank among the candidates, from 1. Candidates with a mean come before those without, and candidates that were
    /// scored on more folds come before those that were scored on fewer. Then the mean decides; of equal means, the first in
    /// the grid wins.
    pub rank: usize,
    /// The folds in order.
    pub folds: Vec<FoldResult>,
    /// Mean and deviation of the secondary metrics, in the order of [`SearchResult::also`].
    pub also: Vec<MetricSummary>,
}

/// A missing metric.
impl Default for FoldMetric {
    fn default() -> Self {
        Self { metric: f64::NAN, error: None, undefined: None }
    }
}

impl CandidateResult {
    /// Whether the candidate has a mean, which it needs to be the best.
    pub fn has_mean(&self) -> bool {
        !self.mean.is_nan()
    }
}

/// A metric over the folds of a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricSummary {
    /// Mean over the folds where the metric is defined. NaN if it is defined on none, or if computing it failed on one.
    pub mean: f64,
    /// Population standard deviation over the same folds.
    pub std: f64,
    /// Number of folds that have the metric.
    pub scored_folds: usize,
}

impl MetricSummary {
    /// The metric of each fold, and whether it failed there.
    pub(crate) fn of(folds: impl Iterator<Item = (f64, bool)> + Clone) -> Self {
        let metrics = || folds.clone().map(|(metric, _)| metric).filter(|metric| !metric.is_nan());
        let scored_folds = metrics().count();
        let failed = folds.clone().any(|(_, failed)| failed);
        let n = if failed { f64::NAN } else { scored_folds as f64 };
        let mean = metrics().sum::<f64>() / n;
        let std = (metrics().map(|metric| (metric - mean).powi(2)).sum::<f64>() / n).sqrt();
        Self { mean, std, scored_folds }
    }

    /// Summaries with a mean come first, then those over more folds, then the better mean.
    fn compare(&self, other: &Self, larger_is_better: bool) -> Ordering {
        let complete = || other.scored_folds.cmp(&self.scored_folds);
        let better = || {
            let by_mean = self.mean.partial_cmp(&other.mean).unwrap_or(Ordering::Equal);
            if larger_is_better { by_mean.reverse() } else { by_mean }
        };
        match (!self.mean.is_nan(), !other.mean.is_nan()) {
            (true, true) => complete().then_with(better),
            (a, b) => b.cmp(&a),
        }
    }
}

/// The place of the best of some candidates that has a mean; of equal ones, the first.
pub(crate) fn best_of(
    candidates: impl Iterator<Item = MetricSummary>,
    larger_is_better: bool,
) -> Option<usize> {
    let best = candidates.enumerate().min_by(|(_, a), (_, b)| a.compare(b, larger_is_better));
    best.filter(|(_, best)| !best.mean.is_nan()).map(|(place, _)| place)
}

/// `sqrt((1/n + overlap) · s²)` with the sample variance `s²` of `n` metrics; NaN for fewer than two.
pub(crate) fn corrected_std_error(metrics: &[f64], overlap: f64) -> f64 {
    let n = metrics.len() as f64;
    let mean = metrics.iter().sum::<f64>() / n;
    let variance = metrics.iter().map(|metric| (metric - mean).powi(2)).sum::<f64>() / (n - 1.0);
    ((1.0 / n + overlap) * variance).sqrt()
}

/// A metric that is reported in addition to the one that ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondaryMetric {
    /// Its name; a number is appended if another metric has the same name.
    pub name: String,
    /// Whether larger values are better.
    pub larger_is_better: bool,
}

/// The results of a search: its candidates, how long it took, and the work that was done.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResult {
    /// The name of the metric that ranks the candidates.
    pub metric: String,
    /// Whether larger values of the metric are better.
    pub larger_is_better: bool,
    /// The secondary metrics.
    pub also: Vec<SecondaryMetric>,
    /// Index of the candidate with rank 1. If no candidate has a mean,
    /// [`best_candidate`](Self::best_candidate) is `None`.
    pub best: usize,
    /// The names of the competing pipelines, in order. A pipeline without a name is identified by its position, from 0.
    pub pipelines: Vec<String>,
    /// The candidates in the order of the grid.
    pub candidates: Vec<CandidateResult>,
    /// What a reader of the table should know: folds without a metric, classes missing from training rows, and the notes of
    /// models on their fits.
    pub notes: Vec<SearchNote>,
    /// How good the procedure is that chose the best candidate, if the search was asked to say so.
    pub procedure: Option<ProcedureScore>,
    /// Validation rows per training row, on average over the rounds.
    pub overlap: f64,
    /// How the executor deviated from `parallelism`, if it did. Like times and events, this depends on the executor.
    pub executor_note: Option<String>,
    /// The total time in seconds, including the refit.
    pub search_seconds: f64,
    /// The work that was done; the same on every executor.
    pub work: Work,
    /// The work that the plan expected.
    pub forecast: Forecast,
    /// Events: what ran, when, and on which worker.
    pub events: Vec<Event>,
}

impl SearchResult {
    /// The best candidate; `None` if no candidate has a mean.
    pub fn best_candidate(&self) -> Option<&CandidateResult> {
        self.candidates.get(self.best).filter(|candidate| candidate.has_mean())
    }

    /// The standard error of a candidate's mean metric: `sqrt((1/n + v/t) · s²)`, where `s²` is the sample variance of the
    /// metric over `n` rounds, each with `t` training and `v` validation rows on average. The term `v/t` corrects for training
    /// sets that overlap, so that the metrics are not independent (Nadeau and Bengio 2003). NaN for fewer than two
    /// rounds, or without a mean.
    pub fn std_error(&self, candidate: &CandidateResult) -> f64 {
        let metrics = candidate.folds.iter().map(|fold| fold.metric).filter(|metric| !metric.is_nan());
        match candidate.has_mean() {
            true => corrected_std_error(&metrics.collect::<Vec<_>>(), self.overlap),
            false => f64::NAN,
        }
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

/// One reason why candidates failed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureSummary {
    /// The reason.
    pub failure: Failure,
    /// The candidates that failed for this reason.
    pub candidates: Vec<usize>,
    /// The folds on which they failed.
    pub folds: Vec<u32>,
    /// The number of pairs of a candidate and a fold that failed for this reason.
    pub times: usize,
}

impl FailureSummary {
    fn add(&mut self, candidate: usize, fold: u32) {
        self.times += 1;
        if self.candidates.last() != Some(&candidate) {
            self.candidates.push(candidate);
        }
        if let Err(place) = self.folds.binary_search(&fold) {
            self.folds.insert(place, fold);
        }
    }
}

/// `candidates 0-3, 7 on fold 2 (5 times): …`
impl fmt::Display for FailureSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folds: Vec<usize> = self.folds.iter().map(|&fold| fold as usize).collect();
        write!(f, "{} on {}", numbered("candidate", &self.candidates), numbered("fold", &folds))?;
        if self.times > 1 {
            write!(f, " ({} times)", self.times)?;
        }
        write!(f, ": {}", self.failure)
    }
}

/// Computes means, deviations and ranks; returns the index of the best candidate.
pub(crate) fn rank(candidates: &mut [CandidateResult], larger_is_better: bool) -> usize {
    for candidate in candidates.iter_mut() {
        let folds = &candidate.folds;
        let summary = MetricSummary::of(folds.iter().map(|fold| (fold.metric, fold.error.is_some())));
        (candidate.mean, candidate.std) = (summary.mean, summary.std);
        candidate.scored_folds = summary.scored_folds;
        let also = folds.first().map_or(0, |fold| fold.also.len());
        let of = |i: usize| {
            let metric = |fold: &FoldResult| {
                fold.also.get(i).map_or((f64::NAN, true), |also| (also.metric, also.error.is_some()))
            };
            MetricSummary::of(folds.iter().map(metric))
        };
        candidate.also = (0..also).map(of).collect();
    }
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    let summaries: Vec<MetricSummary> = candidates
        .iter()
        .map(|one| MetricSummary { mean: one.mean, std: one.std, scored_folds: one.scored_folds })
        .collect();
    order.sort_by(|&a, &b| summaries[a].compare(&summaries[b], larger_is_better));
    for (place, &index) in order.iter().enumerate() {
        candidates[index].rank = place + 1;
    }
    order.first().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(means: &[f64], larger_is_better: bool) -> (usize, Vec<usize>) {
        let mut candidates: Vec<CandidateResult> = means
            .iter()
            .enumerate()
            .map(|(index, &metric)| CandidateResult {
                index,
                pipeline: 0,
                params: ParamMap::new(),
                mean: 0.0,
                std: 0.0,
                scored_folds: 0,
                rank: 0,
                folds: vec![FoldResult {
                    fold: 0,
                    metric,
                    fit_seconds: 0.0,
                    score_seconds: 0.0,
                    error: None,
                    undefined: None,
                    also: Vec::new(),
                }],
                also: Vec::new(),
            })
            .collect();
        let best = rank(&mut candidates, larger_is_better);
        (best, candidates.iter().map(|c| c.rank).collect())
    }

    #[test]
    fn nan_is_last_and_ties_go_to_the_first() {
        let nan = f64::NAN;
        assert_eq!(ranks(&[nan, 2.0, 1.0, 1.0, nan], false), (2, vec![4, 3, 1, 2, 5]));
        assert_eq!(ranks(&[nan, 2.0, 1.0, 2.0], true), (1, vec![4, 1, 3, 2]));
        assert_eq!(ranks(&[nan, f64::INFINITY, f64::NEG_INFINITY], true), (1, vec![3, 1, 2]));
        assert_eq!(ranks(&[nan, nan], true).0, 0);
    }

    fn one(metrics: &[(f64, Option<&str>)]) -> CandidateResult {
        let fold = |(fold, &(metric, error)): (usize, &(f64, Option<&str>))| FoldResult {
            fold: fold as u32,
            metric,
            fit_seconds: 0.0,
            score_seconds: 0.0,
            error: error.map(Failure::from),
            undefined: None,
            also: vec![FoldMetric { metric: 2.0 * metric, error: None, undefined: None }],
        };
        CandidateResult {
            index: 0,
            pipeline: 0,
            params: ParamMap::new(),
            mean: 0.0,
            std: 0.0,
            scored_folds: 0,
            rank: 0,
            folds: metrics.iter().enumerate().map(fold).collect(),
            also: Vec::new(),
        }
    }

    fn ranked(metrics: &[(f64, Option<&str>)]) -> CandidateResult {
        let mut candidates = [one(metrics)];
        rank(&mut candidates, false);
        let [candidate] = candidates;
        candidate
    }

    #[test]
    fn deviation_is_of_the_population() {
        let one = ranked(&[(1.0, None), (3.0, None)]);
        assert_eq!((one.mean, one.std, one.scored_folds), (2.0, 1.0, 2));
        assert_eq!(one.also, [MetricSummary { mean: 4.0, std: 2.0, scored_folds: 2 }]);
    }

    #[test]
    fn a_mean_is_over_the_folds_that_have_the_metric() {
        let one = ranked(&[(1.0, None), (f64::NAN, None), (3.0, None)]);
        assert_eq!((one.mean, one.std, one.scored_folds), (2.0, 1.0, 2));
        let none = ranked(&[(f64::NAN, None), (f64::NAN, None)]);
        assert!(none.mean.is_nan() && none.std.is_nan() && none.scored_folds == 0);
    }

    #[test]
    fn a_candidate_that_failed_on_a_fold_has_no_mean_but_its_other_scores() {
        let failed = ranked(&[(1.0, None), (f64::NAN, Some("no")), (3.0, None)]);
        assert!(failed.mean.is_nan() && failed.std.is_nan());
        assert_eq!((failed.scored_folds, failed.folds[2].metric), (2, 3.0));
        // The secondary metric was computed on the folds that have it.
        assert_eq!(failed.also[0].scored_folds, 2);
    }

    #[test]
    fn fewer_folds_do_not_win() {
        let nan = f64::NAN;
        let mut candidates = [
            one(&[(1.0, None), (nan, None)]),
            one(&[(5.0, None), (6.0, None)]),
            one(&[(nan, Some("no")), (0.0, None)]),
            one(&[(4.0, None), (6.0, None)]),
        ];
        assert_eq!(rank(&mut candidates, false), 3);
        assert_eq!(candidates.map(|candidate| candidate.rank), [3, 2, 4, 1]);
    }

    #[test]
    fn each_reason_is_counted_once_with_its_places() {
        let mut candidates = vec![
            one(&[(1.0, Some("a")), (f64::NAN, Some("b"))]),
            one(&[(1.0, Some("b")), (f64::NAN, Some("b"))]),
            one(&[(1.0, None), (2.0, None)]),
        ];
        candidates.iter_mut().enumerate().for_each(|(index, candidate)| candidate.index = index);
        let result = SearchResult {
            metric: "rmse".to_owned(),
            larger_is_better: false,
            also: Vec::new(),
            best: 2,
            pipelines: vec!["0".to_owned()],
            candidates,
            notes: Vec::new(),
            procedure: None,
            overlap: 0.5,
            executor_note: None,
            search_seconds: 0.0,
            work: Work::default(),
            forecast: Forecast::default(),
            events: Vec::new(),
        };
        let told: Vec<String> = result.failures().iter().map(ToString::to_string).collect();
        assert_eq!(told, ["candidates 0, 1 on folds 0, 1 (3 times): b", "candidate 0 on fold 0: a"]);
        assert_eq!(result.errors_of(&result.candidates[0]), "fold 0: a; fold 1: b");
        assert_eq!(result.errors_of(&result.candidates[1]), "b");
        assert_eq!(result.errors_of(&result.candidates[2]), "");
    }
}
