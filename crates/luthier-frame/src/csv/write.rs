use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use ndarray::CowArray;

use crate::csv::read::part_name;
use crate::file::write_whole;
use crate::frame::to_i64;
use crate::{ColumnType, DataFrame, Error, Field, Result, vectors};

impl DataFrame {
    /// Writes a CSV file with a header.
    ///
    /// Floating point numbers are as short as can be and read back to the same bits (`1.0`, `1e-7`, `NaN`,
    /// `inf`; `f32` are widened). A missing value is an empty cell, an empty text `""`. A vector column `v` of
    /// width k becomes the columns `v_0` to `v_{k-1}`, or `v_CATEGORY` where it carries categories; name it in [`CsvOptions::schema`](crate::CsvOptions::schema)
    /// to read it back as a vector. A list is its numbers with spaces between them, `3 1 2`. The file appears when it is complete.
    ///
    /// # Errors
    /// A file that cannot be written; no columns; a vector whose parts are called as another column.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let header = header(self.schema().fields())?;
        write_whole(path, |file| {
            let io = |cause| Error::Io { path: path.to_owned(), cause };
            write_header(file, &header).map_err(io)?;
            let mut row = 0;
            for partition in self.partitions() {
                for batch in partition.batches(None)? {
                    let batch = batch?;
                    let columns = cells(self.schema().fields(), &batch, row)?;
                    for index in 0..batch.num_rows() {
                        write_row(file, &columns, index).map_err(io)?;
                    }
                    row += batch.num_rows();
                }
            }
            Ok(())
        })
    }
}

fn header(fields: &[Field]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for field in fields {
        match field.column_type() {
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

/// The arrays of a batch, cast so that there are few types to write.
fn cells(fields: &[Field], batch: &RecordBatch, first_row: usize) -> Result<Vec<(ColumnType, ArrayRef)>> {
    let cell = |(field, array): (&Field, &ArrayRef)| {
        let array = match field.column_type() {
            ColumnType::I64 => to_i64(field.name(), array, first_row)?,
            ColumnType::F64 => arrow_cast::cast(array, &DataType::Float64)?,
            ColumnType::Utf8 => arrow_cast::cast(array, &DataType::LargeUtf8)?,
            ColumnType::Bool | ColumnType::List | ColumnType::Vector { .. } | ColumnType::AnyVector => {
                array.clone()
            }
        };
        Ok((field.column_type(), array))
    };
    fields.iter().zip(batch.columns()).map(cell).collect()
}

fn write_row(out: &mut impl Write, columns: &[(ColumnType, ArrayRef)], row: usize) -> io::Result<()> {
    let mut separate = Separator::default();
    for (column_type, array) in columns {
        if let ColumnType::Vector { .. } = column_type {
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
        match column_type {
            ColumnType::F64 => {
                write!(out, "{:?}", array.as_primitive::<Float64Type>().value(row))?;
            }
            ColumnType::I64 => write!(out, "{}", array.as_primitive::<Int64Type>().value(row))?,
            ColumnType::Bool => write!(out, "{}", array.as_boolean().value(row))?,
            ColumnType::Utf8 => write_text(out, array.as_string::<i64>().value(row))?,
            ColumnType::List => write_text(out, &list_text(array, row))?,
            ColumnType::Vector { .. } | ColumnType::AnyVector => {}
        }
    }
    out.write_all(b"\n")
}

/// The numbers of a list with spaces between them.
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

/// Quoted where it must be: empty, with a delimiter, quote or end of line, or with what a reader would take
/// off (spaces around a name, a byte order mark).
fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    let is_plain = !text.contains([',', '"', '\n', '\r', '\u{feff}']) && text.trim().len() == text.len();
    if text.is_empty() || !is_plain {
        write!(out, "\"{}\"", text.replace('"', "\"\""))
    } else {
        out.write_all(text.as_bytes())
    }
}
