//! Ctrl-C and other requests to end the program.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result};
use luthier::core::CancelToken;

use crate::output::note;

/// The exit code of a program that was interrupted, by the convention of shells.
pub(crate) const EXIT_CODE: u8 = 130;

/// The search that is running.
static TOKEN: OnceLock<Mutex<CancelToken>> = OnceLock::new();

static WAS_ASKED: AtomicBool = AtomicBool::new(false);

/// A token that is cancelled by Ctrl-C, or by the signal by which systems end a program. The second time ends the program at once.
///
/// # Errors
/// If the system does not allow it.
pub(crate) fn token() -> Result<CancelToken> {
    let token = CancelToken::new();
    let known = TOKEN.get().is_some();
    let current = TOKEN.get_or_init(Mutex::default);
    *current.lock().unwrap_or_else(PoisonError::into_inner) = token.clone();
    if !known {
        ctrlc::set_handler(interrupt).context("cannot listen for Ctrl-C")?;
    }
    Ok(token)
}

fn interrupt() {
    if WAS_ASKED.swap(true, Ordering::Relaxed) {
        std::process::exit(EXIT_CODE.into());
    }
    note("ending the search; what is scored so far is kept (once more: end at once)");
    if let Some(token) = TOKEN.get() {
        token.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }
}
