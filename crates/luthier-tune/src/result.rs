//! The table a search ends with.

use luthier_core::{ParamMap, Work};

use crate::events::Event;
use crate::forecast::Forecast;

/// One candidate on one fold.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldResult {
    /// Number of the fold whose rows were scored.
    pub fold: u32,
    /// The metric; NaN where it is not defined or the candidate failed.
    pub metric: f64,
    /// Seconds spent fitting, with an equal share of what other candidates and folds had a part in.
    pub fit_seconds: f64,
    /// Seconds spent scoring, with an equal share of what siblings had a part in.
    pub score_seconds: f64,
    /// Why the candidate failed here.
    pub error: Option<String>,
    /// The metrics that do not decide, in the order of [`SearchResult::also`].
    pub also: Vec<FoldMetric>,
}

/// A metric that does not decide, of one candidate on one fold.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldMetric {
    /// The metric; NaN where it is not defined or missing.
    pub metric: f64,
    /// Why it is missing.
    pub error: Option<String>,
}

/// One candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateResult {
    /// Its place in the grid, from 0.
    pub index: usize,
    /// The parameters that the grid sets.
    pub params: ParamMap,
    /// Mean of the folds' metrics; NaN as soon as one of them is.
    pub mean: f64,
    /// Population standard deviation of the folds' metrics.
    pub std: f64,
    /// Place among the candidates, from 1: NaN last, ties in the order of the grid.
    pub rank: usize,
    /// The folds in order.
    pub folds: Vec<FoldResult>,
    /// Mean and deviation of the metrics that do not decide, in the order of [`SearchResult::also`].
    pub also: Vec<Spread>,
}

/// A metric over the folds of a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Mean of the folds' metrics; NaN as soon as one of them is.
    pub mean: f64,
    /// Population standard deviation of the folds' metrics.
    pub std: f64,
}

impl Spread {
    fn of(metrics: impl ExactSizeIterator<Item = f64> + Clone) -> Self {
        let n = metrics.len() as f64;
        let mean = metrics.clone().sum::<f64>() / n;
        Self { mean, std: (metrics.map(|m| (m - mean).powi(2)).sum::<f64>() / n).sqrt() }
    }
}

/// A metric that does not decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlsoMetric {
    /// Its name, made different from those of the others by a number.
    pub name: String,
    /// Whether a larger one is better.
    pub larger_is_better: bool,
}

/// What a search found, how long it took and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResult {
    /// Name of the metric that decides.
    pub metric: String,
    /// Whether a larger metric is a better one.
    pub larger_is_better: bool,
    /// The other metrics.
    pub also: Vec<AlsoMetric>,
    /// Index of the best candidate.
    pub best: usize,
    /// The candidates in the order of the grid.
    pub candidates: Vec<CandidateResult>,
    /// Seconds for everything, the refit included.
    pub search_seconds: f64,
    /// The work that was done; the same on every executor.
    pub work: Work,
    /// What the plan expected it to do.
    pub forecast: Forecast,
    /// What ran when and where.
    pub events: Vec<Event>,
}

impl SearchResult {
    /// The best candidate.
    pub fn best_candidate(&self) -> Option<&CandidateResult> {
        self.candidates.get(self.best)
    }

    /// The candidates from best to worst.
    pub fn leaderboard(&self) -> Vec<&CandidateResult> {
        let mut ranked: Vec<_> = self.candidates.iter().collect();
        ranked.sort_by_key(|candidate| candidate.rank);
        ranked
    }
}

/// Fills in means, deviations and ranks; returns the index of the best.
pub(crate) fn rank(candidates: &mut [CandidateResult], larger_is_better: bool) -> usize {
    for candidate in candidates.iter_mut() {
        let folds = &candidate.folds;
        let Spread { mean, std } = Spread::of(folds.iter().map(|fold| fold.metric));
        (candidate.mean, candidate.std) = (mean, std);
        let also = folds.first().map_or(0, |fold| fold.also.len());
        let of =
            |i: usize| Spread::of(folds.iter().map(|fold| fold.also.get(i).map_or(f64::NAN, |m| m.metric)));
        candidate.also = (0..also).map(of).collect();
    }
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (candidates[a].mean, candidates[b].mean);
        let better = if larger_is_better { b.partial_cmp(&a) } else { a.partial_cmp(&b) };
        better.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
    });
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
                params: ParamMap::new(),
                mean: 0.0,
                std: 0.0,
                rank: 0,
                folds: vec![FoldResult {
                    fold: 0,
                    metric,
                    fit_seconds: 0.0,
                    score_seconds: 0.0,
                    error: None,
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

    #[test]
    fn deviation_is_of_the_population() {
        let fold = |metric| FoldResult {
            fold: 0,
            metric,
            fit_seconds: 0.0,
            score_seconds: 0.0,
            error: None,
            also: vec![FoldMetric { metric: 2.0 * metric, error: None }],
        };
        let mut one = [CandidateResult {
            index: 0,
            params: ParamMap::new(),
            mean: 0.0,
            std: 0.0,
            rank: 0,
            folds: vec![fold(1.0), fold(3.0)],
            also: Vec::new(),
        }];
        rank(&mut one, false);
        assert_eq!((one[0].mean, one[0].std), (2.0, 1.0));
        assert_eq!(one[0].also, [Spread { mean: 4.0, std: 2.0 }]);
    }
}
