//! Frames as files.

use std::io::{BufWriter, ErrorKind, stdout};
use std::path::Path;

use anyhow::{Result, bail};
use luthier::frame::{CsvWriter, DataFrame, Error, ParquetOptions};

use super::Format;
use crate::failure;
use crate::output::{check_target, is_standard};

/// The endings that [`write`] knows.
const WRITABLE: &str = ".csv, .parquet or .pq";

/// Writes a frame in the format that the ending of the name says; `-` is the standard output, which takes CSV.
///
/// # Errors
/// Another ending than `csv`, `parquet` or `pq`; a file that cannot be written.
pub(crate) fn write(frame: &DataFrame, path: &Path) -> Result<()> {
    match writable(path)? {
        Format::Csv if is_standard(path) => match write_standard(frame) {
            // A reader that has gone away, as `head` does, is no error.
            Err(Error::Io { cause, .. }) if cause.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        },
        Format::Csv => frame.write_csv(path),
        Format::Parquet => frame.write_parquet(path, &ParquetOptions::new()),
    }
    .map_err(|e| failure::of_frame("write", e))
}

fn write_standard(frame: &DataFrame) -> Result<(), Error> {
    let mut writer = CsvWriter::new(BufWriter::new(stdout().lock()), frame.schema())?;
    for partition in frame.partitions() {
        for batch in partition.batches(None)? {
            writer.write(&batch?)?;
        }
    }
    writer.finish().map(drop)
}

/// The format in which [`write`] will write, if it can.
///
/// # Errors
/// As [`write`], as far as that shows before.
pub(crate) fn writable(path: &Path) -> Result<Format> {
    if is_standard(path) {
        return Ok(Format::Csv);
    }
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    let format = match ending.as_str() {
        "csv" => Format::Csv,
        "parquet" | "pq" => Format::Parquet,
        _ => bail!("{}: cannot write this format: end the name in {WRITABLE}", path.display()),
    };
    check_target(path).map(|()| format)
}
