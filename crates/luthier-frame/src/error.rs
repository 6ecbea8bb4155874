use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;

use crate::place::shown;
use crate::{ColumnType, RowPlace, closest};

/// An error of a frame or a file. It names the place, what was found and what was expected.
///
/// Rows are counted from 0 in the frame, lines from 1 in the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No column has this name.
    #[error("unknown column `{column}`{}; the frame has: {}", did_you_mean(suggestion), list(known))]
    UnknownColumn {
        /// The requested name.
        column: String,
        /// The names that exist, in order.
        known: Vec<String>,
        /// The existing name that is most similar to the requested one, if any is similar.
        suggestion: Option<String>,
    },
    /// A frame cannot have two columns with the same name.
    #[error("column `{column}` already exists")]
    DuplicateColumn {
        /// The duplicate name.
        column: String,
    },
    /// A column has another type than the caller needs.
    #[error("column `{column}` is {found}, expected {expected}")]
    ColumnType {
        /// The column.
        column: String,
        /// What is accepted.
        expected: String,
        /// The type of the column.
        found: ColumnType,
    },
    /// An Arrow type that cannot be used here.
    #[error("column `{column}` has the Arrow type {found}, which is not supported here")]
    UnsupportedType {
        /// The column.
        column: String,
        /// Its Arrow type.
        found: String,
    },
    /// The length of a column (or mask) differs from the number of rows of the frame.
    #[error("`{what}` has {found} values, expected {expected}, one per row")]
    Length {
        /// The column or argument.
        what: String,
        /// The rows of the frame.
        expected: usize,
        /// The values given.
        found: usize,
    },
    /// Batches or frames that are combined do not have the same columns.
    #[error("the columns do not agree: expected {expected}, found {found}")]
    SchemaMismatch {
        /// Columns of the first part.
        expected: String,
        /// Columns of the part which differs.
        found: String,
    },
    /// Values that are elsewhere are asked for.
    #[error("the rows of {name} are not here: only their summaries are known")]
    Absent {
        /// What the rows are called.
        name: String,
    },
    /// A value is missing where every row must have one.
    #[error("column `{column}` is null in row {row}; drop or fill missing values first")]
    Null {
        /// The column.
        column: String,
        /// The first row without a value.
        row: usize,
    },
    /// An invalid sparse vector.
    #[error("column `{column}`: the sparse vector of row {row} is damaged: {problem}")]
    Sparse {
        /// The column.
        column: String,
        /// The row.
        row: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A list column whose rows differ in length is not a vector column.
    #[error(
        "column `{column}`: row {row} has a list of {found} values, expected {expected} as in the rows before"
    )]
    Ragged {
        /// The column.
        column: String,
        /// The first row which differs.
        row: usize,
        /// The length of the rows before.
        expected: usize,
        /// The length of this row.
        found: usize,
    },
    /// An integer that does not fit into an `i64`.
    #[error("column `{column}`: {found} in row {row} does not fit into a 64-bit signed integer")]
    IntegerRange {
        /// The column.
        column: String,
        /// The first such row.
        row: usize,
        /// The value.
        found: u64,
    },
    /// A range of rows that is not in the frame.
    #[error("the rows {offset}..{} were requested, but there are {rows} rows", offset.saturating_add(*len))]
    OutOfRange {
        /// The first requested row.
        offset: usize,
        /// The number of requested rows.
        len: usize,
        /// The number of rows of the frame.
        rows: usize,
    },
    /// A column position that is not in the frame.
    #[error("the column at position {position} does not exist; the frame has {columns} columns")]
    NoSuchPosition {
        /// The requested position, from 0.
        position: usize,
        /// The number of columns.
        columns: usize,
    },
    /// An invalid argument or option.
    #[error("{argument} is {found}, expected {expected}")]
    Argument {
        /// The argument or option.
        argument: &'static str,
        /// What was given.
        found: String,
        /// What is accepted.
        expected: &'static str,
    },
    /// A file format needs at least one column.
    #[error("the frame has no columns, so there is nothing to write")]
    NoColumns,
    /// A file cannot be opened, read or written.
    #[error("{}: {cause}", shown(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: std::io::Error,
    },
    /// An error in the contents of a file.
    #[error("{}: {cause}", shown(path))]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, as it would be said of a frame in memory.
        cause: Box<Error>,
    },
    /// An invalid value in a file.
    #[error("{place}: {cause}")]
    InRow {
        /// Where it was read.
        place: RowPlace,
        /// What is wrong, as it would be said of a frame in memory; its row plays no part.
        cause: Box<Error>,
    },
    /// A row of values that does not fit the others.
    #[error("row {row} {problem}")]
    Row {
        /// The row, counted from 0.
        row: usize,
        /// What was found and what was expected.
        problem: String,
    },
    /// A condition on rows that cannot be parsed or does not fit the columns.
    #[error("in the condition `{condition}`: {problem}")]
    Predicate {
        /// The condition as it was written.
        condition: String,
        /// What was found and what was expected.
        problem: String,
    },
    /// Files that cannot form one data set.
    #[error("{}: {problem}", path.display())]
    Files {
        /// The file or the folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// An empty file.
    #[error("{}: the file is empty; expected a header line with the names of the columns", shown(path))]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// A CSV file that is not a text in its encoding.
    #[error(
        "{}:{line}: the text is not valid {encoding}; set the encoding of the file, for example `encoding = \"windows-1252\"`",
        shown(path)
    )]
    CsvEncoding {
        /// The file.
        path: PathBuf,
        /// The line of the first invalid byte.
        line: u64,
        /// The given encoding, or UTF-8.
        encoding: &'static str,
    },
    /// A file that should be CSV is not text at all.
    #[error("{}: expected text, found {found}", shown(path))]
    CsvNoText {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: String,
    },
    /// A text that is longer than allowed.
    #[error(
        "{}: there are more than {limit} bytes of text; to read more, raise `max_bytes = {limit}`",
        shown(path)
    )]
    CsvTooLong {
        /// The file.
        path: PathBuf,
        /// The largest number of bytes that are read.
        limit: u64,
    },
    /// A cell that is too long for a column of text.
    #[error(
        "{}:{line}: the cell of column `{column}` has {bytes} bytes; expected less than 1 GiB",
        shown(path)
    )]
    CsvCellTooLong {
        /// The file.
        path: PathBuf,
        /// The line of the cell.
        line: u64,
        /// The column.
        column: String,
        /// The length of the text.
        bytes: usize,
    },
    /// A line of a CSV file with too few or too many cells.
    #[error("{}:{line}: expected {expected} fields, found {found}{}", shown(path), because(hint))]
    CsvFields {
        /// The file.
        path: PathBuf,
        /// The line at which the record begins.
        line: u64,
        /// Columns of the file.
        expected: usize,
        /// Cells of the line.
        found: usize,
        /// What may be the reason.
        hint: Option<String>,
    },
    /// Unbalanced quotes in a CSV file.
    #[error("{}:{line}: {problem}", shown(path))]
    CsvQuote {
        /// The file.
        path: PathBuf,
        /// The line of the quote.
        line: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A value of a CSV file is not of the declared type of its column.
    #[error(
        "{}:{line}: column `{column}`: {found:?} is not {}{}",
        shown(path),
        a_value_of(*expected),
        because(hint)
    )]
    CsvValue {
        /// The file.
        path: PathBuf,
        /// The line of the value.
        line: u64,
        /// The column.
        column: String,
        /// The text of the cell.
        found: String,
        /// The type of the column.
        expected: ColumnType,
        /// What may be the reason.
        hint: Option<String>,
    },
    /// A Parquet file that cannot be decoded.
    #[error("{}: the Parquet file cannot be read: {cause}", shown(path))]
    ParquetRead {
        /// The file.
        path: PathBuf,
        /// The error of the decoder.
        cause: Box<parquet::errors::ParquetError>,
    },
    /// A Parquet file that cannot be written.
    #[error("{}: the Parquet file cannot be written: {cause}", shown(path))]
    ParquetWrite {
        /// The file.
        path: PathBuf,
        /// The error of the encoder.
        cause: Box<parquet::errors::ParquetError>,
    },
    /// A scanned file has changed since it was opened.
    #[error("{}: the file has changed since it was opened; open it again", shown(path))]
    FileChanged {
        /// The file.
        path: PathBuf,
    },
    /// An error of Arrow.
    #[error("arrow: {0}")]
    Arrow(Box<ArrowError>),
}

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<ArrowError> for Error {
    fn from(source: ArrowError) -> Self {
        Self::Arrow(Box::new(source))
    }
}

