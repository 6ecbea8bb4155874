//! Successive halving.

use luthier_core::{ParamEnum, Params, Value};

use super::{NamedStrategy, Scores, Seen, Strategy, Trial};
use crate::Error;

/// What [`Halving`] gives to candidates in small portions first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ParamEnum)]
pub enum Resource {
    /// Rounds: all candidates are scored on a few rounds, the better ones on more. Scores on earlier rounds are kept, so this
    /// never costs more than scoring every candidate.
    #[default]
    Rounds,
    /// Training rows: all candidates are fitted on a share of the blocks of the training rows of every round, the better ones
    /// on more. It needs a splitter with several blocks of training rows, such as `k_fold`.
    Rows,
    /// A parameter such as `lr.max_iter`, which is named by `param`.
    Param,
}

/// Successive halving: scores all candidates with few resources, and the best of them with more (Jamieson and Talwalkar
/// 2016; the resources and rungs are those of scikit-learn's `HalvingGridSearchCV` with `min_resources="exhaust"`).
///
/// Each rung keeps `1/factor` of the candidates, rounded up, and gives them `factor` times as much. The last rung has all
/// resources. With 500 candidates, 10 rounds and the default factor of 3, the rungs are 500 candidates on 1 round, 167 on 3 and
/// 56 on 10: 1,226 fits in place of 5,000.
///
/// Where candidates share their work, as in a linear regression with many penalties, scoring all of them costs little
/// more than scoring one, and halving saves nothing. It pays off where a fit iterates over the rows. It may drop a candidate that
/// is good on average but bad on the first rounds: [`Racing`](super::Racing) takes the spread between rounds into account.
#[derive(Debug, Clone, Params)]
#[params(check = "Self::check")]
pub struct Halving {
    /// How many times as many candidates a rung has as the next one.
    #[param(default = 3.0, greater_than = 1.0)]
    factor: f64,
    /// What is given in portions: `rounds`, `rows` or `param`.
    #[param(default = Resource::Rounds)]
    resource: Resource,
    /// The parameter that is the resource, such as `lr.max_iter`.
    #[param(default)]
    param: Option<String>,
    /// Its value in the last rung: needed where candidates do not set it.
    #[param(default, range = 1..)]
    max_value: Option<u32>,
    /// The share of the resources in the first rung; by default as little as the number of candidates and rounds suggests.
    #[param(default, greater_than = 0.0, range = ..=1.0)]
    min_share: Option<f64>,
}

/// The candidates that a rung takes over from the one before, and its share of the resources.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rung {
    candidates: usize,
    share: f64,
}

impl Halving {
    fn check(&self) -> Result<(), String> {
        match (self.resource, &self.param) {
            (Resource::Param, None) => {
                Err("`resource = \"param\"` needs `param`, such as \"lr.max_iter\"".to_owned())
            }
            (Resource::Rounds | Resource::Rows, Some(param)) => Err(format!(
                "`param = \"{param}\"` is only for `resource = \"param\"`: add it, or omit `param`"
            )),
            (Resource::Param, Some(param)) if self.max_value.is_none() => Err(format!(
                "`resource = \"param\"` needs `max_value`, the value of `{param}` in the last rung"
            )),
            _ => Ok(()),
        }
    }

    /// The rungs for this number of candidates. `least` is the smallest share of the resources that can be given.
    fn rungs(&self, candidates: usize, least: f64) -> Vec<Rung> {
        let first = self.min_share.unwrap_or(0.0).max(least);
        // As many rungs as the candidates or the resources allow; the last one has all resources.
        let by_candidates = (candidates as f64).ln() / self.factor.ln();
        let by_share = (1.0 / first).ln() / self.factor.ln();
        let more = (by_candidates.min(by_share) + 1e-9).floor().max(0.0) as i32;
        (0..=more)
            .map(|rung| Rung {
                candidates: (candidates as f64 / self.factor.powi(rung) - 1e-9).ceil() as usize,
                share: if rung == more { 1.0 } else { self.factor.powi(rung - more).max(first) },
            })
            .collect()
    }

