//! The threads of data parallelism.

use std::error::Error as _;

use crate::{Error, Result};

/// Starts the threads on which rows are read and summarised, unless they are there. Whoever starts work calls it, so that a system that gives no
/// threads is not taken for a fault of a stage or a file.
///
/// # Errors
/// If the system does not start them, for example because of a limit on memory or on processes.
pub fn require_threads() -> Result<()> {
    if rayon::current_thread_index().is_some() {
        return Ok(());
    }
    // Without a cause, they are there already.
    let started = rayon::ThreadPoolBuilder::new().build_global();
    match started.as_ref().err().and_then(|error| error.source()) {
        None => Ok(()),
        Some(cause) => Err(Error::invalid(format!(
            "the threads for data parallelism cannot be started: {cause}; set the environment variable RAYON_NUM_THREADS to a smaller number, \
             or allow the process more memory or more threads"
        ))),
    }
}
