//! Frames as files.

use std::io::{BufWriter, ErrorKind, Stdout, stdout};
use std::path::Path;

use anyhow::{Result, bail};
use luthier::frame::{BatchWriter, CsvWriter, DataFrame, Error, ParquetOptions, RecordBatch, Schema};

use super::Format;
use crate::failure;
use crate::output::{check_target, is_standard};

/// The file extensions that [`write`] knows.
const WRITABLE: &str = ".csv (also .csv.gz, .csv.zst), .parquet or .pq";

/// Writes a frame in the format of the file extension; `-` writes CSV to standard output.
///
/// # Errors
/// An extension other than `csv` (also `csv.gz` and `csv.zst`, which are compressed), `parquet` or `pq`; a file that cannot be
/// written.
pub(crate) fn write(frame: &DataFrame, path: &Path) -> Result<()> {
    match writable(path)? {
        Format::Csv if is_standard(path) => match write_standard(frame) {
            Err(error) if is_broken_pipe(&error) => Ok(()),
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

/// Writes rows batch by batch to a file, or to standard output as CSV.
#[derive(Debug)]
pub(crate) enum Writer {
    File(BatchWriter),
    Standard(Box<CsvWriter<BufWriter<Stdout>>>),
}

impl Writer {
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        match self {
            Self::File(writer) => writer.write(batch),
            Self::Standard(writer) => writer.write(batch),
        }
    }

    /// Completes the file and moves it to its path.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self {
            Self::File(writer) => writer.finish(),
            Self::Standard(writer) => writer.finish().map(drop),
        }
    }
}

/// A writer for the format of the file extension.
///
/// # Errors
/// As [`write`].
pub(crate) fn writer(path: &Path, schema: &Schema) -> Result<Writer> {
    match writable(path)? {
        Format::Csv if is_standard(path) => {
            CsvWriter::new(BufWriter::new(stdout()), schema).map(|writer| Writer::Standard(Box::new(writer)))
        }
        Format::Csv => BatchWriter::csv(path, schema).map(Writer::File),
        Format::Parquet => BatchWriter::parquet(path, schema, &ParquetOptions::new()).map(Writer::File),
    }
    .map_err(|e| failure::of_frame("write", e))
}

/// Whether the reader of the output has closed it, as `head` does: that is not an error.
pub(crate) fn is_broken_pipe(error: &Error) -> bool {
    matches!(error, Error::Io { cause, .. } if cause.kind() == ErrorKind::BrokenPipe)
}

/// The format in which [`write`] will write, if it can.
///
/// # Errors
/// As [`write`], as far as that can be checked beforehand.
pub(crate) fn writable(path: &Path) -> Result<Format> {
    if is_standard(path) {
        return Ok(Format::Csv);
    }
    let ending = |path: &Path| Some(path.extension()?.to_str()?.to_ascii_lowercase());
    let is_csv = || path.file_stem().and_then(|stem| ending(Path::new(stem))).is_some_and(|of| of == "csv");
    let format = match ending(path).unwrap_or_default().as_str() {
        "csv" => Format::Csv,
        "gz" | "zst" if is_csv() => Format::Csv,
        "parquet" | "pq" => Format::Parquet,
        _ => bail!("{}: cannot write this format: use the file extension {WRITABLE}", path.display()),
    };
    check_target(path).map(|()| format)
}
