//! Where rows were read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::DataFrame;

/// Where a row of a frame was read: a file, and the line or the row of a row group in it.
///
/// It displays as messages show it: `data.csv:17`, or `data.parquet, row group 2, row 15`. Control characters in the
/// name of the file are shown escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPlace {
    file: PathBuf,
    position: RowPosition,
}

/// Where in its file a row was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowPosition {
    /// The line of a text file at which the row begins, from 1.
    Line(u64),
    /// The row of a Parquet file.
    RowGroup {
        /// The row group, from 0.
        row_group: usize,
        /// The row in the row group, from 0.
        row: usize,
    },
}

impl RowPlace {
    /// The row at this position of a file.
    pub fn new(file: impl Into<PathBuf>, position: RowPosition) -> Self {
        Self { file: file.into(), position }
    }

    /// The file, as its name was given; `-` is standard input.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The position in the file.
    pub fn position(&self) -> RowPosition {
        self.position
    }
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = shown(&self.file);
        match self.position {
            RowPosition::Line(line) => write!(f, "{file}:{line}"),
            RowPosition::RowGroup { row_group, row } => {
                write!(f, "{file}, row group {row_group}, row {row}")
            }
        }
    }
}

/// The name of a file in messages; `-` is standard input.
pub(crate) fn shown(path: &Path) -> String {
    match path.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => escaped(&path.to_string_lossy()),
    }
}

/// A text with its control characters escaped, so that a terminal does not obey them.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_debug());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A file that knows the places of its rows.
pub(crate) trait Locate: fmt::Debug + Send + Sync {
    /// The place of a row, counted from 0 in the file.
    fn place(&self, row: usize) -> Option<RowPlace>;
}

/// Where consecutive rows of a frame come from.
#[derive(Debug, Clone)]
pub(crate) struct RowOrigin {
    file: Arc<dyn Locate>,
    /// The row of the file that is row 0, or from which `kept` counts.
    first: usize,
    /// If rows were left out: the distance of each row from `first`.
    kept: Option<(Arc<[u32]>, usize)>,
}

impl RowOrigin {
    pub(crate) fn new(file: Arc<dyn Locate>, first: usize) -> Self {
        Self { file, first, kept: None }
    }

    /// Without the first rows.
    pub(crate) fn skip(&self, rows: usize) -> Self {
        match &self.kept {
            None => Self { first: self.first + rows, ..self.clone() },
            Some((kept, at)) => Self { kept: Some((Arc::clone(kept), at + rows)), ..self.clone() },
        }
    }

    /// Only the rows at which `mask` is true.
    pub(crate) fn keep(&self, mask: &[bool]) -> Self {
        if mask.iter().all(|&keep| keep) {
            return self.clone();
        }
        let kept = (0..mask.len()).filter(|&row| mask[row]);
        let kept = kept.map(|row| u32::try_from(self.distance(row)).unwrap_or(u32::MAX)).collect();
        Self { kept: Some((kept, 0)), ..self.clone() }
    }

    fn distance(&self, row: usize) -> usize {
        match &self.kept {
            None => row,
            Some((kept, at)) => kept.get(at + row).map_or(0, |&distance| distance as usize),
        }
    }

    pub(crate) fn place(&self, row: usize) -> Option<RowPlace> {
        self.file.place(self.first + self.distance(row))
    }
}

impl DataFrame {
    /// Where a row, counted from 0 in the frame, was read: the line of a CSV file, or the row of a row group of a Parquet
    /// file. Rows keep their place when they are sliced, filtered or concatenated and when columns are added or removed.
    ///
    /// `None` for a row that was not read from a file, and for a row after the last.
    ///
    /// ```
    /// # use luthier_frame::{CsvOptions, DataFrame};
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("data.csv");
    /// std::fs::write(&path, "name,x\nann,1\n\"bob\nlee\",2\ncid,3\n")?;
    /// let frame = DataFrame::read_csv(&path, &CsvOptions::new())?;
    /// let rows = frame.filter(&[false, true, true])?;
    /// let place = rows.place_of_row(1).map(|place| place.to_string());
    /// assert_eq!(place, Some(format!("{}:5", path.display())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn place_of_row(&self, row: usize) -> Option<RowPlace> {
        let mut start = 0;
        for part in self.partitions().iter().flat_map(|partition| partition.parts()) {
            let rows = part.num_rows();
            if row < start + rows {
                return part.origin()?.place(row - start);
            }
            start += rows;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Lines;

    impl Locate for Lines {
        fn place(&self, row: usize) -> Option<RowPlace> {
            Some(RowPlace::new("d.csv", RowPosition::Line(row as u64 + 2)))
        }
    }

    #[test]
    fn rows_that_are_left_out_do_not_shift_the_others() {
        let line = |origin: &RowOrigin, row| origin.place(row).map(|place| place.to_string());
        let origin = RowOrigin::new(Arc::new(Lines), 0).skip(3);
        assert_eq!(line(&origin, 1).as_deref(), Some("d.csv:6"));
        let kept = origin.keep(&[false, true, true, false, true]);
        assert_eq!(line(&kept, 0).as_deref(), Some("d.csv:6"));
        let again = kept.skip(1).keep(&[false, true]);
        assert_eq!(line(&again, 0).as_deref(), Some("d.csv:9"));
    }

    #[test]
    fn control_characters_are_escaped() {
        let place = RowPlace::new("a\u{1b}[31m.csv", RowPosition::Line(1));
        assert_eq!(place.to_string(), "a\\u{1b}[31m.csv:1");
        assert_eq!(RowPlace::new("-", RowPosition::Line(1)).to_string(), "standard input:1");
    }
}
