use std::path::Path;

use super::{CsvFile, CsvOptions};
use crate::{DataFrame, Result};

impl DataFrame {
    /// Opens a CSV file without loading it: the file is read through once to find the types of its columns and the number of
    /// its rows. Later, the rows are read when they are needed, in the columns that are needed.
    ///
    /// Types are inferred as described in [`CsvOptions`]. At most about a megabyte of the file is in memory at a time; compressed
    /// files and other encodings are decoded as they are read. `-` is standard input. A pipe is read once and kept
    /// (see [`CsvFile::open`]).
    ///
    /// The partitions of a plain file can be read independently. Those of a file that is compressed or not in UTF-8
    /// are decoded from its start each time, so more than one partition costs additional work.
    ///
    /// # Errors
    /// As [`read_csv`](Self::read_csv), but values that are not of a declared type are reported when they are read, and so is
    /// a file that has changed since ([`Error::FileChanged`](crate::Error::FileChanged)).
    pub fn scan_csv(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Self> {
        Ok(CsvFile::open(path, options)?.frame().clone())
    }

    /// Reads a CSV file into memory.
    ///
    /// Types that the options do not declare are inferred from all values of a column, as described in [`CsvOptions`]. Numbers
    /// are read exactly. Blank lines are skipped, except in a file with one column, where they are missing values. A
    /// file with only a header becomes a frame without rows.
    ///
    /// # Errors
    /// All errors name the file and the line: a file that cannot be read, is empty, or is not text in its encoding; a duplicate
    /// name; a line with fewer or more cells than the first; unbalanced quotes; a value that is
    /// not of the declared type; a column of the schema that is not in the file; more text than
    /// [`CsvOptions::max_bytes`] allows.
    pub fn read_csv(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Self> {
        let partitions = options.partitions;
        let whole = CsvFile::open(path, &options.clone().partitions(1))?;
        whole.frame().collect()?.repartition(partitions)
    }
}
