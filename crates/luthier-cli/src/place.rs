//! Places in the configuration, and of rows in their files.

use std::fmt;
use std::sync::Arc;

/// A line of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Arc<str>,
    pub(crate) line: usize,
}

impl Place {
    /// Adds this place to an error.
    pub(crate) fn error(&self, error: impl Into<anyhow::Error>) -> anyhow::Error {
        error.into().context(self.to_string())
    }
}

/// `search.toml:12`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Where a row that an error names is in its file.
#[derive(Debug, Clone)]
pub(crate) struct RowAt {
    /// `data.csv:17`
    pub(crate) place: String,
    /// Its number in the frame.
    pub(crate) row: Option<usize>,
}

impl fmt::Display for RowAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}
