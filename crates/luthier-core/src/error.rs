//! The error type of the core.

use std::sync::Arc;

use crate::byte_size::in_words;
use crate::cancel::{CancelReason, CancelToken};
use crate::cause::Cause;
use crate::params::{ParamError, closest};

/// How messages about an unknown name end, for whoever writes the program.
pub(crate) const LINKING_ADVICE: &str = ". A crate that is only listed in Cargo.toml is not linked: write `use the_crate as _;` \
                                  in the program, or register the part explicitly";

/// Result of the core's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error that occurs when stages are built, checked, fitted, applied, saved or loaded.
///
/// Errors about bad input name the stage, column and row; a cause from an author's code is kept as the source.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A frame could not be read, built or changed.
    #[error(transparent)]
    Frame(Arc<luthier_frame::Error>),

    /// A parameter is unknown, unset, of the wrong type or out of range.
    #[error(transparent)]
    Param(Box<ParamError>),

    /// A stage failed; the cause is the error that its author returned.
    #[error("stage `{stage}`: {source:#}")]
    Stage {
        /// Name of the stage in its pipeline, or its registered type outside a pipeline.
        stage: String,
        /// The error that the stage's code returned.
        source: Cause,
    },

    /// An evaluator failed; the cause is the error that its author returned.
    #[error("evaluator `{evaluator}`: {source:#}")]
    Evaluator {
        /// Its registered name.
        evaluator: String,
        /// The error that its code returned.
        source: Cause,
    },

    /// The code of a stage, evaluator or summary panicked.
    #[error("{} panicked: {message}; this is a bug in that part", called(part, type_name))]
    Panicked {
        /// The dotted name of a stage in the pipeline, or the registered name of anything else.
        part: String,
        /// The registered name of the stage, evaluator or summary.
        type_name: String,
        /// The panic's message.
        message: String,
    },

    /// A value that the computation cannot use; made by [`bad_value`](Self::bad_value).
    #[error("{}, row {row}: found {found}, expected {expected}", located(column, feature))]
    #[non_exhaustive]
    BadValue {
        /// Name of the column.
        column: String,
        /// The feature, if the column is a vector whose features have names: usually the column from which it was
        /// assembled.
        feature: Option<String>,
        /// Global row index in the frame, from 0.
        row: usize,
        /// The value that was found.
        found: String,
        /// What is accepted.
        expected: &'static str,
    },

    /// The values of a column as a whole cannot be used; made by [`bad_column`](Self::bad_column).
    #[error("{}: {problem}", located(column, feature))]
    #[non_exhaustive]
    BadColumn {
        /// Name of the column.
        column: String,
        /// The feature, if the column is a vector with named features.
        feature: Option<String>,
        /// What is wrong with it, and what to do.
        problem: String,
    },

    /// A column is only available for fitting or scoring, so it cannot be a feature.
    #[error(
        "the column `{column}` cannot be a feature, because it is {role}{through}: leave it out of the columns that the stage reads"
    )]
    #[non_exhaustive]
    NoFeature {
        /// Name of the column.
        column: String,
        /// What it is: "the label of stage `lr`".
        role: String,
        /// The column through which a stage would predict from it; empty if it would do so directly.
        through: String,
    },

    /// A stage appends a column whose name is taken.
    #[error("column `{column}` already exists: give `{param}` another name, or rename the other column")]
    #[non_exhaustive]
    ColumnTaken {
        /// Name of the column.
        column: String,
        /// The parameter of the stage that names it.
        param: &'static str,
    },

    /// A column has a type that a stage cannot use.
    #[error("column `{column}` is {found}, expected {expected}")]
    ColumnType {
        /// Name of the column.
        column: String,
        /// Its type.
        found: String,
        /// What the stage accepts.
        expected: String,
    },

    /// A name that no linked crate registers.
    #[error("{}", unknown_type(kind, name, known, *linkable))]
    UnknownType {
        /// "stage", "evaluator", "splitter" or "executor".
        kind: &'static str,
        /// The requested name.
        name: String,
        /// The names that are registered.
        known: Vec<String>,
        /// Whether the message explains how to link a crate: not if [the registry is closed](crate::registry::close).
        linkable: bool,
    },

    /// A path that does not name a stage of a pipeline.
    #[error("the stage `{path}` does not exist; {hint}the stages are {}", quoted(known))]
    UnknownStage {
        /// The dotted name.
        path: String,
        /// The stages of the pipeline.
        known: Vec<String>,
        /// A suggestion, or an empty string.
        hint: String,
    },

    /// Two parts registered under the same name.
    #[error(
        "two {kind}s are registered as `{name}`: one in `{first}`, one in `{second}`; rename one of them"
    )]
    DuplicateType {
        /// "stage", "evaluator", "splitter" or "executor".
        kind: &'static str,
        /// The common name.
        name: String,
        /// Module of the first.
        first: String,
        /// Module of the second.
        second: String,
    },

    /// A saved model or estimator that this version cannot read.
    #[error("cannot load {what}: {reason}")]
    Load {
        /// The thing that was being loaded.
        what: String,
        /// The reason.
        reason: String,
    },

    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The cause.
        source: Arc<std::io::Error>,
    },

    /// More memory is needed than is free. This is found before it is allocated.
    #[error("{what} would take about {} of memory, but only {} are free: {advice}", in_words(*bytes), in_words(*free))]
    Memory {
        /// What needs the memory.
        what: String,
        /// The number of bytes that are needed.
        bytes: u64,
        /// The number of bytes that are free.
        free: u64,
        /// What to do.
        advice: String,
    },

    /// The work was cancelled by its [`CancelToken`]; see [`is_cancelled`](Self::is_cancelled).
    #[error("cancelled {reason}")]
    Cancelled {
        /// Why.
        reason: CancelReason,
    },

    /// Any other error; the message says what to do.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    /// An error whose message says what is wrong and what to do.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    /// The error about a value of a column.
    pub fn bad_value(
        column: impl Into<String>,
        row: usize,
        found: impl Into<String>,
        expected: &'static str,
    ) -> Self {
        Self::BadValue { column: column.into(), feature: None, row, found: found.into(), expected }
    }

    /// The error about the values of a column as a whole.
    pub fn bad_column(column: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::BadColumn { column: column.into(), feature: None, problem: problem.into() }
    }

    /// The same error, about one feature of the vectors in its column.
    #[must_use]
    pub fn of_feature(mut self, name: impl Into<String>) -> Self {
        if let Self::BadValue { feature, .. } | Self::BadColumn { feature, .. } = &mut self {
            *feature = Some(name.into());
        }
        self
    }

    /// The stage or evaluator that failed: the dotted name of a stage in the pipeline, otherwise the registered name. If the
    /// rows pass through several stages, it is the one that failed.
    pub fn part(&self) -> Option<&str> {
        match self {
            Self::Stage { stage: part, source } | Self::Evaluator { evaluator: part, source } => {
                Some(own(source).and_then(Self::part).unwrap_or(part))
            }
            Self::Panicked { part, .. } => Some(part),
            Self::Param(error) => error.stage(),
            _ => None,
        }
    }

    /// The invalid parameter, by its dotted name in the pipeline.
    pub fn param(&self) -> Option<String> {
        match self {
            Self::Param(error) => error.param(),
            Self::Stage { stage, source } => {
                let own = own(source).and_then(Self::param);
                let param = own.or_else(|| source.downcast_ref::<ParamError>()?.param())?;
                Some(if param.contains('.') { param } else { format!("{stage}.{param}") })
            }
            _ => None,
        }
    }

    /// The column concerned. If it is a vector, [`feature`](Self::feature) is more specific.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::BadValue { column, .. }
            | Self::BadColumn { column, .. }
            | Self::NoFeature { column, .. }
            | Self::ColumnTaken { column, .. }
            | Self::ColumnType { column, .. } => Some(column),
            Self::Frame(error) => error.column(),
            Self::Stage { source, .. } | Self::Evaluator { source, .. } => source.chain().find_map(|cause| {
                let frame = || cause.downcast_ref().and_then(luthier_frame::Error::column);
                cause.downcast_ref().and_then(Self::column).or_else(frame)
            }),
            _ => None,
        }
    }

    /// The feature concerned, if the column is a vector whose features have names.
    pub fn feature(&self) -> Option<&str> {
        match self {
            Self::BadValue { feature, .. } | Self::BadColumn { feature, .. } => feature.as_deref(),
            Self::Stage { source, .. } | Self::Evaluator { source, .. } => {
                source.chain().find_map(|cause| cause.downcast_ref().and_then(Self::feature))
            }
            _ => None,
        }
    }

    /// The row of the invalid value, counted from 0 in the frame.
    pub fn row(&self) -> Option<usize> {
        match self {
            Self::BadValue { row, .. } => Some(*row),
            Self::Frame(error) => error.row(),
            Self::Stage { source, .. } | Self::Evaluator { source, .. } => source.chain().find_map(|cause| {
                let frame = || cause.downcast_ref().and_then(luthier_frame::Error::row);
                cause.downcast_ref().and_then(Self::row).or_else(frame)
            }),
            _ => None,
        }
    }

    /// Whether this is no failure: the work, or the part of it that a stage or an evaluator did, was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancel_reason().is_some()
    }

    /// Why the work was cancelled, if it was.
    pub fn cancel_reason(&self) -> Option<CancelReason> {
        match self {
            Self::Cancelled { reason } => Some(*reason),
            Self::Stage { source, .. } | Self::Evaluator { source, .. } => {
                source.chain().find_map(|cause| cause.downcast_ref().and_then(Self::cancel_reason))
            }
            _ => None,
        }
    }

    /// Of two errors in the same rows, the one with the smaller row; an error without a row comes last.
    pub(crate) fn earlier(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        let row = |error: &Self| match error {
            Self::BadValue { row, .. } => *row,
            _ => usize::MAX,
        };
        match (a, b) {
            (Some(a), Some(b)) => Some(if row(&b) < row(&a) { b } else { a }),
            (a, b) => a.or(b),
        }
    }

    /// Adds the name of the stage, unless the error already names a stage or an evaluator, or the stage was cancelled.
    pub fn in_stage(self, stage: &str) -> Self {
        match self {
            Self::Stage { .. } | Self::Evaluator { .. } | Self::Panicked { .. } | Self::Cancelled { .. } => {
                self
            }
            Self::Param(error) if error.stage().is_some() => Self::Param(Box::new(error.within(stage))),
            other => Self::Stage { stage: stage.to_owned(), source: Cause::new(other) },
        }
    }

    /// Puts the name of a stage in place of its registered type; an error that names another stage stays as it is.
    pub fn in_stage_of(self, stage: &str, type_name: &str) -> Self {
        let renamed = |named: String| if named == type_name { stage.to_owned() } else { named };
        match self {
            Self::Stage { stage: named, source } => Self::Stage { stage: renamed(named), source },
            Self::Panicked { part, type_name: panicked, message } => {
                Self::Panicked { part: renamed(part), type_name: panicked, message }
            }
            other => other.in_stage(stage),
        }
    }

    /// The error of a child as one of the stage around it: the stage that it names is called `stage.child`.
    pub fn within(self, stage: &str) -> Self {
        match self {
            Self::Stage { stage: inner, source } => Self::Stage { stage: format!("{stage}.{inner}"), source },
            Self::Panicked { part, type_name, message } => {
                Self::Panicked { part: format!("{stage}.{part}"), type_name, message }
            }
            other => other.in_stage(stage),
        }
    }

    /// The error of an author's code as an error of the stage; an error of the core that already names a stage
    /// is passed on.
    pub fn from_author(stage: &str, source: anyhow::Error) -> Self {
        match source.downcast::<Self>() {
            Ok(own) => own.in_stage(stage),
            Err(source) => Self::Stage { stage: stage.to_owned(), source: Cause::new(source) },
        }
    }

    /// As [`from_author`](Self::from_author), for an evaluator: an error that already names a stage before it is passed on.
    pub(crate) fn from_evaluator(evaluator: &str, source: anyhow::Error) -> Self {
        let named = |source| Self::Evaluator { evaluator: evaluator.to_owned(), source };
        match source.downcast::<Self>() {
            Ok(own) if own.part().is_some() || own.is_cancelled() => own,
            Ok(own) => named(Cause::new(own)),
            Err(source) => named(Cause::new(source)),
        }
    }
}

