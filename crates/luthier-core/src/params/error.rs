use std::fmt;

pub use luthier_frame::closest;

/// An error about a parameter that does not exist, has an invalid value, or is not set.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamError {
    /// The owner has no parameter of that name.
    #[error(
        "`{owner}` has no parameter `{name}`{}; its parameters are {}",
        DidYouMean(suggestion),
        Names(known)
    )]
    Unknown {
        /// The type (or stage) that has the parameters.
        owner: String,
        /// The name that was given.
        name: String,
        /// The existing parameters.
        known: Vec<String>,
        /// The known name that is most similar to the given one.
        suggestion: Option<String>,
    },
    /// The type of the value is not that of the parameter.
    #[error("parameter `{name}`: {reason}")]
    WrongType {
        /// The parameter.
        name: String,
        /// Its type, see [`ParamType::type_name`](super::ParamType::type_name).
        expected: String,
        /// The value that was given.
        found: String,
        /// Why the value does not fit.
        reason: String,
    },
    /// The value lies outside the parameter's range.
    #[error("parameter `{name}` = {value} is out of range: give a value {}", in_range(range))]
    OutOfRange {
        /// The parameter.
        name: String,
        /// The value that was given.
        value: String,
        /// The range, as in [`ParamInfo::range`](super::ParamInfo::range).
        range: String,
    },
    /// A required parameter has no value yet.
    #[error("parameter `{name}` is required and has no default: set it first")]
    Unset {
        /// The parameter.
        name: String,
    },
    /// A parameter of a stage in a pipeline.
    #[error("stage `{stage}`: {source}")]
    InStage {
        /// The stage, by its dotted name.
        stage: String,
        /// What is wrong with its parameters.
        source: Box<ParamError>,
    },
    /// The parameters contradict each other, or a value is invalid for another reason.
    #[error("{message}")]
    Invalid {
        /// What is wrong, and what to do.
        message: String,
    },
}

impl ParamError {
    /// An [`Unknown`](ParamError::Unknown) with the most similar known name as suggestion.
    #[must_use]
    pub fn unknown<K: Into<String>>(
        owner: impl Into<String>,
        name: impl Into<String>,
        known: impl IntoIterator<Item = K>,
    ) -> Self {
        let name = name.into();
        let known: Vec<String> = known.into_iter().map(Into::into).collect();
        let suggestion = closest(&name, known.iter().map(String::as_str)).map(str::to_owned);
        ParamError::Unknown { owner: owner.into(), name, known, suggestion }
    }

    /// An [`Invalid`](ParamError::Invalid) with this message.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        ParamError::Invalid { message: message.into() }
    }

    /// The same error seen from outside the pipeline in which the owner is `stage`: `k` becomes `pca.k`.
    #[must_use]
    pub fn within(mut self, stage: &str) -> Self {
        match &mut self {
            ParamError::Unknown { name, suggestion, .. } => {
                *name = format!("{stage}.{name}");
                *suggestion = suggestion.take().map(|name| format!("{stage}.{name}"));
            }
            ParamError::WrongType { name, .. }
            | ParamError::OutOfRange { name, .. }
            | ParamError::Unset { name } => *name = format!("{stage}.{name}"),
            ParamError::InStage { stage: inner, .. } => *inner = format!("{stage}.{inner}"),
            ParamError::Invalid { .. } => {
                return ParamError::InStage { stage: stage.to_owned(), source: Box::new(self) };
            }
        }
        self
    }

    /// The stage of the invalid parameter, by its dotted name in the pipeline.
    #[must_use]
    pub fn stage(&self) -> Option<&str> {
        match self {
            ParamError::InStage { stage, .. } => Some(stage),
            _ => None,
        }
    }

    /// The invalid parameter, if it is a single one; by its dotted name inside a pipeline.
    #[must_use]
    pub fn param(&self) -> Option<String> {
        match self {
            ParamError::Unknown { name, .. }
            | ParamError::WrongType { name, .. }
            | ParamError::OutOfRange { name, .. }
            | ParamError::Unset { name } => Some(name.clone()),
            ParamError::InStage { stage, source } => Some(format!("{stage}.{}", source.param()?)),
            ParamError::Invalid { .. } => None,
        }
    }
}

pub(super) struct DidYouMean<'a>(pub(super) &'a Option<String>);

impl fmt::Display for DidYouMean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, " (did you mean `{name}`?)"),
            None => Ok(()),
        }
    }
}

struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("none at all") } else { f.write_str(&self.0.join(", ")) }
    }
}

/// `in [0, 1]`, but `>= 0` unchanged.
pub(super) fn in_range(range: &str) -> String {
    if range.starts_with(['[', '(']) { format!("in {range}") } else { range.to_owned() }
}
