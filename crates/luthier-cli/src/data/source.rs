//! Files and how they are read.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use luthier::frame::arrow_array::cast::AsArray;
use luthier::frame::{BatchWriter, CsvOptions, DataFrame, ParquetOptions, Result as FrameResult, Schema};

use super::lines::line_of_row;
use crate::failure;
use crate::output::check_target;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text, one line a row.
    Csv,
    /// Columns in row groups.
    Parquet,
}

impl Format {
    /// `csv` or `parquet`.
    ///
    /// # Errors
    /// Any other name.
    pub(crate) fn parse(name: &str) -> Result<Self> {
        match name {
            "csv" => Ok(Self::Csv),
            "parquet" => Ok(Self::Parquet),
            other => bail!("unknown format `{other}`, expected csv or parquet"),
        }
    }

    /// What the ending of the file's name says.
    fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "parquet" | "pq" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// The endings that [`DataSource::read`] knows, and those that [`write`] does.
const READABLE: &str = ".csv, .tsv, .txt, .parquet or .pq";
const WRITABLE: &str = ".csv, .parquet or .pq";

/// How the text of a CSV file is to be understood.
#[derive(Debug, Clone)]
pub(crate) struct CsvFormat {
    pub(crate) delimiter: Option<u8>,
    /// Whether the first line has the names.
    pub(crate) header: bool,
    /// Cells that stand for a missing value.
    pub(crate) null_values: Vec<String>,
}

impl Default for CsvFormat {
    fn default() -> Self {
        Self { delimiter: None, header: true, null_values: vec![String::new()] }
    }
}

impl CsvFormat {
    /// Sets what separates two cells; without it a tab in `.tsv` files and a comma elsewhere.
    ///
    /// # Errors
    /// More than one ASCII character.
    pub(crate) fn delimiter(&mut self, text: &str) -> Result<()> {
        match text.as_bytes() {
            [byte] if byte.is_ascii() => self.delimiter = Some(*byte),
            _ => bail!("delimiter is {text:?}, expected one ASCII character, such as \";\""),
        }
        Ok(())
    }

    fn delimiter_of(&self, path: &Path) -> u8 {
        let tabs = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tsv"));
        self.delimiter.unwrap_or(if tabs { b'\t' } else { b',' })
    }
}

/// A file of rows.
#[derive(Debug, Clone)]
pub(crate) struct DataSource {
    /// The file.
    pub(crate) path: PathBuf,
    /// Its format; without it the ending of the name decides.
    pub(crate) format: Option<Format>,
    /// How a CSV file is written.
    pub(crate) csv: CsvFormat,
    /// Into how many partitions the rows are cut; without it 1 for CSV, and Parquet keeps its row groups.
    pub(crate) partitions: Option<usize>,
}

impl DataSource {
    /// A file of which only the name is known.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, format: None, csv: CsvFormat::default(), partitions: None }
    }

    /// Whether the file can be opened and its format is known.
    ///
    /// # Errors
    /// If not.
    pub(crate) fn readable(&self) -> Result<()> {
        self.format()?;
        let cannot = |e: &std::io::Error| failure::io("read", &self.path, e);
        if std::fs::metadata(&self.path).map_err(|e| cannot(&e))?.is_dir() {
            return Err(cannot(&std::io::ErrorKind::IsADirectory.into()));
        }
        std::fs::File::open(&self.path).map(drop).map_err(|e| cannot(&e))
    }

    /// Reads all rows of a CSV file; a Parquet file is opened, its row groups are read when they are needed.
    ///
    /// # Errors
    /// A file that cannot be read; with line and column where the format has them.
    pub(crate) fn read(&self) -> Result<DataFrame> {
        self.read_by(|path, options| DataFrame::read_csv(path, options))
    }

    /// As [`read`](Self::read), but rows of either format are read when they are needed.
    ///
    /// # Errors
    /// A file that cannot be read; with line and column where the format has them.
    pub(crate) fn scan(&self) -> Result<DataFrame> {
        self.read_by(|path, options| DataFrame::scan_csv(path, options))
    }

    fn read_by(&self, read_csv: impl Fn(&Path, &CsvOptions) -> FrameResult<DataFrame>) -> Result<DataFrame> {
        let unread = |e| failure::of_frame("read", e);
        let frame = match self.format()? {
            Format::Csv => {
                let options = CsvOptions::new()
                    .delimiter(self.csv.delimiter_of(&self.path))
                    .has_header(self.csv.header)
                    .null_values(self.csv.null_values.iter().cloned());
                read_csv(&self.path, &options).map_err(unread)?
            }
            Format::Parquet => DataFrame::scan_parquet(&self.path).map_err(unread)?,
        };
        Ok(match self.partitions {
            // More partitions than rows would be empty.
            Some(partitions) => frame.repartition(partitions.min(frame.num_rows().max(1)))?,
            None => frame,
        })
    }

