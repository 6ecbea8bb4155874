//! Standard output.

use std::io::{ErrorKind, Write, stdout};
use std::path::Path;

use anyhow::{Context, Result};

/// Prints to standard output; a reader that has gone away, as `head` does, is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("standard output"),
        _ => Ok(()),
    }
}

/// Tells something beside the results.
pub(crate) fn note(text: &str) {
    eprintln!("note: {text}");
}

/// Writes a text file.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| path.display().to_string())
}
