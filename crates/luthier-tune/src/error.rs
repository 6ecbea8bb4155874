//! The error type of grids, splits and searches.

use luthier_core::params::ParamError;
use luthier_core::{Cause, ParamMap};

use crate::named::name_of;
use crate::notes::MOST_REASONS;
use crate::result::{CandidateResult, FailureSummary, SearchResult};
use crate::splitter::Splitter;

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong when a search is configured and run.
///
/// A candidate that fails inside of a search is a row of its results, not an error of the search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A stage, parameter, frame or registered name is wrong.
    #[error(transparent)]
    Core(#[from] luthier_core::Error),

    /// A grid has an address without values, so it has no candidates.
    #[error("the grid has no values for `{address}`: give one at least, or leave the address out")]
    EmptyGrid {
        /// The parameter's address.
        address: String,
    },

    /// A grid with more candidates than a search can hold.
    #[error("the grid has {found} candidates, at most {limit} are possible: give fewer values")]
    GridTooLarge {
        /// Candidates of the grid, or `usize::MAX` if there are more.
        found: usize,
        /// What is possible.
        limit: usize,
    },

    /// A candidate of a grid cannot be fitted, whatever the rows: found before any fit.
    #[error("candidate {candidate}{} ({params}): {source}", of_pipeline(pipeline))]
    Candidate {
        /// Position in the grid, from 0.
        candidate: usize,
        /// Its pipeline, where several compete.
        pipeline: Option<String>,
        /// The values of its grid addresses.
        params: String,
        /// What is wrong.
        source: Box<luthier_core::Error>,
    },

    /// A part that was named in a configuration does not take these parameters.
    #[error("{kind} `{name}`: {source}")]
    Configuration {
        /// "splitter" or "executor".
        kind: &'static str,
        /// The registered name.
        name: &'static str,
        /// What is wrong.
        source: Box<ParamError>,
    },

    /// A splitter could not split the rows, or gave a split that cannot be used.
    #[error("splitter {splitter}: {source:#}")]
    Split {
        /// The splitter: its registered name and parameters, else its type.
        splitter: String,
        /// What its code returned, or what is wrong with the split.
        source: Cause,
    },

    /// An executor failed, or broke its contract.
    #[error("executor {name}: {message}")]
    Executor {
        /// The executor: its registered name and parameters, else its type.
        name: String,
        /// What went wrong.
        message: String,
    },

    /// No candidate has a mean metric: each failed on at least one fold. The table of the search is kept.
    #[error("{}", all_failed(result, reasons))]
    AllFailed {
        /// What the search found.
        result: Box<SearchResult>,
        /// Each distinct reason once, the most frequent first.
        reasons: Vec<FailureSummary>,
    },

    /// No candidate has a mean metric, because the metric is not defined on the rows of any fold. The table of the search
    /// is kept.
    #[error("no candidate has a metric: {reason}")]
    NoMetric {
        /// What the search found.
        result: Box<SearchResult>,
        /// What the rows lack.
        reason: String,
    },

    /// The best candidate could not be fitted on all rows; the table of the search is kept.
    #[error("the best candidate, {}, could not be fitted on all rows: {source}", result.best)]
    Refit {
        /// What the search found before.
        result: Box<SearchResult>,
        /// Why the fit failed.
        source: Box<luthier_core::Error>,
    },

    /// Anything else that the caller must mend; the message says how.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    /// An error whose message says what is wrong and what to do.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    pub(crate) fn candidate(index: usize, params: &ParamMap, error: impl Into<Self>) -> Self {
        match error.into() {
            Self::Core(source) => {
                let (params, source) = (params.to_string(), Box::new(source));
                Self::Candidate { candidate: index, pipeline: None, params, source }
            }
            other => other,
        }
    }

    /// Names the pipeline of the candidate that this is about.
    pub(crate) fn in_pipeline(mut self, name: &str) -> Self {
        if let Self::Candidate { pipeline, .. } = &mut self {
            *pipeline = Some(name.to_owned());
        }
        self
    }

    pub(crate) fn candidate_index(&self) -> Option<usize> {
        match self {
            Self::Candidate { candidate, .. } => Some(*candidate),
            _ => None,
        }
    }

    /// The table of a search that ended without a model, where there is one.
    pub fn result(&self) -> Option<&SearchResult> {
        match self {
            Self::AllFailed { result, .. } | Self::NoMetric { result, .. } | Self::Refit { result, .. } => {
                Some(result)
            }
            _ => None,
        }
    }

    pub(crate) fn splitter(splitter: &dyn Splitter, source: anyhow::Error) -> Self {
        Self::Split { splitter: name_of(splitter), source: Cause::new(source) }
    }
}

fn of_pipeline(pipeline: &Option<String>) -> String {
    pipeline.as_ref().map(|name| format!(" of pipeline `{name}`")).unwrap_or_default()
}

fn all_failed(result: &SearchResult, reasons: &[FailureSummary]) -> String {
    let (all, failed) =
        (result.candidates.len(), |c: &&CandidateResult| c.folds.iter().any(|f| f.error.is_some()));
    let failed = result.candidates.iter().filter(failed).count();
    let mut message = match (all, failed) {
        (1, _) => "the candidate failed".to_owned(),
        (all, failed) if all == failed => format!("all {all} candidates failed"),
        (all, failed) => format!(
            "no candidate has a metric: {failed} of {all} failed, and {} is not defined for the others",
            result.metric
        ),
    };
    if let [reason] = reasons {
        return format!("{message}: {reason}");
    }
    message.push(':');
    for reason in reasons.iter().take(MOST_REASONS) {
        message.push_str(&format!("\n- {reason}"));
    }
    if let Some(left) = reasons.len().checked_sub(MOST_REASONS).filter(|&left| left > 0) {
        message.push_str(&format!("\n- and {left} more reasons"));
    }
    message
}

impl From<ParamError> for Error {
    fn from(source: ParamError) -> Self {
        Self::Core(source.into())
    }
}

impl From<luthier_core::frame::Error> for Error {
    fn from(source: luthier_core::frame::Error) -> Self {
        Self::Core(source.into())
    }
}

/// So that a [`Parallelism`](crate::Parallelism) is taken wherever a number is.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
