//! Why a candidate failed, as units tell it across threads and processes.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why a candidate failed on a fold: a message, and what it is about. It reads as its message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// What went wrong.
    pub message: String,
    /// The stage, by its dotted name in the pipeline, or the evaluator, by its registered name, that failed.
    pub part: Option<String>,
    /// The column that is at fault; where it is a vector whose features have names, the feature.
    pub column: Option<String>,
    /// The row whose value is at fault, counted from 0 in the frame.
    pub row: Option<usize>,
}

/// How a failure ends that is due to the limit on the time of a fit.
const OVER_TIME: &str = "(max_fit_seconds)";

impl Failure {
    /// The failure of a unit that took longer than it may.
    pub(crate) fn over_time(self, limit: Duration) -> Self {
        let seconds = limit.as_secs_f64();
        Self { message: format!("it took longer than {seconds} s {OVER_TIME}"), ..self }
    }

    /// Whether rows were asked for of which only summaries are known.
    pub(crate) fn needs_absent_rows(&self) -> bool {
        self.message.contains("are not here: only their summaries are known")
    }

    pub(crate) fn is_over_time(&self) -> bool {
        self.message.ends_with(OVER_TIME)
    }
}

impl From<&luthier_core::Error> for Failure {
    fn from(error: &luthier_core::Error) -> Self {
        let column = error.feature().or_else(|| error.column());
        let [part, column] = [error.part(), column].map(|name| name.map(str::to_owned));
        Self { message: error.to_string(), part, column, row: error.row() }
    }
}

impl From<luthier_core::Error> for Failure {
    fn from(error: luthier_core::Error) -> Self {
        (&error).into()
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { message, part: None, column: None, row: None }
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Deref for Failure {
    type Target = str;

    fn deref(&self) -> &str {
        &self.message
    }
}
