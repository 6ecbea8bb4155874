//! Standard output.

use std::borrow::Cow;
use std::io::{ErrorKind, Write, stdout};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result, bail};
use luthier::core::{DynModel, PipelineModel};
use luthier::frame::{recover_folder, write_folder};

use crate::{failure, settings};

/// Prints to standard output; it is not an error if the reader has closed it, as `head` does.
pub(crate) fn print(text: &str) -> Result<()> {
    write_out(&visible(text))
}

fn write_out(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// As [`print`], with lines in the style that `style` has for a line and its number: on a terminal only, and not if the environment
/// variable `NO_COLOR` is set.
pub(crate) fn print_styled(text: &str, style: impl Fn(usize, &str) -> Style) -> Result<()> {
    if AutoStream::choice(&stdout()) == ColorChoice::Never {
        return print(text);
    }
    let text = visible(text);
    let styled = text.lines().enumerate().map(|(number, line)| {
        let style = style(number, line);
        format!("{style}{line}{style:#}\n")
    });
    write_out(&styled.collect::<String>())
}

/// The number of characters in a line: those of the terminal, or 100 where the output goes elsewhere.
pub(crate) fn line_width() -> usize {
    terminal_width().unwrap_or(100)
}

/// The number of characters in a line of the terminal; `None` where the output goes elsewhere.
pub(crate) fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size_of(stdout()).map(|(width, _)| usize::from(width.0))
}

/// The notes that were printed.
static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Prints a note to standard error.
pub(crate) fn note(text: &str) {
    NOTES.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
    tell("note", AnsiColor::Yellow, text);
}

/// The notes that were printed so far.
pub(crate) fn notes_so_far() -> Vec<String> {
    NOTES.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Prints an error to standard error.
pub(crate) fn error(text: &str) {
    tell("error", AnsiColor::Red, text);
}

fn tell(kind: &str, color: AnsiColor, text: &str) {
    let text = visible(&settings::shown(text)).into_owned();
    let style = color.on_default().bold();
    // Nobody is left to whom a failure could be told.
    let _ = writeln!(anstream::stderr(), "{style}{kind}:{style:#} {text}");
}

/// A text with its control characters escaped, so that a terminal does not obey them; line ends and tabs stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if is_hidden(c) { c.escape_debug().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// Whether a path stands for standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// Prints the notes on the stages of a model.
pub(crate) fn notes(model: &Arc<dyn DynModel>) {
    PipelineModel::from(Arc::clone(model)).notes().iter().for_each(|about| note(&about.to_string()));
}

/// Checks that a file can be written, as far as possible beforehand.
///
/// # Errors
/// A folder that does not exist; a path that exists and is not a file, such as a folder or a device.
pub(crate) fn check_target(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(Err(error)) = folder.map(std::fs::metadata) {
        return Err(failure::io("write", path, &error));
    }
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => bail!("cannot write {}: it is a folder; name a file", path.display()),
        Ok(there) if !there.is_file() => {
            bail!("cannot write {}: it is not a regular file; name another file", path.display())
        }
        _ => Ok(()),
    }
}

/// Creates a folder if it does not exist.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|e| failure::io("create the folder", path, &e))
}

/// Writes files into a folder and removes others of it, all of this or nothing.
pub(crate) fn write_together(folder: &Path, files: &[(&str, Vec<u8>)], removed: &[&str]) -> Result<()> {
    let files: Vec<_> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    write_folder(folder, &files, removed).map_err(|e| failure::of_frame("write", e))
}

/// Finishes what a process that died has left unfinished in a folder.
pub(crate) fn recover(folder: &Path) -> Result<()> {
    recover_folder(folder).map_err(|e| failure::of_frame("write", e))
}
