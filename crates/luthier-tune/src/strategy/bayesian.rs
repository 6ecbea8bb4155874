//! Bayesian search.

use luthier_core::{ParamMap, Params, Value, scramble};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tpe::TpeOptimizer;

use super::{Candidate, NamedStrategy, Scores, Seen, Strategy, Trial, Wanted};
use crate::Error;
use crate::grid::{Axis, ParamGrid};

/// How often a candidate is asked for again if it is known already.
const ATTEMPTS: u64 = 64;

/// How many combinations are drawn for each candidate that is wanted, once those that are asked for are known. Where some values do
/// not matter, several are the same candidate.
const DRAWS: usize = 4;

/// Bayesian search with tree-structured Parzen estimators (Bergstra et al. 2011): after some random candidates, it proposes
/// values that are likely among the good candidates so far and unlikely among the others.
///
/// The estimators are those of the crate [`tpe`](https://docs.rs/tpe), one for each parameter, as in the paper. So parameters
/// may depend on the stage that a candidate has: a value that does not matter for a candidate is not learned from. Numbers of a
/// range have a density, on a logarithmic scale where the range is logarithmic; values of a list have frequencies. Competing
/// pipelines, and the parts of a union of grids, are a choice of their own.
///
/// Every candidate is scored on all rounds. Where there are fewer combinations than `max_candidates`, all are scored. The proposals depend only on the seed and on the scores, so they are the same on every
/// executor. Several at a time (`batch`) keep several workers busy, but each of them knows less.
///
/// Where candidates share their work, as in a linear regression with many penalties, a grid is nearly free, and proposals one
/// after the other share less. It pays off where a fit iterates over the rows and there are several parameters.
#[derive(Debug, Clone, Params)]
pub struct Bayesian {
    /// The number of candidates.
    #[param(default = 60, range = 1..)]
    max_candidates: usize,
    /// The number of random candidates at the beginning.
    #[param(default = 15, range = 1..)]
    initial: usize,
    /// The number of candidates that are proposed at a time.
    #[param(default = 4, range = 1..)]
    batch: usize,
    /// The share of the candidates that count as good.
    #[param(default = 0.2, greater_than = 0.0, range = ..=0.5)]
    good_share: f64,
}

/// All combinations of the values of some addresses, for one pipeline.
#[derive(Debug, Clone, Copy)]
struct Arm<'a> {
    pipeline: usize,
    axes: &'a [(String, Axis)],
}

impl Arm<'_> {
    /// Whether a proposal is one of these combinations.
    fn has(&self, pipeline: usize, params: &ParamMap) -> bool {
        let known = |(path, value): (&str, &Value)| {
            self.axes.iter().any(|(address, axis)| address == path && position(axis, value).is_some())
        };
        self.pipeline == pipeline && params.len() == self.axes.len() && params.iter().all(known)
    }
}

/// A combination of an arm that was scored.
#[derive(Debug)]
struct Told<'a> {
    arm: usize,
    /// The parameters of the combination that matter: those of stages that the candidate has.
    params: &'a ParamMap,
    /// The mean metric, or its negative: the smaller the better.
    loss: f64,
}

impl Told<'_> {
    /// Whether a combination would be the same candidate.
    fn is(&self, arm: usize, params: &ParamMap) -> bool {
        let agrees = |(path, value)| params.get(path).is_some_and(|own| own.same(value));
        self.arm == arm && self.params.iter().all(agrees)
    }
}

/// The place of a value on its axis: a share of a range, or within the interval of a value of a list.
fn position(axis: &Axis, value: &Value) -> Option<f64> {
    match axis {
        Axis::Range(range) => range.share_of(value).map(|share| share.clamp(0.0, 1.0 - f64::EPSILON)),
        Axis::Values(values) => Some(values.iter().position(|other| other.same(value))? as f64),
    }
}

/// An estimator for an axis with `choices` values, or for a range.
fn optimizer(choices: Option<usize>, good_share: f64) -> anyhow::Result<TpeOptimizer> {
    let mut builder = tpe::TpeOptimizerBuilder::new();
    builder.gamma(good_share);
    Ok(match choices {
        Some(choices) => {
            builder.build(tpe::histogram_estimator(), tpe::categorical_range(choices.max(1))?)?
        }
        None => builder.build(tpe::parzen_estimator(), tpe::range(0.0, 1.0)?)?,
    })
}

