use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, LargeStringArray, RecordBatch};
use arrow_schema::DataType;
use ndarray::CowArray;

use crate::csv::NULL_VALUES;
use crate::csv::header::part_name;
use crate::csv::numbers::parse_bool;
use crate::normalize::is_float;
use crate::{BatchWriter, ColumnType, DataFrame, Error, Field, Result, Schema, texts, vectors};

/// Writes rows as CSV, batch by batch, behind a header.
///
/// ```
/// # use luthier_frame::{Column, CsvWriter, DataFrame};
/// let frame = DataFrame::from_columns(vec![("x", Column::f64(vec![1.0, 0.5])), ("s", Column::utf8(["a", "b,c"]))])?;
/// let mut writer = CsvWriter::new(Vec::new(), frame.schema())?;
/// for batch in frame.partitions()[0].batches(None)? {
///     writer.write(&batch?)?;
/// }
/// assert_eq!(writer.finish()?, b"x,s\n1.0,a\n0.5,\"b,c\"\n");
/// # Ok::<(), luthier_frame::Error>(())
/// ```
#[derive(Debug)]
pub struct CsvWriter<W: Write> {
    out: W,
    path: PathBuf,
    schema: Schema,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// No columns; a vector one of whose columns has the name of another column; a sparse vector of more than 100,000 features;
    /// an output that cannot be written.
    pub fn new(out: W, schema: &Schema) -> Result<Self> {
        Self::to_path(out, schema, Path::new("-"))
    }

    pub(crate) fn to_path(out: W, schema: &Schema, path: &Path) -> Result<Self> {
        let header = header(schema.fields())?;
        let mut writer = Self { out, path: path.to_owned(), schema: schema.clone() };
        write_header(&mut writer.out, &header).map_err(|cause| writer.io(cause))?;
        Ok(writer)
    }

    /// Writes the rows of a batch, which must have the schema of the writer.
    ///
    /// # Errors
    /// An output that cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = cells(self.schema.fields(), batch)?;
        for row in 0..batch.num_rows() {
            write_row(&mut self.out, &columns, row).map_err(|cause| self.io(cause))?;
        }
        Ok(())
    }

    /// Flushes the output and returns it.
    ///
    /// # Errors
    /// An output that cannot be written.
    pub fn finish(mut self) -> Result<W> {
        self.out.flush().map_err(|cause| self.io(cause))?;
        Ok(self.out)
    }

    fn io(&self, cause: io::Error) -> Error {
        Error::Io { path: self.path.clone(), cause }
    }
}

impl DataFrame {
    /// Writes a CSV file with a header.
    ///
    /// Floating-point numbers are written with the fewest digits that are read back to the same bits (`1.0`, `1e-7`, `NaN`,
    /// `inf`; `f32` are widened). A missing value is an empty cell, an empty string is `""`. A string that would be read as
    /// something else, such as `007`, `true` or `NA`, is quoted, so that it stays text. Cells
    /// that were read [unparsed](crate::CsvOptions::as_spelt_except) are written unchanged. A vector column `v` of
    /// width k becomes the columns `v_0` to `v_{k-1}`, or `v_CATEGORY` if it carries categories; list it in [`CsvOptions::schema`](crate::CsvOptions::schema)
    /// to read it back as a vector. A list is written as its numbers separated by spaces, `3 1 2`. The file appears when it is
    /// complete, and is compressed by gzip or zstd if its name ends in `.gz` or `.zst`.
    ///
    /// # Errors
    /// A file that cannot be written; no columns; a vector one of whose columns has the name of another column; a sparse vector of
    /// more than 100,000 features.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut writer = BatchWriter::csv(path, self.schema())?;
        for partition in self.partitions() {
            for batch in partition.batches(None)? {
                writer.write(&batch?)?;
            }
        }
        writer.finish()
    }
}

fn header(fields: &[Field]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for field in fields {
        match field.column_type() {
            // A sparse vector takes the same memory whatever its width, but not a file that has a column for each feature.
            ColumnType::Vector { width } if field.is_sparse() && width > Field::MOST_NUMBERED => {
                return Err(Error::ColumnType {
                    column: field.name().to_owned(),
                    found: field.column_type(),
                    expected: format!(
                        "at most {} features in a sparse vector, because a CSV file has a column for each; write a \
                         Parquet file",
                        Field::MOST_NUMBERED
                    ),
                });
            }
            ColumnType::Vector { width } => match field.category_names() {
                Some(parts) => names.extend(parts),
                None => names.extend((0..width).map(|position| part_name(field.name(), position))),
            },
            _ => names.push(field.name().to_owned()),
        }
    }
    let mut seen = HashSet::new();
    if let Some(name) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(Error::DuplicateColumn { column: name.clone() });
    }
    if names.is_empty() {
        return Err(Error::NoColumns);
    }
    Ok(names)
}

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Of(ColumnType),
    /// Text that is written unchanged where possible.
    Spelt,
    /// The text form of another type.
    Plain,
}

