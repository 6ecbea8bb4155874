//! Trials and their scores.

use luthier_core::{ParamMap, Value};

use crate::result::{FoldResult, Outcome};

/// A candidate and the rounds on which it is to be scored.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Trial {
    /// Which candidate.
    pub what: Wanted,
    /// The rounds; all of them if this is `None`.
    pub rounds: Option<Vec<usize>>,
    /// The share of the blocks of the training rows to fit on, if not all.
    pub training_share: Option<f64>,
    /// Parameters that are set for this trial only, such as a smaller `max_iter`.
    pub instead: ParamMap,
}

/// The candidate of a trial.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// A known one, by its position.
    Known(usize),
    /// One of this pipeline with these parameters. It is added to the candidates unless it is known.
    Params(usize, ParamMap),
}

impl Trial {
    /// A known candidate on all rounds.
    pub fn candidate(candidate: usize) -> Self {
        Self::of(Wanted::Known(candidate))
    }

    /// A candidate of the first pipeline with these parameters, on all rounds.
    pub fn new(params: ParamMap) -> Self {
        Self::of(Wanted::Params(0, params))
    }

    /// A candidate of a pipeline with these parameters, on all rounds.
    pub fn of_pipeline(pipeline: usize, params: ParamMap) -> Self {
        Self::of(Wanted::Params(pipeline, params))
    }

    fn of(what: Wanted) -> Self {
        Self { what, rounds: None, training_share: None, instead: ParamMap::new() }
    }

    /// The same on these rounds.
    #[must_use]
    pub fn on(self, rounds: impl IntoIterator<Item = usize>) -> Self {
        Self { rounds: Some(rounds.into_iter().collect()), ..self }
    }

    /// The same, fitted on a share of the blocks of the training rows, at least one block. Such scores show which candidates
    /// are promising; they do not count for the mean of the candidate.
    #[must_use]
    pub fn training_share(self, share: f64) -> Self {
        Self { training_share: Some(share).filter(|share| *share < 1.0), ..self }
    }

    /// The same with another value for a parameter. Such scores do not count for the mean of the candidate.
    #[must_use]
    pub fn with(self, path: &str, value: impl Into<Value>) -> Self {
        Self { instead: self.instead.with(path, value.into()), ..self }
    }

    /// The candidate, if it is a known one.
    pub fn known_candidate(&self) -> Option<usize> {
        match self.what {
            Wanted::Known(candidate) => Some(candidate),
            Wanted::Params(..) => None,
        }
    }

    /// The number of rounds, of `all` that there are.
    pub(crate) fn len(&self, all: usize) -> u64 {
        self.rounds.as_ref().map_or(all, Vec::len) as u64
    }

    /// The same with the numbers that the rounds have in a list.
    pub(crate) fn over(self, list: &[u32]) -> Self {
        let number = |round: usize| list.get(round).map_or(round, |&number| number as usize);
        let rounds: Vec<usize> = match &self.rounds {
            Some(rounds) => rounds.iter().map(|&round| number(round)).collect(),
            None => (0..list.len()).map(number).collect(),
        };
        self.on(rounds)
    }

    /// Whether its scores count for the candidate: it is fitted on all training rows, with its own parameters.
    pub fn is_full(&self) -> bool {
        self.training_share.is_none() && self.instead.is_empty()
    }
}

/// A trial with its scores.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scores {
    /// What was proposed.
    pub trial: Trial,
    /// The position of the candidate.
    pub candidate: usize,
    /// One per round of the trial. The number of the fold is that of the round.
    pub rounds: Vec<FoldResult>,
}

impl Scores {
    /// The scores of a trial of the candidate with this position.
    pub fn new(trial: Trial, candidate: usize, rounds: Vec<FoldResult>) -> Self {
        Self { trial, candidate, rounds }
    }

    /// Mean of the metric over the rounds of the trial that have it; `None` if there is none, if the candidate failed on
    /// one of them, or if some are infinite with either sign.
    pub fn mean(&self) -> Option<f64> {
        let failed = self.rounds.iter().any(|round| round.outcome != Outcome::Scored);
        let metrics = || self.rounds.iter().map(|round| round.metric).filter(|metric| !metric.is_nan());
        let n = metrics().count();
        (n > 0 && !failed).then(|| metrics().sum::<f64>() / n as f64).filter(|mean| !mean.is_nan())
    }
}
