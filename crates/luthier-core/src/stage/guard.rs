//! Turns panics of an author's code into errors.

use std::ops::Deref;
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

/// A value of an author's type, whose destructor may panic: it is dropped wherever the last view of it goes, also in the caller's code.
#[derive(Debug)]
pub(crate) struct Guarded<T>(Option<T>);

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T> Deref for Guarded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => unreachable!("the value is taken when it is dropped"),
        }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // There is nobody left to whom it could be told.
        let _ = panic_to_error("a destructor", || drop(self.0.take()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Loud;

    impl Drop for Loud {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("loud"));
        }
    }

    #[test]
    fn a_destructor_that_panics_harms_nobody() {
        drop(Guarded::new(Loud));
        assert!(panic_to_error("part", || drop(Loud)).is_err());
        assert_eq!(*Guarded::new(3), 3);
    }
}