/// The arrays of a batch, cast so that there are few types to write.
fn cells(fields: &[Field], batch: &RecordBatch) -> Result<Vec<(Style, ArrayRef)>> {
    let cell = |(field, array): (&Field, &ArrayRef)| {
        let array = match field.column_type() {
            ColumnType::I64 if *array.data_type() == DataType::UInt64 => array.clone(),
            ColumnType::I64 => arrow_cast::cast(array, &DataType::Int64)?,
            ColumnType::F64 if is_float(array.data_type()) => arrow_cast::cast(array, &DataType::Float64)?,
            ColumnType::Utf8 => arrow_cast::cast(array, &DataType::LargeUtf8)?,
            ColumnType::Bool | ColumnType::List | ColumnType::Vector { .. } | ColumnType::AnyVector => {
                array.clone()
            }
            // Decimals are written with all their digits.
            ColumnType::F64 | ColumnType::Date | ColumnType::Timestamp | ColumnType::Opaque(_) => {
                let texts: ArrayRef = Arc::new(LargeStringArray::from_iter(texts(array.as_ref())?));
                return Ok((Style::Plain, texts));
            }
        };
        let style = if field.is_spelt() { Style::Spelt } else { Style::Of(field.column_type()) };
        Ok((style, array))
    };
    fields.iter().zip(batch.columns()).map(cell).collect()
}

fn write_row(out: &mut impl Write, columns: &[(Style, ArrayRef)], row: usize) -> io::Result<()> {
    let mut separate = Separator::default();
    for (style, array) in columns {
        if let Style::Of(ColumnType::Vector { .. }) = style {
            let one = array.slice(row, 1);
            let values = vectors(one.as_ref()).map(CowArray::into_owned).unwrap_or_default();
            let items = array.as_fixed_size_list_opt().map(|lists| lists.value(row));
            for (position, value) in values.iter().enumerate() {
                separate.write(out)?;
                if array.is_valid(row) && items.as_ref().is_none_or(|items| items.is_valid(position)) {
                    write!(out, "{value:?}")?;
                }
            }
            continue;
        }
        separate.write(out)?;
        if array.is_null(row) {
            continue;
        }
        match style {
            Style::Spelt => write_spelt(out, array.as_string::<i64>().value(row))?,
            Style::Of(ColumnType::F64) => {
                write!(out, "{:?}", array.as_primitive::<Float64Type>().value(row))?;
            }
            Style::Of(ColumnType::I64) => match array.as_primitive_opt::<UInt64Type>() {
                Some(unsigned) => write!(out, "{}", unsigned.value(row))?,
                None => write!(out, "{}", array.as_primitive::<Int64Type>().value(row))?,
            },
            Style::Of(ColumnType::Bool) => write!(out, "{}", array.as_boolean().value(row))?,
            Style::Of(ColumnType::Utf8) => {
                let text = array.as_string::<i64>().value(row);
                if reads_as_other(text) { write_quoted(out, text)? } else { write_text(out, text)? }
            }
            Style::Of(ColumnType::List) => write_text(out, &list_text(array, row))?,
            // Vectors were written above, and the rest has another style.
            Style::Of(_) => {}
            Style::Plain => write_text(out, array.as_string::<i64>().value(row))?,
        }
    }
    out.write_all(b"\n")
}

/// The numbers of a list separated by spaces.
fn list_text(array: &ArrayRef, row: usize) -> String {
    let list = array.as_list::<i32>().value(row);
    let number = |value: Option<i64>| value.map_or_else(|| "null".to_owned(), |value| value.to_string());
    list.as_primitive::<Int64Type>().iter().map(number).collect::<Vec<_>>().join(" ")
}

fn write_header(out: &mut impl Write, names: &[String]) -> io::Result<()> {
    let mut separate = Separator::default();
    for name in names {
        separate.write(out)?;
        write_text(out, name)?;
    }
    out.write_all(b"\n")
}

#[derive(Default)]
struct Separator {
    wanted: bool,
}

impl Separator {
    fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        if std::mem::replace(&mut self.wanted, true) { out.write_all(b",") } else { Ok(()) }
    }
}

/// A cell of a CSV file, quoted if necessary: if it contains a delimiter, quote or line end, or what a reader would remove
/// (surrounding spaces, a byte order mark). An empty cell stays empty, which is a missing value.
///
/// ```
/// assert_eq!(luthier_frame::csv_cell("a \"b\", c"), "\"a \"\"b\"\", c\"");
/// assert_eq!(luthier_frame::csv_cell("a b"), "a b");
/// ```
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    let is_plain = !text.contains([',', '"', '\n', '\r', '\u{feff}']) && text.trim().len() == text.len();
    if is_plain { Cow::Borrowed(text) } else { Cow::Owned(quoted(text)) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// An empty text is quoted, so that it is not missing.
fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    if text.is_empty() { write_quoted(out, text) } else { out.write_all(csv_cell(text).as_bytes()) }
}

fn write_quoted(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(quoted(text).as_bytes())
}

/// A cell as it was in another file; quoted if that file had another delimiter and the cell contains a comma.
fn write_spelt(out: &mut impl Write, cell: &str) -> io::Result<()> {
    if cell.contains(',') && !cell.starts_with('"') {
        write_quoted(out, cell)
    } else {
        out.write_all(cell.as_bytes())
    }
}

/// Whether a string would be read as a number, a boolean or a missing value if it were not quoted.
fn reads_as_other(text: &str) -> bool {
    let trimmed = text.trim();
    NULL_VALUES.contains(&trimmed) || parse_bool(trimmed).is_some() || trimmed.parse::<f64>().is_ok()
}