impl CancelToken {
    /// An error if it is cancelled: call it between two steps of long work and pass the error on.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn check(&self) -> Result<()> {
        self.reason().map_or(Ok(()), |reason| Err(Error::Cancelled { reason }))
    }
}

impl From<luthier_frame::Error> for Error {
    fn from(error: luthier_frame::Error) -> Self {
        Self::Frame(Arc::new(error))
    }
}

impl From<ParamError> for Error {
    fn from(error: ParamError) -> Self {
        Self::Param(Box::new(error))
    }
}

/// The nearest cause that is an error of the core.
fn own(source: &Cause) -> Option<&Error> {
    source.chain().find_map(|cause| cause.downcast_ref())
}

fn called(part: &str, type_name: &str) -> String {
    if part == type_name { format!("`{part}`") } else { format!("`{part} ({type_name})`") }
}

fn located(column: &str, feature: &Option<String>) -> String {
    match feature {
        Some(feature) => format!("feature `{feature}` of column `{column}`"),
        None => format!("column `{column}`"),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn unknown_type(kind: &str, name: &str, known: &[String], linkable: bool) -> String {
    let hint = match closest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`? "),
        None => String::new(),
    };
    let advice = if linkable { LINKING_ADVICE } else { "" };
    format!("unknown {kind} type `{name}`; {hint}the known types are: {}{advice}", known.join(", "))
}
