//! From cells to arrays.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder, UInt64Builder,
};
use arrow_array::{ArrayRef, FixedSizeListArray};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::DataType;

use super::numbers::parse_bool;
use super::tokens::Cell;
use super::types::{Cells, Kind};
use crate::text::{date_value, timestamp_value};
use crate::{ColumnType, Result};

/// Why a cell is rejected.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is not of the column's type.
    Type(ColumnType),
    /// It has too many bytes.
    TooLong(usize),
}

/// The most text in one array, and again in its last cell: half of what the offsets of an array can address.
const TEXT_BYTES: usize = 1 << 30;

/// Collects the values of one column.
#[derive(Debug)]
pub(crate) enum ColumnBuilder {
    F64(Float64Builder),
    I64(Int64Builder),
    U64(UInt64Builder),
    Bool(BooleanBuilder),
    Utf8(StringBuilder),
    Spelt(StringBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    List(ListBuilder<Int64Builder>),
    Vector { width: usize, values: Float64Builder, rows: NullBufferBuilder },
}

impl ColumnBuilder {
    /// A builder with capacity for about `rows` rows.
    pub(crate) fn new(kind: Kind, rows: usize) -> Self {
        let text = || StringBuilder::with_capacity(rows, 8 * rows);
        match kind {
            Kind::U64 => Self::U64(UInt64Builder::with_capacity(rows)),
            Kind::Spelt => Self::Spelt(text()),
            Kind::Of(column_type) => match column_type {
                ColumnType::F64 => Self::F64(Float64Builder::with_capacity(rows)),
                ColumnType::I64 => Self::I64(Int64Builder::with_capacity(rows)),
                ColumnType::Bool => Self::Bool(BooleanBuilder::with_capacity(rows)),
                ColumnType::Utf8 => Self::Utf8(text()),
                ColumnType::Date => Self::Date(Date32Builder::with_capacity(rows)),
                ColumnType::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows)),
                ColumnType::List => Self::List(ListBuilder::new(Int64Builder::new())),
                ColumnType::Vector { width } => Self::Vector {
                    width,
                    values: Float64Builder::with_capacity(rows),
                    rows: NullBufferBuilder::new(0),
                },
                // Rejected with the schema.
                ColumnType::AnyVector | ColumnType::Opaque(_) => {
                    Self::new(Kind::Of(ColumnType::Vector { width: 0 }), rows)
                }
            },
        }
    }

    /// Appends one value. A vector is null if all its cells are.
    pub(crate) fn push<'a>(
        &mut self,
        mut of_row: impl Iterator<Item = Cell<'a>>,
        cells: &Cells,
    ) -> Result<(), (Cell<'a>, Refused)> {
        if let Self::Vector { values, rows, .. } = self {
            let mut any = false;
            for cell in of_row {
                let value = value(cell, cells, |text| cells.numbers.f64(text), ColumnType::F64)?;
                any |= value.is_some();
                values.append_option(value);
            }
            rows.append(any);
            return Ok(());
        }
        let Some(cell) = of_row.next() else { return Ok(()) };
        let numbers = cells.numbers;
        match self {
            Self::F64(builder) => {
                builder.append_option(value(cell, cells, |text| numbers.f64(text), ColumnType::F64)?);
            }
            Self::I64(builder) => {
                builder.append_option(value(cell, cells, |text| numbers.i64(text), ColumnType::I64)?);
            }
            Self::U64(builder) => {
                builder.append_option(value(cell, cells, |text| numbers.u64(text), ColumnType::I64)?);
            }
            Self::Bool(builder) => {
                builder.append_option(value(cell, cells, parse_bool, ColumnType::Bool)?);
            }
            Self::Utf8(builder) => {
                if cells.is_null_text(&cell) {
                    builder.append_null();
                } else {
                    builder.append_value(fitting(cell)?.text());
                }
            }
            Self::Spelt(builder) => builder.append_value(fitting(cell)?.raw),
            Self::Date(builder) => builder.append_option(value(cell, cells, date_value, ColumnType::Date)?),
            Self::Timestamp(builder) => {
                builder.append_option(value(cell, cells, timestamp_value, ColumnType::Timestamp)?);
            }
            Self::List(builder) => {
                let list = match cells.is_null_text(&cell) {
                    true => None,
                    false => {
                        let list = parse_list(cell.inside());
                        Some(list.ok_or((cell, Refused::Type(ColumnType::List)))?)
                    }
                };
                builder.values().append_slice(list.as_deref().unwrap_or_default());
                builder.append(list.is_some());
            }
            Self::Vector { .. } => {}
        }
        Ok(())
    }

    /// Whether no more text should be put into the same array.
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Utf8(builder) | Self::Spelt(builder) => builder.values_slice().len() > TEXT_BYTES,
            _ => false,
        }
    }

    /// The array of the appended values; the builder is empty afterwards.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef> {
        Ok(match self {
            Self::F64(builder) => Arc::new(builder.finish()),
            Self::I64(builder) => Arc::new(builder.finish()),
            Self::U64(builder) => Arc::new(builder.finish()),
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Utf8(builder) | Self::Spelt(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
            Self::List(builder) => Arc::new(builder.finish()),
            Self::Vector { width, values, rows } => {
                let item = Arc::new(arrow_schema::Field::new_list_field(DataType::Float64, true));
                let (width, length) = (i32::try_from(*width).unwrap_or(i32::MAX), rows.len());
                let (values, nulls) = (Arc::new(values.finish()), rows.finish());
                Arc::new(FixedSizeListArray::try_new_with_length(item, width, values, nulls, length)?)
            }
        })
    }
}

/// A cell that fits into an array that is not full.
fn fitting(cell: Cell<'_>) -> Result<Cell<'_>, (Cell<'_>, Refused)> {
    match cell.raw.len() {
        bytes if bytes >= TEXT_BYTES => Err((cell, Refused::TooLong(bytes))),
        _ => Ok(cell),
    }
}

/// The value of a cell, `None` if it is missing.
fn value<'a, T>(
    cell: Cell<'a>,
    cells: &Cells,
    parse: impl Fn(&str) -> Option<T>,
    expected: ColumnType,
) -> Result<Option<T>, (Cell<'a>, Refused)> {
    if cells.is_null(&cell) {
        return Ok(None);
    }
    match parse(cell.inside()) {
        Some(value) => Ok(Some(value)),
        None => Err((cell, Refused::Type(expected))),
    }
}

/// Integers with spaces between them.
fn parse_list(text: &str) -> Option<Vec<i64>> {
    text.split_whitespace().map(|item| item.parse().ok()).collect()
}
