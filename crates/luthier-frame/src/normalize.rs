//! From Arrow arrays as they arrive to the few types a frame holds, without a copy where possible.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, GenericListArray, OffsetSizeTrait, UInt64Array};
use arrow_schema::DataType;

use crate::sparse::{check_sparse, sparse_width};
use crate::{ColumnType, Error, Result};

/// How an Arrow type is taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Intake {
    /// Kept as it is.
    Keep(ColumnType),
    /// Cast to another Arrow type first.
    Cast(DataType, ColumnType),
    /// A list whose width only the values can tell.
    List,
}

pub(crate) fn intake(name: &str, data_type: &DataType) -> Result<Intake> {
    use DataType as D;
    let unsupported = || Error::UnsupportedType { column: name.to_owned(), found: data_type.to_string() };
    let is_float = |data_type: &D| matches!(data_type, D::Float64 | D::Float32);
    // Not those that may be beyond `i64`.
    let is_integer = |data_type: &D| data_type.is_integer() && *data_type != D::UInt64;
    Ok(match data_type {
        D::Float64 | D::Float32 => Intake::Keep(ColumnType::F64),
        D::Float16 => Intake::Cast(D::Float32, ColumnType::F64),
        D::Int8 | D::Int16 | D::Int32 | D::Int64 | D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64 => {
            Intake::Keep(ColumnType::I64)
        }
        D::Boolean => Intake::Keep(ColumnType::Bool),
        D::Utf8 | D::LargeUtf8 => Intake::Keep(ColumnType::Utf8),
        D::Utf8View => Intake::Cast(D::Utf8, ColumnType::Utf8),
        D::Dictionary(_, value) => match intake(name, value).map_err(|_| unsupported())? {
            Intake::Keep(column_type) => Intake::Cast((**value).clone(), column_type),
            Intake::Cast(to, column_type) => Intake::Cast(to, column_type),
            Intake::List => return Err(unsupported()),
        },
        D::FixedSizeList(item, width) if is_float(item.data_type()) => {
            Intake::Keep(ColumnType::Vector { width: usize::try_from(*width).map_err(|_| unsupported())? })
        }
        D::List(_) if sparse_width(data_type).is_some() => {
            Intake::Keep(ColumnType::vector(sparse_width(data_type)))
        }
        D::List(item) | D::LargeList(item) if is_float(item.data_type()) => Intake::List,
        D::List(item) | D::LargeList(item) | D::FixedSizeList(item, _) if is_integer(item.data_type()) => {
            match list_type() {
                kept if kept == *data_type => Intake::Keep(ColumnType::List),
                other => Intake::Cast(other, ColumnType::List),
            }
        }
        _ => return Err(unsupported()),
    })
}

/// The one Arrow type of [`ColumnType::List`].
pub(crate) fn list_type() -> DataType {
    DataType::List(Arc::new(arrow_schema::Field::new_list_field(DataType::Int64, true)))
}

/// The column type of an array that has been through [`normalize`].
pub(crate) fn column_type(name: &str, data_type: &DataType) -> Result<ColumnType> {
    match intake(name, data_type)? {
        Intake::Keep(column_type) | Intake::Cast(_, column_type) => Ok(column_type),
        Intake::List => Err(Error::UnsupportedType { column: name.to_owned(), found: data_type.to_string() }),
    }
}

/// The array as a frame keeps it. `width` is the length lists must have, if known from other batches;
/// `first_row` is the frame's row at which the array begins, for errors.
pub(crate) fn normalize(
    name: &str,
    array: &ArrayRef,
    width: Option<usize>,
    first_row: usize,
) -> Result<ArrayRef> {
    match intake(name, array.data_type())? {
        Intake::Keep(_) => {
            check_sparse(name, array, first_row)?;
            Ok(Arc::clone(array))
        }
        Intake::Cast(to, _) => Ok(arrow_cast::cast(array, &to)?),
        Intake::List => match array.as_list_opt::<i32>() {
            Some(lists) => fixed_size(name, lists, width, first_row),
            None => fixed_size(name, array.as_list::<i64>(), width, first_row),
        },
    }
}

/// The length of the first list that is not null.
pub(crate) fn list_width(array: &dyn Array) -> Option<usize> {
    fn first<O: OffsetSizeTrait>(lists: &GenericListArray<O>) -> Option<usize> {
        (0..lists.len()).find(|&row| lists.is_valid(row)).map(|row| lists.value_length(row).as_usize())
    }
    match array.as_list_opt::<i32>() {
        Some(lists) => first(lists),
        None => first(array.as_list_opt::<i64>()?),
    }
}

/// Lists of one length as a fixed-size list. The values are shared unless a null row leaves a gap.
fn fixed_size<O: OffsetSizeTrait>(
    name: &str,
    lists: &GenericListArray<O>,
    width: Option<usize>,
    first_row: usize,
) -> Result<ArrayRef> {
    let width = width.or_else(|| list_width(lists)).unwrap_or(0);
    let mut regular = true;
    for row in 0..lists.len() {
        let found = lists.value_length(row).as_usize();
        if found != width {
            if lists.is_valid(row) {
                let column = name.to_owned();
                return Err(Error::Ragged { column, row: first_row + row, expected: width, found });
            }
            regular = false;
        }
    }
    let offsets = lists.value_offsets();
    let values = if regular {
        let start = offsets.first().map_or(0, |offset| offset.as_usize());
        lists.values().slice(start, lists.len() * width)
    } else {
        let positions: UInt64Array = (0..lists.len())
            .flat_map(|row| {
                let start = lists.is_valid(row).then(|| offsets[row].as_usize() as u64);
                (0..width as u64).map(move |position| start.map(|start| start + position))
            })
            .collect();
        arrow_select::take::take(lists.values(), &positions, None)?
    };
    let item = match lists.data_type() {
        DataType::List(item) | DataType::LargeList(item) => {
            Arc::new(item.as_ref().clone().with_nullable(item.is_nullable() || !regular))
        }
        other => return Err(Error::UnsupportedType { column: name.to_owned(), found: other.to_string() }),
    };
    let width = i32::try_from(width)
        .map_err(|_| Error::UnsupportedType { column: name.to_owned(), found: format!("list of {width}") })?;
    let nulls = lists.nulls().cloned();
    Ok(Arc::new(FixedSizeListArray::try_new_with_length(item, width, values, nulls, lists.len())?))
}
