//! The error type of grids, splits and searches.

use luthier_core::params::ParamError;
use luthier_core::{CancelReason, Cause, ParamMap};

use crate::named::name_of;
use crate::notes::MOST_REASONS;
use crate::result::{CandidateResult, FailureSummary, SearchResult};
use crate::splitter::Splitter;
use crate::strategy::Strategy;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of configuring or running a search.
///
/// A candidate that fails during a search is a row of its results, not an error of the search.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A stage, parameter, frame or registered name is wrong.
    #[error(transparent)]
    Core(#[from] luthier_core::Error),

    /// A grid has an address without values and therefore no candidates.
    #[error("the grid has no values for `{address}`: give at least one, or omit the address")]
    EmptyGrid {
        /// The parameter's address.
        address: String,
    },

    /// A grid has too many candidates.
    #[error("the grid has {found} candidates, expected at most {limit}: give fewer values")]
    GridTooLarge {
        /// The number of candidates, or `usize::MAX` if it is larger.
        found: usize,
        /// The largest possible number.
        limit: usize,
    },

    /// A candidate of a grid cannot be fitted on any rows. This is found before any fit.
    #[error("candidate {candidate}{} ({params}): {source}", of_pipeline(pipeline))]
    Candidate {
        /// Position in the grid, from 0.
        candidate: usize,
        /// Its pipeline, if several compete.
        pipeline: Option<String>,
        /// The values of its grid addresses.
        params: String,
        /// What is wrong.
        source: Box<luthier_core::Error>,
    },

    /// A part that is named in a configuration does not accept these parameters.
    #[error("{kind} `{name}`: {source}")]
    Configuration {
        /// "splitter" or "executor".
        kind: &'static str,
        /// The registered name.
        name: &'static str,
        /// What is wrong.
        source: Box<ParamError>,
    },

    /// A splitter could not split the rows, or returned an invalid split.
    #[error("splitter {splitter}: {source:#}")]
    Split {
        /// The splitter: its registered name and parameters, or its type.
        splitter: String,
        /// The error of the splitter, or what is wrong with the split.
        source: Cause,
    },

    /// Rows are needed of which only summaries are known. This is found before any work.
    #[error("{}", needs_rows(shards, parts))]
    NeedsRows {
        /// The shards whose rows are not here.
        shards: Vec<String>,
        /// What needs them, and for what.
        parts: Vec<String>,
    },

    /// An executor failed or violated its contract.
    #[error("executor {name}: {message}")]
    Executor {
        /// The executor: its registered name and parameters, or its type.
        name: String,
        /// What went wrong.
        message: String,
    },

    /// A strategy failed, or proposed what cannot be scored.
    #[error("strategy {strategy}: {source:#}")]
    Strategy {
        /// The strategy: its registered name and parameters, or its type.
        strategy: String,
        /// The error of the strategy, or what is wrong with its proposal.
        source: Cause,
    },

    /// The search was cancelled, and a part of it went on. Rust cannot end the thread that it runs on.
    #[error(
        "{part} did not return within {} s after the search was cancelled; its thread is left behind",
        grace.as_secs_f64()
    )]
    NotReturned {
        /// The part that was called last: "the executor `acme.sleepy`".
        part: String,
        /// How long was waited for it.
        grace: std::time::Duration,
    },

    /// The search was cancelled before it had a model. The table of what was scored until then is kept.
    #[error("{}", cancelled(result, reason))]
    Cancelled {
        /// The results so far.
        result: Box<SearchResult>,
        /// Why it was cancelled.
        reason: CancelReason,
    },

    /// What was scored cannot be written to the journal, for example because the disk is full. Everything before it is there, and
    /// the search goes on from there when it is run again.
    #[error("{}: {source}; what was scored before is kept, and the search goes on there when it is run again", path.display())]
    Journal {
        /// The file or the folder.
        path: std::path::PathBuf,
        /// What the operating system says.
        source: std::io::Error,
        /// The results so far, if the search had begun.
        result: Option<Box<SearchResult>>,
    },

    /// The processes that write to the journal search something else.
    #[error("{}: another search that is running writes here, with {differences}: only the same search can be joined", path.display())]
    JournalDiffers {
        /// What it writes to.
        path: std::path::PathBuf,
        /// In what the searches differ.
        differences: String,
    },

    /// Another process writes to the journal.
    #[error(
        "{}: another search that is running writes here: wait for its end, join it (`--join`), or name another folder",
        path.display()
    )]
    JournalInUse {
        /// What it writes to.
        path: std::path::PathBuf,
    },

    /// More fits failed than the search allows (`max_failures`). The table of what was scored until then is kept.
    #[error("{}", too_many(result, reasons, *limit))]
    TooManyFailures {
        /// The results so far.
        result: Box<SearchResult>,
        /// Each distinct reason once, the most frequent first.
        reasons: Vec<FailureSummary>,
        /// The largest number of pairs of a candidate and a round that may fail.
        limit: u64,
    },

    /// No candidate has a mean metric, because each failed on at least one fold. The table of the search is kept.
    #[error("{}", all_failed(result, reasons))]
    AllFailed {
        /// The results of the search.
        result: Box<SearchResult>,
        /// Each distinct reason once, the most frequent first.
        reasons: Vec<FailureSummary>,
    },

    /// No candidate has a mean metric, because the metric is undefined on every fold. The table of the search
    /// is kept.
    #[error("no candidate has a metric: {reason}")]
    NoMetric {
        /// The results of the search.
        result: Box<SearchResult>,
        /// What is missing from the rows.
        reason: String,
    },

    /// The best candidate could not be fitted on all rows; the table of the search is kept.
    #[error("the best candidate, {}, could not be fitted on all rows: {source}", result.best)]
    Refit {
        /// The results of the search before the refit.
        result: Box<SearchResult>,
        /// Why the fit failed.
        source: Box<luthier_core::Error>,
    },

    /// Any other error of the caller; the message says how to correct it.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    /// An error with a message that says what is wrong and what to do.
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

    /// Adds the name of the pipeline of the candidate.
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

    /// The table of a search that ended without a model, if there is one.
    pub fn result(&self) -> Option<&SearchResult> {
        match self {
            Self::AllFailed { result, .. }
            | Self::NoMetric { result, .. }
            | Self::Refit { result, .. }
            | Self::Cancelled { result, .. }
            | Self::TooManyFailures { result, .. } => Some(result),
            Self::Journal { result, .. } => result.as_deref(),
            _ => None,
        }
    }

    /// Whether it says that work was cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        match self {
            Self::Core(error) => error.is_cancelled(),
            Self::Cancelled { .. } => true,
            _ => false,
        }
    }

    pub(crate) fn journal(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Journal { path: path.to_owned(), source, result: None }
    }

    pub(crate) fn strategy(strategy: &dyn Strategy, source: anyhow::Error) -> Self {
        Self::Strategy { strategy: name_of(strategy), source: Cause::new(source) }
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
    tell_reasons(&mut message, reasons);
    message
}

