//! Successive halving.

use luthier_core::{ParamEnum, Params, Value};

use super::{Candidate, NamedStrategy, Scores, Seen, Strategy, Trial};
use crate::Error;

/// What [`Halving`] gives to candidates in small portions first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ParamEnum)]
pub enum Resource {
    /// Rounds: all candidates are scored on a few rounds, the better ones on more. Scores on earlier rounds are kept, so this
    /// never costs more than scoring every candidate.
    #[default]
    Rounds,
    /// Training rows: all candidates are fitted on a share of the blocks of the training rows of every round, the better ones
    /// on more. It needs a splitter with several blocks of training rows, such as `k_fold`, where a round has one less than there are
    /// folds; with fewer blocks than `factor`, no share is small enough, and all candidates have all rows.
    Rows,
    /// A parameter such as `lr.max_iter`, which is named by `param`.
    Param,
}

/// The smallest share of the training rows that candidates are fitted on.
const LEAST_ROWS: f64 = 0.05;

/// Numbers that differ by less are equal but for rounding.
const ROUNDING: f64 = 1e-9;

/// Successive halving: scores all candidates with few resources, and the best of them with more (Jamieson and Talwalkar
/// 2016). There are as many rungs as in scikit-learn's `HalvingGridSearchCV` with `min_resources="exhaust"`, with as many candidates;
/// but the last one always has all resources, so that its scores are those of a grid search.
///
/// Each rung keeps `1/factor` of the candidates, rounded up, and gives them `factor` times as much. With 500 candidates, 10 rounds
/// and the default factor of 3, the rungs are 500 candidates on 1 round, 167 on 3 and 56 on 10: 1,226 fits in place of 5,000.
/// Rungs that would not have more resources than the one before are left out.
///
/// Where the search has a limit (`max_fits`), later rungs keep fewer candidates, all in the same proportion and at least one.
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
    /// Its value in the pipeline, with which the last rung is fitted: needed where candidates do not set it.
    #[param(default, range = 1..)]
    max_value: Option<u32>,
    /// The smallest share of the resources that the first rung may have; by default as little as the number of candidates and
    /// rounds suggests.
    #[param(default, greater_than = 0.0, range = ..=1.0)]
    min_share: Option<f64>,
}

/// How many candidates are scored with how many portions of the resources.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rung {
    candidates: usize,
    portions: usize,
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
            _ => Ok(()),
        }
    }

    /// The number of portions that the resources consist of.
    fn portions(&self, seen: &Seen<'_>) -> Result<usize, Error> {
        match (self.resource, &self.param) {
            (Resource::Rounds, _) if seen.rounds < 2 => Err(Error::invalid(
                "halving over rounds needs at least 2 of them, but the splitter has 1: use `resource = \"param\"`, or a splitter \
                 with more rounds such as `k_fold`",
            )),
            (Resource::Rounds, _) => Ok(seen.rounds),
            (Resource::Rows, _) if seen.training_blocks < 2 => Err(Error::invalid(
                "halving over training rows needs a splitter with several blocks of them, such as `k_fold` with at least 3 \
                 folds, but they are one block: use `resource = \"rounds\"` or `resource = \"param\"`",
            )),
            (Resource::Rows, _) => Ok(seen.training_blocks),
            (Resource::Param, param) => {
                // Of the candidate with the smallest value, so that each rung has another value for every candidate.
                let values = seen.candidates.iter().map(|candidate| self.value(candidate));
                let least = values.collect::<Option<Vec<u32>>>().map(|values| values.into_iter().min());
                let needs = || {
                    Error::invalid(format!(
                        "`resource = \"param\"` needs `max_value`, the value of `{}` in the pipeline, since not all candidates \
                         set it",
                        param.as_deref().unwrap_or_default()
                    ))
                };
                Ok(least.ok_or_else(needs)?.unwrap_or(1) as usize)
            }
        }
    }

    /// The value of the parameter that is the resource, if a candidate has all of it.
    fn value(&self, candidate: &Candidate) -> Option<u32> {
        let own = self.param.as_ref().and_then(|param| candidate.params.get(param));
        match own {
            Some(Value::Int(value)) => u32::try_from(*value).ok().filter(|value| *value > 0),
            _ => self.max_value,
        }
    }

    /// The rungs for this number of candidates and of portions, without those that have no more portions than the one before.
    fn rungs(&self, candidates: usize, portions: usize) -> Vec<Rung> {
        let mut rungs = self.schedule(candidates, portions);
        rungs.dedup_by_key(|rung| rung.portions);
        rungs
    }

    fn schedule(&self, candidates: usize, portions: usize) -> Vec<Rung> {
        let least = if self.resource == Resource::Rows { LEAST_ROWS } else { 0.0 };
        let first = self.min_share.unwrap_or(0.0).max(1.0 / portions as f64).max(least);
        // As many rungs as the candidates or the resources allow; the last one has all resources.
        let by_candidates = (candidates as f64).ln() / self.factor.ln();
        let by_share = (1.0 / first).ln() / self.factor.ln();
        let more = (by_candidates.min(by_share) + ROUNDING).floor().max(0.0) as i32;
        let mut kept = candidates;
        let rung = |rung: i32| {
            let share = if rung == more { 1.0 } else { self.factor.powi(rung - more).max(first) };
            let of_all = (share * portions as f64 + ROUNDING).floor() as usize;
            let now = Rung { candidates: kept, portions: of_all.clamp(1, portions) };
            kept = (kept as f64 / self.factor - ROUNDING).ceil() as usize;
            now
        };
        (0..=more).map(rung).collect()
    }

    /// A candidate with the resources of a rung. Of rounds, only those that the rung before did not have.
    fn trial(&self, candidate: usize, rung: Rung, before: usize, all: usize, seen: &Seen<'_>) -> Trial {
        let trial = Trial::candidate(candidate);
        let share = rung.portions as f64 / all as f64;
        let value = || seen.candidates.get(candidate).and_then(|candidate| self.value(candidate));
        match (self.resource, &self.param) {
            (Resource::Rounds, _) => trial.on(before..rung.portions),
            (Resource::Rows, _) => trial.training_share(share),
            (Resource::Param, Some(param)) if rung.portions < all => match value() {
                Some(value) => trial.with(param, (share * f64::from(value)).round().max(1.0) as i64),
                None => trial,
            },
            (Resource::Param, _) => trial,
        }
    }

    /// The candidates of a rung from best to worst, by all that they have been given so far.
    fn ranked(&self, seen: &Seen<'_>, before: &[Scores], last: &[Scores]) -> Vec<usize> {
        if self.resource != Resource::Rounds || before.is_empty() {
            return seen.ranked(last);
        }
        let mut all: Vec<Scores> = last.to_vec();
        for scores in before {
            let place = all.binary_search_by_key(&scores.candidate, |scores| scores.candidate);
            if let Some(own) = place.ok().and_then(|place| all.get_mut(place)) {
                own.rounds.extend(scores.rounds.iter().cloned());
            }
        }
        seen.ranked(&all)
    }
}

