//! Turns panics of an author's code into errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Error, Result};

/// Runs an author's code; a panic becomes [`Error::Panicked`] naming the part.
///
/// # Errors
/// Errors and panics of the code, as errors of the part.
pub fn catch_panic<T>(part: &str, f: impl FnOnce() -> anyhow::Result<T>) -> Result<T> {
    panic_to_error(part, f)?.map_err(|error| Error::from_author(part, error))
}

/// Runs an author's code; a panic becomes an error, and other results are passed on.
pub(crate) fn panic_to_error<T>(part: &str, f: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let message = payload
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        Error::Panicked { part: part.to_owned(), type_name: part.to_owned(), message }
    })
}