fn tell_reasons(message: &mut String, reasons: &[FailureSummary]) {
    if let [reason] = reasons {
        message.push_str(&format!(": {reason}"));
        return;
    }
    message.push(':');
    for reason in reasons.iter().take(MOST_REASONS) {
        message.push_str(&format!("\n- {reason}"));
    }
    if let Some(left) = reasons.len().checked_sub(MOST_REASONS).filter(|&left| left > 0) {
        message.push_str(&format!("\n- and {left} more reasons"));
    }
}

fn cancelled(result: &SearchResult, reason: &CancelReason) -> String {
    let (scored, all) = result.progress();
    format!(
        "the search was cancelled {reason}: {scored} of {all} pairs of a candidate and a fold were scored"
    )
}

fn too_many(result: &SearchResult, reasons: &[FailureSummary], limit: u64) -> String {
    let (scored, all) = result.progress();
    let mut message = format!(
        "the search was given up because more than {limit} fits failed (max_failures); {scored} of {all} pairs of a candidate \
         and a fold were scored"
    );
    tell_reasons(&mut message, reasons);
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

/// Lets a [`Parallelism`](crate::Parallelism) be used wherever a number is accepted.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

fn needs_rows(shards: &[String], parts: &[String]) -> String {
    let absent = match shards {
        [] => String::new(),
        shards => format!("; the rows of {} are not here", shards.join(", ")),
    };
    format!(
        "this search does not follow from summaries: {}{absent}: search over the rows themselves, or for what follows from summaries, such as linear \
         regression scored by rmse",
        parts.join("; ")
    )
}
