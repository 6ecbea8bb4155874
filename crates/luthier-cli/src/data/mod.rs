//! Files, how they are read and written, and which of their rows are used.

pub(crate) mod reading;
mod selection;
mod source;
mod write;

pub(crate) use reading::{DeclaredType, Reading, SavedColumn, SavedReading};
pub(crate) use selection::{MissingLabel, Selection, without_nulls};
pub(crate) use source::{DataSource, Format, null_of};
pub(crate) use write::{is_broken_pipe, writable, write, writer};
