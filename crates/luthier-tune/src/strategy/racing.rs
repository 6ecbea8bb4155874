//! Racing.

use luthier_core::Params;
use statrs::function::beta::checked_beta_reg;

use super::{NamedStrategy, Scores, Seen, Strategy, Trial};
use crate::result::{Outcome, corrected_std_error};

/// Differences that vary less, relative to their mean, are equal but for rounding.
const ROUNDING: f64 = 1e-9;

/// Racing: scores the candidates on one round after the other and drops those that are worse than the best one by more than
/// chance explains (the idea of F-Race, Birattari et al. 2002).
///
/// After at least `min_rounds` rounds, a candidate is dropped if the mean difference between its metric and that of the best
/// candidate is significant at the level `alpha`, by a one-sided t-test on the differences over the rounds. The
/// training rows of rounds overlap, so the variance of the mean difference is `(1/n + v/t) · s²`, with `v` validation rows per `t`
/// training rows (Nadeau and Bengio 2003). Where all differences are equal, as they may be for a share of few rows, that test says
/// nothing; the sign test takes its place, which needs five rounds at the default level.
///
/// Candidates that are about as good as the best one stay to the end. Where the search has a limit (`max_fits`), the worst of
/// them by their mean are dropped as well: as many go on as the limit allows if two thirds of them go on after each later round. So
/// no single round decides, and at least one candidate is scored on all rounds.
///
/// Where candidates share their work, as in a linear regression with many penalties, racing saves nothing; it pays off where a
/// fit iterates over the rows.
#[derive(Debug, Clone, Params)]
pub struct Racing {
    /// The level of the test by which a candidate is dropped: the probability that one that is as good as the best is dropped
    /// after a round.
    #[param(default = 0.05, greater_than = 0.0, less_than = 0.5)]
    alpha: f64,
    /// The number of rounds before the first test.
    #[param(default = 2, range = 2..)]
    min_rounds: usize,
}

/// The share of the candidates that goes on after each round where there is a limit.
const SHARE: f64 = 2.0 / 3.0;

/// How many candidates can go on for so many rounds, if a share of them goes on after each: `n (1 + q + … + q^(r-1))` pairs of a
/// candidate and a round are left. Each later round needs at least one.
fn affordable(left: u64, rounds: usize) -> usize {
    let all = (1.0 - SHARE.powi(i32::try_from(rounds).unwrap_or(i32::MAX))) / (1.0 - SHARE);
    let by_share = (left as f64 / all) as u64;
    let others = rounds.saturating_sub(1) as u64;
    usize::try_from(by_share.min(left.saturating_sub(others))).unwrap_or(usize::MAX).max(1)
}

/// A candidate that has not failed, with its metric on each round so far; NaN where it is undefined.
type Racer = (usize, Vec<f64>);

impl Racing {
    /// The candidates that go on after some rounds, in ascending order.
    fn survivors(&self, racers: &[Racer], seen: &Seen<'_>) -> Vec<usize> {
        let sign = if seen.larger_is_better { 1.0 } else { -1.0 };
        let mean = |metrics: &[f64]| {
            let defined = || metrics.iter().filter(|metric| !metric.is_nan());
            // A candidate without any metric comes last.
            let n = defined().count();
            if n == 0 { f64::NEG_INFINITY } else { sign * defined().sum::<f64>() / n as f64 }
        };
        let mut order: Vec<(f64, &Racer)> = racers.iter().map(|racer| (mean(&racer.1), racer)).collect();
        order.sort_by(|(x, (a, _)), (y, (b, _))| y.total_cmp(x).then(a.cmp(b)));
        let Some((_, (_, best))) = order.first() else { return Vec::new() };
        let stays = |(_, (_, own)): &&(f64, &Racer)| {
            let behind = best.iter().zip(own).map(|(best, own)| sign * (best - own));
            let behind: Vec<f64> = behind.filter(|difference| !difference.is_nan()).collect();
            behind.len() < self.min_rounds || !self.is_worse(&behind, seen.overlap)
        };
        let mut going: Vec<usize> =
            order.iter().filter(stays).map(|(_, (candidate, _))| *candidate).collect();
        let rounds_left = seen.rounds.saturating_sub(best.len());
        if let Some(left) = seen.fits_left.filter(|_| rounds_left > 0) {
            going.truncate(affordable(left, rounds_left));
        }
        going.sort_unstable();
        going
    }

    /// Whether the mean of the differences is significantly above 0.
    fn is_worse(&self, behind: &[f64], overlap: f64) -> bool {
        let n = behind.len() as f64;
        let mean = behind.iter().sum::<f64>() / n;
        if mean <= 0.0 {
            return false;
        }
        let error = corrected_std_error(behind, overlap);
        if error <= ROUNDING * mean {
            return 0.5f64.powf(n) < self.alpha;
        }
        let (t, freedom) = (mean / error, n - 1.0);
        // The upper tail of the t distribution as half of the incomplete beta function.
        let tail = checked_beta_reg(0.5 * freedom, 0.5, freedom / (freedom + t * t)).map(|tail| 0.5 * tail);
        tail.is_ok_and(|tail| tail < self.alpha)
    }
}

