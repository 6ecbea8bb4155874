use std::path::Path;

use super::{CsvFile, CsvOptions};
use crate::{DataFrame, Result};

impl DataFrame {
    /// Opens a CSV file without loading it: it is read through once to learn the types of its columns and how many rows
    /// there are, and then rows are read, in the columns needed, whenever they are asked for.
    ///
    /// Types are found as [`CsvOptions`] tells. No more than about a megabyte of the file is held at a time; compressed
    /// files and other encodings are decoded as they are read. `-` is the standard input. A pipe is read once and kept
    /// (see [`CsvFile::open`]).
    ///
    /// Partitions of a plain file can be read at any place. Those of a compressed file, and of one that is not in UTF-8,
    /// are decoded from its start each time, so more than one partition costs more work.
    ///
    /// # Errors
    /// As [`read_csv`](Self::read_csv), but values that are not of a declared type show when they are read, and so does
    /// a file that has changed since ([`Error::FileChanged`](crate::Error::FileChanged)).
    pub fn scan_csv(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Self> {
        Ok(CsvFile::open(path, options)?.frame().clone())
    }

    /// Reads a CSV file into memory.
    ///
    /// Types not given by the options are found from all values of a column, as [`CsvOptions`] tells. Numbers are read
    /// exactly. Blank lines are passed over, unless there is just one column, where they are missing values. A
    /// file with a header alone is a frame without rows.
    ///
    /// # Errors
    /// All with the file and the line: a file that cannot be read, is empty, or is not text in its encoding; a name given
    /// twice; a line with fewer or more cells than the first; quotes that do not pair up; a value that is
    /// not of the declared type; a column of the schema that is not in the file; more text than
    /// [`CsvOptions::max_bytes`] allows.
    pub fn read_csv(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Self> {
        let partitions = options.partitions;
        let whole = CsvFile::open(path, &options.clone().partitions(1))?;
        whole.frame().collect()?.repartition(partitions)
    }
}
