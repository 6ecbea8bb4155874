//! How sure the best candidate is.

use std::f64::consts::TAU;

use luthier_core::scramble;

use super::candidate::CandidateResult;

/// The largest number of draws.
const MOST_DRAWS: usize = 2_000;

/// The smallest number of draws, where candidates are many.
const LEAST_DRAWS: usize = 100;

/// The number of metrics that all draws together go through, about.
const METRICS: usize = 20_000_000;

/// `sqrt((1/n + overlap) · s²)` with the sample variance `s²` of `n` metrics; NaN for fewer than two.
pub(crate) fn corrected_std_error(metrics: &[f64], overlap: f64) -> f64 {
    let n = metrics.len() as f64;
    let mean = metrics.iter().sum::<f64>() / n;
    let variance = metrics.iter().map(|metric| (metric - mean).powi(2)).sum::<f64>() / (n - 1.0);
    ((1.0 / n + overlap) * variance).sqrt()
}

/// Normal random numbers from a fixed seed, so that results do not depend on anything but the metrics.
struct Normals(u64);

impl Normals {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        // Never 0, whose logarithm is infinite.
        ((scramble(self.0) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Box and Muller's transform.
    fn next(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
    }
}

/// The standard error of a candidate's mean: see [`CandidateResult::std_error`].
pub(crate) fn std_error_of(candidate: &CandidateResult, overlap: f64) -> f64 {
    let metrics = candidate.folds.iter().map(|fold| fold.metric).filter(|metric| !metric.is_nan());
    match candidate.has_mean() {
        true => corrected_std_error(&metrics.collect::<Vec<_>>(), overlap),
        false => f64::NAN,
    }
}

/// For each candidate the probability that its mean is the best one: see
/// [`SearchResult::probability_best`](crate::SearchResult::probability_best).
pub(crate) fn probabilities_best(
    candidates: &[CandidateResult],
    overlap: f64,
    larger_is_better: bool,
) -> Vec<Option<f64>> {
    let mut probabilities = vec![None; candidates.len()];
    let rounds = candidates.iter().filter(|c| c.has_mean()).map(|c| c.scored_folds).max().unwrap_or(0);
    let complete = |candidate: &CandidateResult| candidate.has_mean() && candidate.scored_folds == rounds;
    let places: Vec<usize> = (0..candidates.len()).filter(|&place| complete(&candidates[place])).collect();
    // The metrics may be defined on other rounds for each of them; then they cannot be compared round by round.
    let defined = |place: &usize| candidates[*place].folds.iter().map(|fold| !fold.metric.is_nan());
    let same = places.windows(2).all(|pair| defined(&pair[0]).eq(defined(&pair[1])));
    let finite = places.iter().all(|&place| candidates[place].std.is_finite());
    if rounds < 2 || !same || !finite {
        return probabilities;
    }
    let n = rounds as f64;
    let means: Vec<f64> = places.iter().map(|&place| candidates[place].mean).collect();
    // By round, so that a draw goes through all candidates at once.
    let mut deviations = vec![Vec::with_capacity(places.len()); rounds];
    for (&place, mean) in places.iter().zip(&means) {
        let metrics =
            candidates[place].folds.iter().map(|fold| fold.metric).filter(|metric| !metric.is_nan());
        deviations.iter_mut().zip(metrics).for_each(|(of_round, metric)| of_round.push(metric - mean));
    }
    let scale = ((1.0 / n + overlap) / (n - 1.0)).sqrt();
    let draws = (METRICS / (rounds * places.len()).max(1)).clamp(LEAST_DRAWS, MOST_DRAWS);
    let (mut wins, mut normals) = (vec![0.0; places.len()], Normals(0));
    let (mut drawn, mut best) = (Vec::new(), Vec::new());
    for _ in 0..draws {
        let weights: Vec<f64> = (0..rounds).map(|_| normals.next()).collect();
        let chi_squared: f64 = (1..rounds).map(|_| normals.next().powi(2)).sum();
        let scale = scale * ((n - 1.0) / chi_squared).sqrt();
        drawn.clear();
        drawn.resize(places.len(), 0.0);
        for (weight, of_round) in weights.iter().zip(&deviations) {
            drawn.iter_mut().zip(of_round).for_each(|(sum, deviation)| *sum += weight * deviation);
        }
        for (drawn, mean) in drawn.iter_mut().zip(&means) {
            let mean = mean + scale * *drawn;
            *drawn = if larger_is_better { mean } else { -mean };
        }
        let highest = drawn.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        best.clear();
        best.extend((0..drawn.len()).filter(|&index| drawn[index] == highest));
        best.iter().for_each(|&index| wins[index] += 1.0 / best.len() as f64);
    }
    for (place, wins) in places.into_iter().zip(wins) {
        probabilities[place] = Some(wins / draws as f64);
    }
    probabilities
}

#[cfg(test)]
mod tests {
    use luthier_core::ParamMap;

    use super::super::candidate::{FoldResult, rank};
    use super::*;

    fn candidates(metrics: &[&[f64]]) -> Vec<CandidateResult> {
        let fold = |&metric: &f64| FoldResult { metric, ..FoldResult::default() };
        let one = |metrics: &&[f64]| {
            CandidateResult::new(0, 0, ParamMap::new(), metrics.iter().map(fold).collect())
        };
        let mut candidates: Vec<CandidateResult> = metrics.iter().map(one).collect();
        rank(&mut candidates, false);
        candidates
    }

    fn of(metrics: &[&[f64]]) -> Vec<f64> {
        probabilities_best(&candidates(metrics), 0.25, false)
            .into_iter()
            .map(|p| p.unwrap_or(f64::NAN))
            .collect()
    }

    #[test]
    fn two_candidates_have_the_probabilities_of_the_correlated_t_test() {
        let (a, b): (&[f64], &[f64]) = (&[1.0, 1.4, 0.8, 1.1, 1.2], &[1.2, 1.3, 1.1, 1.0, 1.5]);
        // The differences have the mean -0.12 and the sample variance 0.042; with 5 rounds and 1/4 validation rows per
        // training row, t = -0.12 / sqrt((1/5 + 1/4) * 0.042) = -0.8729, whose tail with 4 degrees of freedom is 0.2160.
        let [first, second] = of(&[a, b])[..] else { unreachable!() };
        assert!((first - (1.0 - 0.2160)).abs() < 0.03, "{first}");
        assert!((first + second - 1.0).abs() < 1e-12);
    }

    #[test]
    fn equal_candidates_share_and_constant_differences_are_sure() {
        let a: &[f64] = &[1.0, 1.4, 0.8];
        let worse: &[f64] = &[1.5, 1.9, 1.3];
        let shares = of(&[a, a, worse]);
        assert!((shares[0] - 0.5).abs() < 1e-9 && (shares[1] - 0.5).abs() < 1e-9, "{shares:?}");
        assert_eq!(shares[2], 0.0);
    }

    #[test]
    fn what_is_not_complete_has_none() {
        let nan = f64::NAN;
        let p = probabilities_best(&candidates(&[&[1.0, 2.0], &[1.0, nan]]), 0.5, false);
        assert_eq!(p, [Some(1.0), None]);
        assert_eq!(probabilities_best(&candidates(&[&[1.0], &[2.0]]), 0.5, false), [None, None]);
        assert_eq!(
            probabilities_best(&candidates(&[&[1.0, nan, 2.0], &[nan, 1.0, 2.0]]), 0.5, false),
            [None, None]
        );
    }
}