impl Error {
    /// The row of the invalid value, counted from 0 in the frame (or the file) that was read.
    pub fn row(&self) -> Option<usize> {
        match self {
            Self::Null { row, .. }
            | Self::Sparse { row, .. }
            | Self::Ragged { row, .. }
            | Self::IntegerRange { row, .. } => Some(*row),
            Self::InFile { cause, .. } => cause.row(),
            _ => None,
        }
    }

    /// The file that the error names: its message begins with it.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. }
            | Self::InFile { path, .. }
            | Self::Files { path, .. }
            | Self::EmptyFile { path, .. }
            | Self::CsvEncoding { path, .. }
            | Self::CsvNoText { path, .. }
            | Self::CsvTooLong { path, .. }
            | Self::CsvCellTooLong { path, .. }
            | Self::CsvFields { path, .. }
            | Self::CsvQuote { path, .. }
            | Self::CsvValue { path, .. }
            | Self::ParquetRead { path, .. }
            | Self::ParquetWrite { path, .. }
            | Self::FileChanged { path, .. } => Some(path),
            Self::InRow { place, .. } => Some(place.file()),
            _ => None,
        }
    }

    /// The column of the invalid value.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::UnknownColumn { column, .. }
            | Self::DuplicateColumn { column }
            | Self::ColumnType { column, .. }
            | Self::UnsupportedType { column, .. }
            | Self::Null { column, .. }
            | Self::Sparse { column, .. }
            | Self::Ragged { column, .. }
            | Self::IntegerRange { column, .. }
            | Self::CsvValue { column, .. } => Some(column),
            Self::InFile { cause, .. } => cause.column(),
            _ => None,
        }
    }

    pub(crate) fn in_file(self, path: &Path) -> Self {
        Self::InFile { path: path.to_owned(), cause: Box::new(self) }
    }

    pub(crate) fn unknown_column<'a>(column: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known: Vec<String> = known.map(str::to_owned).collect();
        let suggestion = closest(column, known.iter().map(String::as_str)).map(str::to_owned);
        Self::UnknownColumn { column: column.to_owned(), known, suggestion }
    }
}

fn a_value_of(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::F64 | ColumnType::Vector { .. } => "a number".to_owned(),
        ColumnType::I64 => "an integer".to_owned(),
        ColumnType::Bool => "true or false".to_owned(),
        ColumnType::Date => "a date".to_owned(),
        ColumnType::Timestamp => "a timestamp".to_owned(),
        ColumnType::List => "a list of integers with spaces between them".to_owned(),
        other => format!("of type {other}"),
    }
}

fn because(hint: &Option<String>) -> String {
    hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default()
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|name| format!(", did you mean `{name}`?")).unwrap_or_default()
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    if names.is_empty() {
        return "no columns".to_owned();
    }
    let mut text = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}