    /// A candidate with a share of the resources.
    fn trial(&self, candidate: usize, share: f64, rounds: usize) -> Trial {
        let trial = Trial::candidate(candidate);
        match (self.resource, &self.param, self.max_value) {
            (Resource::Rows, ..) => trial.training_share(share),
            (Resource::Param, Some(param), Some(most)) if share < 1.0 => {
                trial.with(param, Value::Int(((share * f64::from(most)).round() as i64).max(1)))
            }
            (Resource::Param, ..) => trial,
            _ => trial.on(0..rounds_of(share, rounds)),
        }
    }
}

fn rounds_of(share: f64, rounds: usize) -> usize {
    ((share * rounds as f64 + 1e-9).floor() as usize).clamp(1, rounds)
}

impl Strategy for Halving {
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        let listed: Vec<usize> = (0..seen.candidates.len()).collect();
        if self.resource == Resource::Rounds && seen.rounds < 2 {
            return Err(Error::invalid(
                "halving over rounds needs at least 2 of them, but the splitter has 1: use `resource = \"param\"`, or a \
                 splitter with more rounds such as `k_fold`",
            )
            .into());
        }
        let least = match (self.resource, self.max_value) {
            (Resource::Rounds, _) => 1.0 / seen.rounds as f64,
            (Resource::Param, Some(most)) => 1.0 / f64::from(most),
            _ => 0.05,
        };
        let rungs = self.rungs(listed.len(), least);
        let mut rest = seen.trials;
        let mut candidates = listed;
        for rung in rungs {
            candidates.truncate(rung.candidates);
            if rest.is_empty() {
                candidates.sort_unstable();
                return Ok(candidates.into_iter().map(|c| self.trial(c, rung.share, seen.rounds)).collect());
            }
            let (done, later): (&[Scores], _) = rest.split_at(candidates.len().min(rest.len()));
            candidates = seen.ranked(done);
            rest = later;
        }
        Ok(Vec::new())
    }
}

impl NamedStrategy for Halving {
    const NAME: &'static str = "halving";
}

crate::register_strategy!(Halving: "Scores all candidates with few resources and the best of them with more.");

#[cfg(test)]
mod tests {
    use super::*;

    fn rungs(halving: &Halving, candidates: usize, least: f64) -> Vec<(usize, f64)> {
        halving.rungs(candidates, least).iter().map(|rung| (rung.candidates, rung.share)).collect()
    }

    #[test]
    fn each_rung_has_fewer_candidates_and_more_resources() {
        let halving = Halving::new();
        let shares = rungs(&halving, 500, 0.1);
        assert_eq!(shares.iter().map(|rung| rung.0).collect::<Vec<_>>(), [500, 167, 56]);
        assert_eq!(shares.iter().map(|rung| rounds_of(rung.1, 10)).collect::<Vec<_>>(), [1, 3, 10]);
        assert_eq!(rungs(&halving, 2, 0.1), [(2, 1.0)]);
        assert_eq!(rungs(&halving, 9, 1.0 / 3.0), [(9, 1.0 / 3.0), (3, 1.0)]);
        assert_eq!(rungs(&Halving::new().factor(2.0), 4, 0.01), [(4, 0.25), (2, 0.5), (1, 1.0)]);
        assert_eq!(rungs(&Halving::new().min_share(0.5), 500, 0.1), [(500, 1.0)]);
    }

    #[test]
    fn parameters_that_contradict_each_other_are_errors() {
        assert!(Halving::new().validate().is_ok());
        for wrong in [
            Halving::new().resource(Resource::Param),
            Halving::new().resource(Resource::Param).param("lr.max_iter".to_owned()),
            Halving::new().param("lr.max_iter".to_owned()),
        ] {
            assert!(wrong.validate().is_err(), "{wrong:?}");
        }
    }
}
