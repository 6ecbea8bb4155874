use anyhow::ensure;
use luthier_tune::core::{ParamMap, Params, Value};
use luthier_tune::strategy::{Axis, NamedStrategy, Scores, Seen, Strategy, Trial, Wanted};

/// Varies one parameter at a time and keeps its best value: coordinate descent over the values of a grid.
///
/// It begins in the middle of all lists of values. It scores all values of the first parameter and keeps the best, then all values of
/// the second, and so on. It begins again with the first until no parameter changes, or `max_sweeps` times. With lists of 9, 5 and 6
/// values, a sweep takes 18 candidates in place of 270. It finds the best candidate of the grid if the metric has no other optimum along
/// the parameters, as it usually has not for penalties and sizes.
///
/// The parts of a union of grids and competing pipelines are searched one beside the other. A range stands for `steps` values at
/// equal distances, on a logarithmic scale if the range has one.
#[derive(Debug, Clone, PartialEq, Params)]
pub struct OneAtATime {
    /// How often each parameter is varied at most.
    #[param(default = 5, range = 1..)]
    max_sweeps: usize,
    /// Number of values of a range.
    #[param(default = 7, range = 2..)]
    steps: usize,
}

impl OneAtATime {
    /// The values of a parameter.
    fn values(&self, axis: &Axis) -> Vec<Value> {
        match axis {
            Axis::Values(values) => values.clone(),
            Axis::Range(range) => {
                let last = (self.steps - 1) as f64;
                let mut values: Vec<Value> =
                    (0..self.steps).map(|step| range.at(step as f64 / last)).collect();
                // A range of few whole numbers.
                values.dedup();
                values
            }
        }
    }

    /// The candidates of a grid that are to be scored next; none if its search has ended.
    fn next(&self, seen: &Seen<'_>, pipeline: usize, axes: &[(String, Axis)]) -> Vec<ParamMap> {
        let loss = |params: &ParamMap| loss(seen, pipeline, params);
        let axes: Vec<(&String, Vec<Value>)> =
            axes.iter().map(|(path, axis)| (path, self.values(axis))).collect();
        let middle = |(path, values): &(&String, Vec<Value>)| {
            Some(((*path).clone(), values.get(values.len() / 2)?.clone()))
        };
        let mut best: ParamMap = axes
            .iter()
            .filter_map(middle)
            .fold(ParamMap::new(), |params, (path, value)| params.with(path, value));
        if axes.is_empty() && loss(&best).is_none() {
            return vec![best];
        }
        for _ in 0..self.max_sweeps {
            let before = best.clone();
            for (path, values) in &axes {
                let line = values.iter().map(|value| best.clone().with(*path, value.clone()));
                let line: Vec<(ParamMap, Option<f64>)> =
                    line.map(|params| (params.clone(), loss(&params))).collect();
                if line.iter().any(|(_, loss)| loss.is_none()) {
                    let new = line.into_iter().filter(|(_, loss)| loss.is_none());
                    return new.map(|(params, _)| params).collect();
                }
                // Of equal ones, the one that is the best so far.
                let mut least = loss(&best);
                for (params, loss) in line {
                    if loss < least {
                        (best, least) = (params, loss);
                    }
                }
            }
            if best == before {
                break;
            }
        }
        Vec::new()
    }
}

/// What a candidate has scored, so that less is better; `None` if it has not been scored.
///
/// The trial is asked, not the candidate: where parameters do not matter for a stage, the candidate leaves them out.
fn loss(seen: &Seen<'_>, pipeline: usize, params: &ParamMap) -> Option<f64> {
    let is_own = |scores: &&Scores| match &scores.trial.what {
        Wanted::Params(of, proposed) => *of == pipeline && proposed.same(params),
        Wanted::Known(_) => false,
    };
    let sign = if seen.larger_is_better { -1.0 } else { 1.0 };
    // A candidate that failed, or that has no metric, is worse than any other.
    let loss = |scores: &Scores| scores.mean().map_or(f64::INFINITY, |mean| sign * mean);
    seen.trials.iter().find(is_own).map(loss)
}

impl Strategy for OneAtATime {
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        self.validate()?;
        let mut trials = Vec::new();
        for (pipeline, grid) in seen.grids.iter().enumerate() {
            for axes in grid.products() {
                let next = self.next(seen, pipeline, axes).into_iter();
                let next = next.map(|params| Trial::of_pipeline(pipeline, params));
                // Parts of a union may have candidates in common.
                trials.extend(next.filter(|trial| !trials.contains(trial)).collect::<Vec<_>>());
            }
        }
        if let Some(left) = seen.fits_left {
            let affordable = usize::try_from(left / seen.rounds.max(1) as u64)?;
            ensure!(
                affordable > 0 || !seen.trials.is_empty(),
                "max_fits does not allow for the {} rounds of a single candidate",
                seen.rounds
            );
            trials.truncate(affordable);
        }
        Ok(trials)
    }

    /// It makes candidates of the values by itself, so that grids may have ranges.
    fn lists_candidates(&self) -> bool {
        false
    }
}

impl NamedStrategy for OneAtATime {
    const NAME: &'static str = "acme.one_at_a_time";
}

luthier_tune::register_strategy!(OneAtATime: "Varies one parameter at a time and keeps its best value.");