    fn format(&self) -> Result<Format> {
        self.format.or_else(|| Format::of(&self.path)).ok_or_else(|| {
            anyhow!("{}: the ending of the name tells no format, expected {READABLE}", self.path.display())
        })
    }

    /// Puts the place of the row in front of an error that names one.
    pub(crate) fn locate(&self, error: impl Into<anyhow::Error>) -> anyhow::Error {
        let error = error.into();
        match self.row_place(&error) {
            Some(place) => error.context(place),
            None => error,
        }
    }

    /// The place of the row that an error names.
    pub(crate) fn row_place(&self, error: &anyhow::Error) -> Option<String> {
        let row = || error.chain().find_map(row_of).map(|row| self.place_of(row));
        row().or_else(|| self.text_among_numbers(error.chain().find_map(text_column_of)?))
    }

    /// Where a column is text for the sake of a cell, of others that are numbers.
    pub(crate) fn text_among_numbers(&self, column: &str) -> Option<String> {
        let frame = self.read().ok()?;
        let index = frame.schema().require_index(column).ok()?;
        let (mut row, mut numbers, mut others, mut first) = (0, 0, 0, None);
        for partition in frame.partitions() {
            for batch in partition.batches(Some(&[index])).ok()? {
                for cell in batch.ok()?.column(0).as_string_opt::<i32>()? {
                    match cell {
                        Some(cell) if cell.trim().parse::<f64>().is_ok() => numbers += 1,
                        Some(cell) => {
                            first.get_or_insert_with(|| (row, cell.to_owned()));
                            others += 1;
                        }
                        None => {}
                    }
                    row += 1;
                }
            }
        }
        let (row, cell) = first.filter(|_| numbers > others)?;
        Some(format!("{}: `{cell}` is no number", self.place_of(row)))
    }

    /// How an error names a row, counted from 0: `data.csv:17`, or `data.parquet, row 15`.
    pub(crate) fn place_of(&self, row: usize) -> String {
        let path = self.path.display();
        let line = || {
            let text = std::fs::read_to_string(&self.path).ok()?;
            line_of_row(&text, self.csv.delimiter_of(&self.path), self.csv.header, row)
        };
        match self.format().is_ok_and(|format| format == Format::Csv).then(line).flatten() {
            Some(line) => format!("{path}:{line}"),
            None => format!("{path}, row {row}"),
        }
    }
}

/// The row that an error names.
fn row_of(error: &(dyn std::error::Error + 'static)) -> Option<usize> {
    if let Some(luthier::tune::Error::AllFailed { reasons, .. }) = error.downcast_ref() {
        return reasons.first()?.failure.row;
    }
    match error.downcast_ref::<luthier::core::Error>() {
        Some(error) => error.row(),
        None => error.downcast_ref::<luthier::frame::Error>()?.row(),
    }
}

/// The column that an error calls text.
fn text_column_of<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a str> {
    match error.downcast_ref()? {
        luthier::core::Error::ColumnType { column, found, .. } if found == "utf8" => Some(column),
        _ => None,
    }
}

/// The column and the row of a value that is missing.
pub(super) fn null_of(error: &luthier::frame::Error) -> Option<(&str, usize)> {
    match error {
        luthier::frame::Error::Null { column, row } => Some((column, *row)),
        luthier::frame::Error::InFile { cause, .. } => null_of(cause),
        _ => None,
    }
}

/// Writes a frame in the format that the ending of the name says.
///
/// # Errors
/// Another ending than `csv`, `parquet` or `pq`; a file that cannot be written.
pub(crate) fn write(frame: &DataFrame, path: &Path) -> Result<()> {
    match writable(path)? {
        Format::Csv => frame.write_csv(path),
        Format::Parquet => frame.write_parquet(path, &ParquetOptions::new()),
    }
    .map_err(|e| failure::of_frame("write", e))
}

/// A writer of the format that the ending of the name says, for rows that come batch by batch.
///
/// # Errors
/// As [`write`].
pub(crate) fn writer(path: &Path, schema: &Schema) -> Result<BatchWriter> {
    match writable(path)? {
        Format::Csv => BatchWriter::csv(path, schema),
        Format::Parquet => BatchWriter::parquet(path, schema, &ParquetOptions::new()),
    }
    .map_err(|e| failure::of_frame("write", e))
}

/// The format in which [`write`] will write, if it can.
pub(crate) fn writable(path: &Path) -> Result<Format> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    // Other texts may be expected to have other delimiters.
    let is_text = |format| format == Format::Csv && !ending.eq_ignore_ascii_case("csv");
    match Format::of(path) {
        Some(format) if !is_text(format) => check_target(path).map(|()| format),
        _ => bail!("{}: cannot write this format: end the name in {WRITABLE}", path.display()),
    }
}
