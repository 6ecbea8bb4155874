//! Rows that are known by their number and columns alone.

use std::sync::Arc;

use crate::partition::{Part, Partition};
use crate::{DataFrame, Error, Schema};

/// Rows whose values are elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Absent {
    rows: usize,
    /// What a message calls them.
    name: Arc<str>,
}

impl Absent {
    pub(crate) fn num_rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn slice(&self, offset: usize, len: usize) -> Self {
        let rows = self.rows.saturating_sub(offset).min(len);
        Self { rows, name: Arc::clone(&self.name) }
    }

    /// The error of whoever reads them.
    pub(crate) fn error(&self) -> Error {
        Error::Absent { name: self.name.to_string() }
    }
}

impl DataFrame {
    /// A frame of rows whose values are elsewhere, such as those of which only summaries are known: it has columns and a number of
    /// rows, and whoever reads it gets an error with the `name` of what is missing.
    ///
    /// ```
    /// use luthier_frame::{DataFrame, Field, Schema};
    ///
    /// let schema = Schema::new(vec![Field::number("x")])?;
    /// let frame = DataFrame::absent(schema, 1_000, "yesterday.csv");
    /// assert!(frame.num_rows() == 1_000 && frame.is_absent());
    /// assert!(frame.column_f64("x").is_err_and(|error| error.to_string().contains("yesterday.csv")));
    /// # Ok::<(), luthier_frame::Error>(())
    /// ```
    pub fn absent(schema: Schema, rows: usize, name: &str) -> Self {
        let part = Part::Absent(Absent { rows, name: name.into() });
        Self::from_parts(schema, vec![Partition::new([part])])
    }

    /// Whether the values of some rows are [elsewhere](Self::absent).
    pub fn is_absent(&self) -> bool {
        self.partitions().iter().flat_map(Partition::parts).any(Part::is_absent)
    }
}