impl Bayesian {
    /// A combination that is likely to be good, with its arm.
    fn ask(
        &self,
        arms: &[Arm<'_>],
        told: &[Told<'_>],
        random: &mut StdRng,
    ) -> anyhow::Result<(usize, ParamMap)> {
        let mut choice = optimizer(Some(arms.len()), self.good_share)?;
        for one in told {
            choice.tell(one.arm as f64, one.loss)?;
        }
        let arm = (choice.ask(random)? as usize).min(arms.len().saturating_sub(1));
        let axes = arms.get(arm).map_or(&[][..], |arm| arm.axes);
        let mut params = ParamMap::new();
        for (path, axis) in axes {
            let choices = match axis {
                Axis::Values(values) => Some(values.len()),
                Axis::Range(_) => None,
            };
            let mut optimizer = optimizer(choices, self.good_share)?;
            for one in told.iter().filter(|one| one.arm == arm) {
                // What does not matter for a candidate is not learned from.
                let place = one.params.get(path).and_then(|value| position(axis, value));
                optimizer.tell(place.unwrap_or(f64::NAN), one.loss)?;
            }
            let place = optimizer.ask(random)?;
            let value = match axis {
                Axis::Values(values) => {
                    values.get((place as usize).min(values.len().saturating_sub(1))).cloned()
                }
                Axis::Range(range) => Some(range.at(place)),
            };
            params = value.into_iter().fold(params, |params, value| params.with(path, value));
        }
        Ok((arm, params))
    }

    /// Random candidates of each pipeline in turn.
    fn first(&self, seen: &Seen<'_>, arms: &[Arm<'_>], count: usize) -> anyhow::Result<Vec<Trial>> {
        if arms.iter().all(|arm| arm.axes.is_empty()) {
            return Err(Error::invalid(
                "a bayesian search needs a grid or a space with at least one parameter",
            )
            .into());
        }
        seen.require_fits(seen.rounds as u64)?;
        let draw = |(pipeline, grid): (usize, &ParamGrid)| {
            let drawn = grid.clone().draw(count).build_with(seen.seed)?;
            Ok(drawn.into_iter().map(|params| Trial::of_pipeline(pipeline, params)).collect())
        };
        let drawn: Vec<Vec<Trial>> = seen.grids.iter().enumerate().map(draw).collect::<crate::Result<_>>()?;
        let longest = drawn.iter().map(Vec::len).max().unwrap_or(0);
        let in_turn = (0..longest).flat_map(|place| drawn.iter().filter_map(move |trials| trials.get(place)));
        Ok(in_turn.take(count).cloned().collect())
    }

    /// A random combination that is new, of the first pipeline that has one: where few are left, they are rarely asked for.
    fn left(
        &self,
        seen: &Seen<'_>,
        arms: &[Arm<'_>],
        is_new: impl Fn(usize, &ParamMap) -> bool,
    ) -> crate::Result<Option<(usize, ParamMap)>> {
        for (pipeline, grid) in seen.grids.iter().enumerate() {
            let draws = self.max_candidates.saturating_mul(DRAWS).min(ParamGrid::MAX_CANDIDATES);
            for params in grid.clone().draw(draws).build_with(seen.seed)? {
                let arm = arms.iter().position(|arm| arm.has(pipeline, &params));
                if let Some(arm) = arm.filter(|&arm| is_new(arm, &params)) {
                    return Ok(Some((arm, params)));
                }
            }
        }
        Ok(None)
    }
}

impl Strategy for Bayesian {
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        let arms: Vec<Arm<'_>> = seen
            .grids
            .iter()
            .enumerate()
            .flat_map(|(pipeline, grid)| grid.products().map(move |axes| Arm { pipeline, axes }))
            .collect();
        let affordable = seen.fits_left.map_or(u64::MAX, |left| left / seen.rounds.max(1) as u64);
        let wanted = self.max_candidates.saturating_sub(seen.trials.len());
        let wanted = wanted.min(usize::try_from(affordable).unwrap_or(usize::MAX));
        if seen.trials.is_empty() {
            return self.first(seen, &arms, self.initial.min(wanted));
        }
        let sign = if seen.larger_is_better { -1.0 } else { 1.0 };
        let tell = |scores: &'_ Scores| {
            let Scores { trial, candidate, .. } = scores;
            let Candidate { pipeline, params } = seen.candidates.get(*candidate)?;
            let proposed = match &trial.what {
                Wanted::Params(_, proposed) => proposed,
                Wanted::Known(_) => params,
            };
            let arm = arms.iter().position(|arm| arm.has(*pipeline, proposed))?;
            // A candidate that failed is worse than any other.
            Some(Told { arm, params, loss: scores.mean().map_or(f64::INFINITY, |mean| sign * mean) })
        };
        let told: Vec<Told<'_>> = seen.trials.iter().filter_map(tell).collect();
        let mut new: Vec<(usize, ParamMap)> = Vec::new();
        for place in 0..self.batch.min(wanted) {
            let is_new = |arm: usize, params: &ParamMap| {
                !told.iter().any(|one| one.is(arm, params))
                    && !new.iter().any(|(other, own)| *other == arm && own == params)
            };
            let mut next = None;
            for attempt in 0..ATTEMPTS {
                let stream = (seen.trials.len() + place) as u64;
                let seed = scramble(scramble(scramble(seen.seed) ^ stream) ^ attempt);
                let (arm, params) = self.ask(&arms, &told, &mut StdRng::seed_from_u64(seed))?;
                if is_new(arm, &params) {
                    next = Some((arm, params));
                    break;
                }
            }
            let Some(next) = next.map_or_else(|| self.left(seen, &arms, is_new), |next| Ok(Some(next)))?
            else {
                break;
            };
            new.push(next);
        }
        let trial = |(arm, params): (usize, ParamMap)| {
            Trial::of_pipeline(arms.get(arm).map_or(0, |arm| arm.pipeline), params)
        };
        Ok(new.into_iter().map(trial).collect())
    }

    fn lists_candidates(&self) -> bool {
        false
    }
}

impl NamedStrategy for Bayesian {
    const NAME: &'static str = "bayesian";
}

crate::register_strategy!(Bayesian: "Proposes candidates that resemble the good ones so far.");
