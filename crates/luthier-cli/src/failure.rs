//! One message for an error and its causes.

use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::anyhow;
use luthier::{core, frame};

use crate::place::RowAt;

/// The error and its causes, outermost first, without repetitions.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain() {
        let cause = cause.downcast_ref().map_or_else(|| cause.to_string(), in_words);
        if message.is_empty() {
            message = cause;
        } else if !message.contains(&cause) {
            message.push_str(": ");
            message.push_str(&cause);
        }
    }
    match error.downcast_ref() {
        Some(at) => without_number(message, at),
        None => message,
    }
}

/// A row whose place in its file is told is not called by its number in the frame as well.
fn without_number(message: String, at: &RowAt) -> String {
    let Some(row) = at.row else { return message };
    match message.split_once(&at.place) {
        Some((before, after)) => {
            format!("{before}{}{}", at.place, after.replace(&format!(", row {row}: "), ": "))
        }
        None => message,
    }
}

/// The value that an error is about, as it names it.
pub(crate) fn found(error: &core::Error) -> Option<&str> {
    match error {
        core::Error::BadValue { found, .. } => Some(found),
        core::Error::Stage { source, .. } | core::Error::Evaluator { source, .. } => {
            source.chain().find_map(|cause| found(cause.downcast_ref()?))
        }
        _ => None,
    }
}

/// The error for a value that is missing (`None`) or not finite; `advice` is for values that are missing or NaN.
pub(crate) fn unusable(place: &str, column: &str, found: Option<&str>, advice: &str) -> anyhow::Error {
    match found {
        None => anyhow!("{place}: column `{column}` is missing, expected a value: fill it, or {advice}"),
        Some("NaN") => {
            anyhow!(
                "{place}: column `{column}` is NaN, expected a finite number: fill the value, or {advice}"
            )
        }
        Some(found) => anyhow!(
            "{place}: column `{column}` is {found}, expected a finite number: drop the row or change the value"
        ),
    }
}

/// Whether the error is that a column is text.
pub(crate) fn is_text(error: &core::Error) -> bool {
    match error {
        core::Error::ColumnType { found, .. } => found == "utf8",
        core::Error::Stage { source, .. } => {
            source.chain().any(|cause| cause.downcast_ref().is_some_and(is_text))
        }
        _ => false,
    }
}

/// An error of the operating system, with what was tried.
pub(crate) fn io(tried: &str, path: &Path, cause: &io::Error) -> anyhow::Error {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    let what = match (cause.kind(), folder) {
        (ErrorKind::NotFound, Some(folder)) => {
            format!("the folder {} does not exist", folder.display())
        }
        _ => in_words(cause),
    };
    anyhow!("cannot {tried} {}: {what}", path.display())
}

/// As [`io`], for an error of the core, if it is one of the operating system.
pub(crate) fn of_core(tried: &str, path: &Path, error: core::Error) -> anyhow::Error {
    match &error {
        core::Error::Io { source, .. } => io(tried, path, source),
        _ => error.into(),
    }
}

/// As [`io`], for an error of a frame, if it is one of the operating system.
pub(crate) fn of_frame(tried: &str, error: frame::Error) -> anyhow::Error {
    match &error {
        frame::Error::Io { path, cause } => io(tried, path, cause),
        _ => error.into(),
    }
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "the file does not exist".to_owned(),
        ErrorKind::IsADirectory => "it is a folder; name a file".to_owned(),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a part of the path is a file instead of a folder; name another folder, or remove the file"
                .to_owned()
        }
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        ErrorKind::StorageFull => "there is no space left on the device".to_owned(),
        ErrorKind::InvalidData => "not valid UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use crate::place::RowAt;

    #[test]
    fn a_row_is_named_by_its_place_alone() {
        let of = |place: &str| {
            let at = RowAt { place: place.to_owned(), row: Some(1) };
            super::message(&anyhow!("column `x`, row 1: found null").context("stage `lr`").context(at))
        };
        assert_eq!(of("d.csv:3"), "d.csv:3: stage `lr`: column `x`: found null");
        assert_eq!(
            of("d.parquet, row group 0, row 1"),
            "d.parquet, row group 0, row 1: stage `lr`: column `x`: found null"
        );
    }

    #[test]
    fn causes_are_told_once() {
        let error = anyhow!("k is 9").context("stage `pca`: k is 9").context("a.toml:3");
        assert_eq!(super::message(&error), "a.toml:3: stage `pca`: k is 9");
    }
}

/// The user interrupted the program: not an error of it.
#[derive(Debug)]
pub(crate) struct Interrupted(pub(crate) String);

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Interrupted {}
