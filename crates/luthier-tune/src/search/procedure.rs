//! The score of the whole procedure: nested cross-validation.

use std::collections::HashMap;

use luthier_core::{Round, Rows, Value};
use serde::{Deserialize, Serialize};

use crate::result::corrected_std_error;
use crate::splitter::Split;
use crate::{Error, Result};

/// Whether a search also scores the procedure by which it chooses the best candidate, by nested cross-validation.
///
/// The mean metric of the best of many candidates is too good: it was chosen because it is good on these rows. Nested
/// cross-validation chooses anew for each round, by rounds within its training rows only, and scores what it has chosen on its
/// validation rows (Varma and Simon 2006). If folds `i` and `j` are left out of a cross-validation, the training rows are the
/// merge of all other folds, so where a search needs only summaries of the rows, this reads nothing again. In a rolling
/// origin, the rounds before a round are within its training rows already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nested {
    /// The procedure is not scored.
    #[default]
    Off,
    /// The procedure is scored if that takes neither another pass over the rows nor more than 20,000 pairs of a
    /// candidate and a round.
    Auto,
    /// The procedure is scored whatever it takes, if the splitter allows it: a single round cannot be nested.
    On,
}

impl Nested {
    /// From a value in a configuration: `true`, `false` or `"auto"`.
    ///
    /// # Errors
    /// Any other value.
    pub fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Bool(true) => Ok(Self::On),
            Value::Bool(false) => Ok(Self::Off),
            Value::Str(text) if text == "auto" => Ok(Self::Auto),
            other => Err(Error::invalid(format!("nested = {other}, expected true, false or \"auto\""))),
        }
    }
}

/// How good the procedure is that chooses the best candidate: the score to expect of its model on new rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProcedureScore {
    /// Mean of the metric over the rounds that have it.
    #[serde(with = "luthier_core::json::float")]
    pub mean: f64,
    /// The standard error of the mean, with the correction for training sets that overlap: see
    /// [`CandidateResult::std_error`](crate::CandidateResult::std_error).
    #[serde(with = "luthier_core::json::float")]
    pub std_error: f64,
    /// What was chosen in each round, and its metric.
    pub rounds: Vec<ProcedureRound>,
}

/// One round of the score of a procedure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProcedureRound {
    /// The fold that was left out.
    pub fold: u32,
    /// The candidate that is the best by the rounds within its training rows; `None` if no candidate has a mean there.
    pub candidate: Option<usize>,
    /// Its metric on the fold that was left out; NaN if it is missing.
    #[serde(with = "luthier_core::json::float")]
    pub metric: f64,
}

/// The rounds by which the best candidate is chosen anew for each round of a split.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nesting {
    /// For each round of the plain split the rounds within its training rows.
    inner: Vec<Vec<usize>>,
}

/// A split with more rounds is not nested.
const MOST_ROUNDS: usize = 1000;

/// The split with the rounds that have to be added for nested cross-validation; `None` if no round has others within its
/// training rows.
pub(crate) fn nest(split: &Split) -> Option<(Split, Nesting)> {
    let plain = split.rounds();
    if plain.len() > MOST_ROUNDS {
        return None;
    }
    let mut inner = Vec::with_capacity(plain.len());
    // Rounds with the same training rows one after the other, with the round that each of them is within.
    let mut added: Vec<Vec<(usize, Round)>> = Vec::new();
    let mut places: HashMap<Rows, usize> = HashMap::new();
    for (place, outer) in plain.iter().enumerate() {
        let is_within = |rows: &Rows| rows.without(&outer.train) == Rows::blocks([]);
        let mut within = Vec::new();
        for (other, round) in plain.iter().enumerate().filter(|(other, _)| *other != place) {
            if !is_within(&round.validate) {
                continue;
            }
            if is_within(&round.train) {
                within.push(other);
                continue;
            }
            // Where both hold out parts of the same rows, the training rows are those that neither holds out.
            let is_sibling = round.train.and(&round.validate) == outer.train.and(&outer.validate);
            let train = outer.train.without(&round.validate);
            if is_sibling && split.blocks().num_rows(&train) > 0 {
                let at = *places.entry(train.clone()).or_insert(added.len());
                let inner = (place, Round::new(train, round.validate.clone()));
                match added.get_mut(at) {
                    Some(alike) => alike.push(inner),
                    None => added.push(vec![inner]),
                }
            }
        }
        inner.push(within);
    }
    let mut rounds = plain.to_vec();
    for (outer, round) in added.into_iter().flatten() {
        if let Some(within) = inner.get_mut(outer) {
            within.push(rounds.len());
        }
        rounds.push(round);
    }
    let nested = split.with_rounds(rounds);
    inner.iter().any(|within| !within.is_empty()).then_some((nested, Nesting { inner }))
}

impl Nesting {
    /// The rounds within the training rows of each round of the split that has some.
    pub(crate) fn inner(&self) -> impl Iterator<Item = (u32, &[usize])> {
        let rounds = (0..).zip(&self.inner).filter(|(_, within)| !within.is_empty());
        rounds.map(|(round, within)| (round, &within[..]))
    }
}

impl ProcedureScore {
    /// From what was chosen in each round.
    pub(crate) fn new(rounds: Vec<ProcedureRound>, overlap: f64) -> Self {
        let metrics: Vec<f64> =
            rounds.iter().map(|round| round.metric).filter(|metric| !metric.is_nan()).collect();
        Self {
            mean: metrics.iter().sum::<f64>() / metrics.len() as f64,
            std_error: corrected_std_error(&metrics, overlap),
            rounds,
        }
    }
}
