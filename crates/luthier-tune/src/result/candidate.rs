//! Candidates and their metrics.

use std::cmp::Ordering;

use luthier_core::ParamMap;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// How scoring a candidate on a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It was fitted and scored. The metric may still be undefined (NaN).
    #[default]
    Scored,
    /// It could not be fitted or scored.
    Failed,
    /// The strategy gave the candidate up before this round.
    Pruned,
    /// The search ended before.
    Cancelled,
}

impl Outcome {
    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scored => "scored",
            Self::Failed => "failed",
            Self::Pruned => "pruned",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One candidate on one fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldResult {
    /// The number of the fold that was scored.
    pub fold: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The metric; NaN if it is undefined, or if the candidate was not scored.
    #[serde(with = "luthier_core::json::float")]
    pub metric: f64,
    /// Seconds spent fitting, including an equal share of the work that was done for several candidates or folds.
    #[serde(with = "luthier_core::json::float")]
    pub fit_seconds: f64,
    /// Seconds spent scoring, including an equal share of the work that was done for several candidates.
    #[serde(with = "luthier_core::json::float")]
    pub score_seconds: f64,
    /// The number of its stages that were fitted for another candidate already.
    #[serde(default)]
    pub reused_fits: u32,
    /// Why the candidate failed on this fold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// Why the metric is undefined on this fold, if the evaluator gives a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefined: Option<String>,
    /// The secondary metrics, in the order of [`SearchResult::also`](crate::SearchResult::also).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<FoldMetric>,
}

/// A secondary metric of one candidate on one fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldMetric {
    /// The metric; NaN if it is undefined or missing.
    #[serde(with = "luthier_core::json::float")]
    pub metric: f64,
    /// Why computing it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// Why it is undefined, if the evaluator gives a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefined: Option<String>,
}

/// One candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateResult {
    /// Its position among the candidates, from 0.
    pub index: usize,
    /// The position of its pipeline among the competing pipelines, from 0.
    #[serde(default)]
    pub pipeline: usize,
    /// The parameters that the grid sets.
    pub params: ParamMap,
    /// Mean of the metric over the folds where it is defined. NaN if it is defined on no fold, or if the candidate failed
    /// on any fold, because the mean over the others would not be comparable.
    #[serde(with = "luthier_core::json::float")]
    pub mean: f64,
    /// Population standard deviation of the metric over the same folds.
    #[serde(with = "luthier_core::json::float")]
    pub std: f64,
    /// The standard error of the mean: `sqrt((1/n + v/t) · s²)`, where `s²` is the sample variance of the
    /// metric over `n` rounds, each with `t` training and `v` validation rows on average. The term `v/t` corrects for training
    /// sets that overlap, so that the metrics are not independent (Nadeau and Bengio 2003). NaN for fewer than two
    /// rounds, or without a mean.
    #[serde(with = "luthier_core::json::float")]
    pub std_error: f64,
    /// Number of folds that have the metric.
    pub scored_folds: usize,
    /// The rank among the candidates, from 1. Candidates with a mean come before those without, and candidates that were
    /// scored on more folds come before those that were scored on fewer. Then the mean decides; of equal means, the first in
    /// the grid wins.
    pub rank: usize,
    /// The probability that its mean is the best one, in view of how much the metric varies between folds: see
    /// [`SearchResult::probability_best`](crate::SearchResult::probability_best). `None` if that cannot be said.
    #[serde(default)]
    pub probability_best: Option<f64>,
    /// The folds in order.
    pub folds: Vec<FoldResult>,
    /// Mean and deviation of the secondary metrics, in the order of [`SearchResult::also`](crate::SearchResult::also).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<MetricSummary>,
}

/// Nothing is known yet.
impl Default for FoldResult {
    fn default() -> Self {
        Self {
            fold: 0,
            outcome: Outcome::Scored,
            metric: f64::NAN,
            fit_seconds: 0.0,
            score_seconds: 0.0,
            reused_fits: 0,
            error: None,
            undefined: None,
            also: Vec::new(),
        }
    }
}

/// A missing metric.
impl Default for FoldMetric {
    fn default() -> Self {
        Self { metric: f64::NAN, error: None, undefined: None }
    }
}

impl CandidateResult {
    /// A candidate with its folds, before it is ranked.
    pub(crate) fn new(index: usize, pipeline: usize, params: ParamMap, folds: Vec<FoldResult>) -> Self {
        Self {
            index,
            pipeline,
            params,
            mean: f64::NAN,
            std: f64::NAN,
            std_error: f64::NAN,
            scored_folds: 0,
            rank: 0,
            probability_best: None,
            folds,
            also: Vec::new(),
        }
    }

    pub(crate) fn summary(&self) -> MetricSummary {
        MetricSummary { mean: self.mean, std: self.std, scored_folds: self.scored_folds }
    }

    /// Whether the candidate has a mean, which it needs to be the best.
    pub fn has_mean(&self) -> bool {
        !self.mean.is_nan()
    }
}

/// A metric over the folds of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricSummary {
    /// Mean over the folds where the metric is defined. NaN if it is defined on none, or if computing it failed on one.
    #[serde(with = "luthier_core::json::float")]
    pub mean: f64,
    /// Population standard deviation over the same folds.
    #[serde(with = "luthier_core::json::float")]
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
    pub(crate) fn compare(&self, other: &Self, larger_is_better: bool) -> Ordering {
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
    let summaries: Vec<MetricSummary> = candidates.iter().map(CandidateResult::summary).collect();
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
            .map(|(index, &metric)| {
                CandidateResult::new(
                    index,
                    0,
                    ParamMap::new(),
                    vec![FoldResult { metric, ..FoldResult::default() }],
                )
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
            error: error.map(Failure::from),
            also: vec![FoldMetric { metric: 2.0 * metric, error: None, undefined: None }],
            ..FoldResult::default()
        };
        CandidateResult::new(0, 0, ParamMap::new(), metrics.iter().enumerate().map(fold).collect())
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
}