impl Strategy for Racing {
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        let mut going: Vec<usize> = (0..seen.candidates.len()).collect();
        if seen.trials.is_empty() {
            // Every candidate on one round, and one of them on the others.
            seen.require_fits((going.len() + seen.rounds.saturating_sub(1)) as u64)?;
        }
        let mut racers: Vec<Racer> = going.iter().map(|&candidate| (candidate, Vec::new())).collect();
        let mut rest = seen.trials;
        for round in 0..seen.rounds {
            if rest.is_empty() {
                return Ok(going
                    .into_iter()
                    .map(|candidate| Trial::candidate(candidate).on([round]))
                    .collect());
            }
            let (done, later): (&[Scores], _) = rest.split_at(going.len().min(rest.len()));
            racers.retain_mut(|(candidate, metrics)| {
                let trial = done.binary_search_by_key(candidate, |trial| trial.candidate);
                let score = trial.ok().and_then(|place| done.get(place)?.rounds.first());
                metrics.extend(score.map(|score| score.metric));
                score.is_some_and(|score| score.outcome == Outcome::Scored)
            });
            going = match later.is_empty() {
                true => self.survivors(&racers, seen),
                // Those that went on then, with the limits of that time.
                false => {
                    let next = Some(vec![round + 1]);
                    let going = later.iter().take_while(|scores| scores.trial.rounds == next);
                    going.map(|scores| scores.candidate).collect()
                }
            };
            racers.retain(|(candidate, _)| going.binary_search(candidate).is_ok());
            rest = later;
        }
        Ok(Vec::new())
    }
}

impl NamedStrategy for Racing {
    const NAME: &'static str = "racing";
}

crate::register_strategy!(Racing: "Scores round after round and drops candidates that are significantly worse.");

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(rounds: usize, fits_left: Option<u64>) -> Seen<'static> {
        Seen { overlap: 1.0 / 9.0, fits_left, ..Seen::new(&[], &[], rounds) }
    }

    #[test]
    fn only_what_is_significantly_worse_is_dropped() {
        let racers = vec![
            (0, vec![1.0, 1.2, 0.9, 1.1]),
            (1, vec![1.1, 1.1, 1.0, 1.1]),
            (2, vec![3.0, 3.3, 2.9, 3.2]),
            (3, vec![f64::NAN; 4]),
        ];
        assert_eq!(Racing::new().survivors(&racers, &seen(10, None)), [0, 1, 3]);
        // Two rounds do not suffice where three are wanted.
        let two: Vec<Racer> = racers.iter().map(|(c, m)| (*c, m[..2].to_vec())).collect();
        assert_eq!(Racing::new().min_rounds(3).survivors(&two, &seen(10, None)), [0, 1, 2, 3]);
    }

    #[test]
    fn a_limit_drops_the_worst() {
        let racers: Vec<Racer> = (0..10).map(|c| (c, vec![1.0 + 0.01 * c as f64])).collect();
        // 5 candidates, then 3, 2, 2 and at least 1 on each of the others.
        assert_eq!(Racing::new().survivors(&racers, &seen(10, Some(17))), [0, 1, 2, 3, 4]);
        assert_eq!(Racing::new().survivors(&racers, &seen(10, Some(10))), [0, 1]);
        assert_eq!(Racing::new().survivors(&racers, &seen(10, Some(0))), [0]);
    }

    #[test]
    fn a_limit_is_enough_for_one_candidate_on_all_rounds() {
        for (rounds, limit) in (1..30).flat_map(|rounds| (rounds..200).map(move |limit| (rounds, limit))) {
            let mut left = limit as u64;
            for round in 0..rounds {
                let going = affordable(left, rounds - round) as u64;
                assert!(going <= left, "{going} of {left} in round {round} of {rounds} with {limit}");
                left -= going;
            }
        }
    }

    #[test]
    fn the_test_is_that_of_the_t_distribution() {
        // t = 0.2 / sqrt((1/3 + 0.1) * 0.01) = 3.038 with 2 degrees of freedom: the upper tail is 0.0467.
        let differences = [0.1, 0.2, 0.3];
        assert!(Racing::new().alpha(0.047).is_worse(&differences, 0.1));
        assert!(!Racing::new().alpha(0.046).is_worse(&differences, 0.1));
    }

    #[test]
    fn equal_differences_need_as_many_rounds_as_the_sign_test() {
        // Accuracies of ten rows each are worse by one row on every fold; 0.3 - 0.2 and 0.8 - 0.7 differ by rounding.
        for differences in [vec![0.1; 2], vec![0.1; 4], vec![0.3 - 0.2, 0.8 - 0.7]] {
            assert!(!Racing::new().is_worse(&differences, 0.1), "{differences:?}");
        }
        assert!(Racing::new().is_worse(&[0.1; 5], 0.1));
        assert!(!Racing::new().is_worse(&[0.0; 9], 0.1));
        assert!(!Racing::new().is_worse(&[-0.1; 9], 0.1));
    }
}
