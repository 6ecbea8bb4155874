//! Why candidates failed.

use std::fmt;

use crate::failure::Failure;
use crate::notes::numbered;

/// One reason why candidates failed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureSummary {
    /// The reason.
    pub failure: Failure,
    /// The candidates that failed for this reason.
    pub candidates: Vec<usize>,
    /// The folds on which they failed.
    pub folds: Vec<u32>,
    /// The number of pairs of a candidate and a fold that failed for this reason.
    pub times: usize,
}

impl FailureSummary {
    pub(super) fn add(&mut self, candidate: usize, fold: u32) {
        self.times += 1;
        if self.candidates.last() != Some(&candidate) {
            self.candidates.push(candidate);
        }
        if let Err(place) = self.folds.binary_search(&fold) {
            self.folds.insert(place, fold);
        }
    }
}

/// `candidates 0-3, 7 on fold 2 (5 times): …`
impl fmt::Display for FailureSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folds: Vec<usize> = self.folds.iter().map(|&fold| fold as usize).collect();
        write!(f, "{} on {}", numbered("candidate", &self.candidates), numbered("fold", &folds))?;
        if self.times > 1 {
            write!(f, " ({} times)", self.times)?;
        }
        write!(f, ": {}", self.failure)
    }
}
