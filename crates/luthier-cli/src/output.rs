//! Standard output.

use std::borrow::Cow;
use std::io::{ErrorKind, Write, stdout};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use luthier::core::{DynModel, PipelineModel};
use luthier::frame::write_file;

use crate::failure;

/// Prints to standard output; a reader that has gone away, as `head` does, is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    match out.write_all(visible(text).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Tells something beside the results.
pub(crate) fn note(text: &str) {
    eprintln!("note: {}", visible(text));
}

/// A text whose control characters a terminal shows and does not obey; ends of lines and tabs stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if is_hidden(c) { c.escape_debug().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// Whether a path stands for the standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// Tells what should be known of the fits of a model's stages.
pub(crate) fn notes(model: &Arc<dyn DynModel>) {
    PipelineModel::from(Arc::clone(model)).notes().iter().for_each(|about| note(&about.to_string()));
}

/// Whether a file can be put there, as far as that shows before it is written.
///
/// # Errors
/// A folder that is not there; what is there already and is no file, such as a folder or a device.
pub(crate) fn check_target(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(Err(error)) = folder.map(std::fs::metadata) {
        return Err(failure::io("write", path, &error));
    }
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => bail!("cannot write {}: it is a folder: name a file", path.display()),
        Ok(there) if !there.is_file() => {
            bail!("cannot write {}: it is no ordinary file: name another", path.display())
        }
        _ => Ok(()),
    }
}

/// Makes a folder, unless it is there.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|e| failure::io("make the folder", path, &e))
}

/// Writes a text file.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    write_file(path, text.as_bytes()).map_err(|e| failure::of_frame("write", e))
}