/// How many candidates the first of these rungs can have, so that those behind it can have as many in proportion, and at least one.
/// Each rung comes with the number of pairs of a candidate and a round that a candidate takes there.
fn affordable(rungs: &[(Rung, u64)], left: u64) -> usize {
    let Some(((first, each), later)) = rungs.split_first() else { return 0 };
    let all: u64 = rungs.iter().map(|(rung, each)| rung.candidates as u64 * each).sum();
    let reserved: u64 = later.iter().map(|(_, each)| each).sum();
    if all <= left {
        return first.candidates;
    }
    let in_proportion = first.candidates as f64 * left as f64 / all as f64;
    let at_most = left.saturating_sub(reserved) / each.max(&1);
    (in_proportion as usize).min(usize::try_from(at_most).unwrap_or(usize::MAX)).max(1)
}

impl Strategy for Halving {
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        let all = self.portions(seen)?;
        let rungs = self.rungs(seen.candidates.len(), all);
        let before = |place: usize| match self.resource {
            Resource::Rounds => {
                place.checked_sub(1).and_then(|place| rungs.get(place)).map_or(0, |r| r.portions)
            }
            _ => 0,
        };
        let each = |(place, rung): (usize, &Rung)| match self.resource {
            Resource::Rounds => (*rung, (rung.portions - before(place)) as u64),
            _ => (*rung, seen.rounds as u64),
        };
        let costs: Vec<(Rung, u64)> = rungs.iter().enumerate().map(each).collect();
        let spent: u64 = seen.trials.iter().map(|scores| scores.rounds.len() as u64).sum();
        // What was left at the beginning.
        let mut left = seen.fits_left.map_or(u64::MAX, |left| left.saturating_add(spent));
        if let (Some((first, each)), true) = (costs.first(), seen.trials.is_empty()) {
            seen.require_fits(
                first.candidates as u64 * each + costs.iter().skip(1).map(|(_, each)| each).sum::<u64>(),
            )?;
        }
        let mut candidates: Vec<usize> = (0..seen.candidates.len()).collect();
        let mut rest = seen.trials;
        for (place, (rung, each)) in costs.iter().enumerate() {
            // The first rung has all candidates, which is at least what the search takes.
            let most = if place == 0 { rung.candidates } else { affordable(&costs[place..], left) };
            candidates.truncate(most.min(rung.candidates));
            if rest.is_empty() {
                candidates.sort_unstable();
                let trial = |candidate| self.trial(candidate, *rung, before(place), all, seen);
                return Ok(candidates.into_iter().map(trial).collect());
            }
            left = left.saturating_sub(candidates.len() as u64 * each);
            let (done, later): (&[Scores], _) = rest.split_at(candidates.len().min(rest.len()));
            let earlier = seen.trials.len() - rest.len();
            candidates = self.ranked(seen, &seen.trials[..earlier], done);
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

    fn rungs(halving: &Halving, candidates: usize, portions: usize) -> Vec<(usize, usize)> {
        halving.rungs(candidates, portions).iter().map(|rung| (rung.candidates, rung.portions)).collect()
    }

    #[test]
    fn each_rung_has_fewer_candidates_and_more_resources() {
        let halving = Halving::new();
        assert_eq!(rungs(&halving, 500, 10), [(500, 1), (167, 3), (56, 10)]);
        assert_eq!(rungs(&halving, 2, 10), [(2, 10)]);
        assert_eq!(rungs(&halving, 9, 3), [(9, 1), (3, 3)]);
        assert_eq!(rungs(&Halving::new().factor(2.0), 4, 100), [(4, 25), (2, 50), (1, 100)]);
        assert_eq!(rungs(&Halving::new().min_share(0.5), 500, 10), [(500, 10)]);
        // A rung that would have as little as the one before is left out.
        assert_eq!(rungs(&Halving::new().factor(1.3), 20, 3), [(20, 1), (10, 2), (8, 3)]);
        let rows = Halving::new().resource(Resource::Rows);
        assert_eq!(rungs(&rows, 30, 2), [(30, 2)]);
        assert_eq!(rungs(&rows, 30, 4), [(30, 1), (10, 4)]);
        assert_eq!(rungs(&rows.factor(2.0), 30, 2), [(30, 1), (15, 2)]);
    }

    /// Candidates, resources and factors with the candidates and resources of each rung of scikit-learn 1.9's `HalvingGridSearchCV` with
    /// `resource="n"` and `min_resources="exhaust"`.
    #[test]
    fn candidates_are_those_of_scikit_learn_with_at_least_its_resources() {
        let mut cases = 0;
        for line in include_str!("halving_cases.txt").lines() {
            let mut parts = line.split(';').map(|part| {
                part.split_whitespace().map(|number| number.parse::<f64>().unwrap()).collect::<Vec<f64>>()
            });
            let (given, kept, resources) =
                (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
            let schedule = Halving::new().factor(given[2]).schedule(given[0] as usize, given[1] as usize);
            let own: Vec<f64> = schedule.iter().map(|rung| rung.candidates as f64).collect();
            assert_eq!(own, kept, "{line}");
            assert_eq!(schedule.last().unwrap().portions as f64, given[1], "{line}");
            // Theirs are multiples of the smallest, rounded down; ours are as much more as lets the last rung have all.
            let more = given[1] / resources.last().unwrap();
            for (rung, theirs) in schedule.iter().zip(resources) {
                let portions = rung.portions as f64;
                assert!(theirs <= portions && portions <= more * (theirs + 1.0), "{line}: {schedule:?}");
            }
            cases += 1;
        }
        assert_eq!(cases, 50);
    }

    #[test]
    fn a_limit_leaves_room_for_all_rungs() {
        // 30 candidates on 1 round, 10 on 2 more, 4 on 6 more: 74 pairs.
        let costs = [(30, 1, 1), (10, 3, 2), (4, 9, 6)]
            .map(|(candidates, portions, each)| (Rung { candidates, portions }, each));
        assert_eq!(affordable(&costs[1..], 44), 10);
        assert_eq!(affordable(&costs[1..], 22), 5);
        assert_eq!(affordable(&costs[2..], 12), 2);
        assert_eq!(affordable(&costs[1..], 8), 1);
    }

    #[test]
    fn parameters_that_contradict_each_other_are_errors() {
        assert!(Halving::new().validate().is_ok());
        for wrong in
            [Halving::new().resource(Resource::Param), Halving::new().param("lr.max_iter".to_owned())]
        {
            assert!(wrong.validate().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_candidate_that_sets_the_parameter_has_a_share_of_its_own_value() {
        let of = |value: i64| Candidate::new(0, luthier_core::ParamMap::new().with("lr.max_iter", value));
        let halving = Halving::new().factor(2.0).resource(Resource::Param).param("lr.max_iter".to_owned());
        let trials = halving.propose(&Seen::new(&[of(10), of(40)], &[], 3)).unwrap();
        let values: Vec<_> = trials.iter().map(|trial| trial.instead.get("lr.max_iter").cloned()).collect();
        assert_eq!(values, [Some(Value::Int(5)), Some(Value::Int(20))]);
        let unset = [of(10), Candidate::new(0, luthier_core::ParamMap::new())];
        let error = halving.propose(&Seen::new(&unset, &[], 3)).unwrap_err().to_string();
        assert!(error.contains("needs `max_value`, the value of `lr.max_iter` in the pipeline"), "{error}");
    }
}
