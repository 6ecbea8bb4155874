//! Which of the candidates is taken.

use std::fmt;
use std::str::FromStr;

use luthier_core::Value;
use serde::{Deserialize, Serialize};

use crate::result::{CandidateResult, best_of, std_error_of};
use crate::{Error, Result};

/// The rule by which a search chooses among its candidates.
///
/// Many candidates are often about equally good, and the best mean among them is a matter of chance. Then a simpler
/// candidate may be preferred. Which one is simpler follows from the parameters of the stages that are declared to make a
/// model simpler, such as a larger `reg_param`: a candidate is simpler than another one of the same pipeline if all of these
/// parameters in which they differ say so. Among the simpler candidates within reach, one is chosen to which none of the
/// others is simpler; of several, the one with the best rank.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Selection {
    /// The candidate with the best mean.
    #[default]
    Best,
    /// The simplest candidate whose mean is within one standard error of the best one (Breiman et al. 1984, section 3.4.3). The
    /// standard error is that of the best candidate's mean: see
    /// [`CandidateResult::std_error`].
    OneStandardError,
    /// The simplest candidate whose mean is worse than the best one by at most this share of it: 0.01 is one percent.
    Tolerance(f64),
}

impl Selection {
    /// From a value in a configuration: `"best"`, `"one_standard_error"`, or a share from 0 to below 1.
    ///
    /// # Errors
    /// Any other value.
    pub fn from_value(value: &Value) -> Result<Self> {
        let share = match value {
            Value::Str(text) => return text.parse(),
            Value::Float(share) => *share,
            Value::Int(share) => *share as f64,
            _ => f64::NAN,
        };
        match (0.0..1.0).contains(&share) {
            true => Ok(Self::Tolerance(share)),
            false => Err(wrong(&value.to_string())),
        }
    }

    /// The chosen candidate: its position and that of the best one in the list. `simpler(a, b)` says whether `a` is simpler
    /// than `b`. `None` if none has a mean.
    pub(crate) fn choose(
        self,
        candidates: &[CandidateResult],
        larger_is_better: bool,
        overlap: f64,
        simpler: impl Fn(usize, usize) -> bool,
    ) -> Option<usize> {
        let place = best_of(candidates.iter().map(CandidateResult::summary), larger_is_better)?;
        let best = candidates.get(place)?;
        let margin = match self {
            Self::Best => return Some(place),
            Self::OneStandardError => std_error_of(best, overlap),
            Self::Tolerance(share) => share * best.mean.abs(),
        };
        let within = |candidate: &CandidateResult| {
            candidate.has_mean()
                && candidate.scored_folds == best.scored_folds
                && (candidate.mean - best.mean).abs() <= margin
        };
        let mut near: Vec<usize> =
            (0..candidates.len()).filter(|&place| within(&candidates[place])).collect();
        near.sort_by_key(|&place| candidates[place].rank);
        let mut chosen = place;
        for other in near {
            if simpler(candidates[other].index, candidates[chosen].index) {
                chosen = other;
            }
        }
        Some(chosen)
    }
}

fn wrong(found: &str) -> Error {
    Error::invalid(format!(
        "selection is {found}, expected \"best\", \"one_standard_error\" or a share of the best mean from 0 to below 1, such as 0.01"
    ))
}

impl FromStr for Selection {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "best" => Ok(Self::Best),
            "one_standard_error" => Ok(Self::OneStandardError),
            other => Err(wrong(&format!("{other:?}"))),
        }
    }
}

/// `best`, `one_standard_error`, or the share.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("best"),
            Self::OneStandardError => f.write_str("one_standard_error"),
            Self::Tolerance(share) => write!(f, "{share}"),
        }
    }
}
