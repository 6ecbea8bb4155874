//! Converts Arrow arrays to the few types of a frame, without a copy where possible.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, GenericListArray, OffsetSizeTrait, UInt64Array};
use arrow_schema::{DataType, TimeUnit};

use crate::sparse::{check_sparse, sparse_width};
use crate::{ColumnType, Error, Opaque, Result};

/// How an Arrow type is converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Intake {
    /// Kept as it is.
    Keep(ColumnType),
    /// Cast to another Arrow type first.
    Cast(DataType, ColumnType),
    /// Lists of floats: vectors if all have the same length.
    List,
}

pub(crate) fn intake(data_type: &DataType) -> Intake {
    use DataType as D;
    let keep = Intake::Keep;
    match data_type {
        D::Float64 | D::Float32 | D::Float16 => keep(ColumnType::F64),
        D::Decimal32(..) | D::Decimal64(..) | D::Decimal128(..) | D::Decimal256(..) => keep(ColumnType::F64),
        data_type if data_type.is_integer() => keep(ColumnType::I64),
        // Without a single value, as in a CSV file.
        D::Null => Intake::Cast(D::Float64, ColumnType::F64),
        D::Boolean => keep(ColumnType::Bool),
        D::Utf8 | D::LargeUtf8 => keep(ColumnType::Utf8),
        D::Utf8View => Intake::Cast(D::Utf8, ColumnType::Utf8),
        D::Date32 => keep(ColumnType::Date),
        D::Date64 => Intake::Cast(D::Date32, ColumnType::Date),
        D::Timestamp(..) => keep(ColumnType::Timestamp),
        D::Dictionary(_, value) => match intake(value) {
            Intake::Keep(ColumnType::Opaque(_)) | Intake::List => keep(ColumnType::Opaque(Opaque::Other)),
            Intake::Keep(column_type) => Intake::Cast((**value).clone(), column_type),
            Intake::Cast(to, column_type) => Intake::Cast(to, column_type),
        },
        D::FixedSizeList(item, width) if is_float(item.data_type()) => match usize::try_from(*width) {
            Ok(width) => keep(ColumnType::Vector { width }),
            Err(_) => keep(ColumnType::Opaque(Opaque::Other)),
        },
        D::List(_) if sparse_width(data_type).is_some() => keep(ColumnType::vector(sparse_width(data_type))),
        D::List(item) | D::LargeList(item) if is_float(item.data_type()) => Intake::List,
        // Unsigned integers of 64 bits may be beyond those of the lists here.
        D::List(item) | D::LargeList(item) | D::FixedSizeList(item, _)
            if item.data_type().is_integer() && *item.data_type() != D::UInt64 =>
        {
            match list_type() {
                kept if kept == *data_type => keep(ColumnType::List),
                other => Intake::Cast(other, ColumnType::List),
            }
        }
        other => keep(ColumnType::Opaque(opaque(other))),
    }
}

pub(crate) fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float64 | DataType::Float32 | DataType::Float16)
}

fn opaque(data_type: &DataType) -> Opaque {
    use DataType as D;
    match data_type {
        D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_) => Opaque::Binary,
        D::Time32(_) | D::Time64(_) => Opaque::Time,
        D::Duration(_) | D::Interval(_) => Opaque::Duration,
        D::Struct(_) => Opaque::Struct,
        D::Map(..) => Opaque::Map,
        D::List(item) | D::LargeList(item) if is_float(item.data_type()) => Opaque::UnequalLists,
        D::List(_) | D::LargeList(_) | D::FixedSizeList(..) | D::ListView(_) | D::LargeListView(_) => {
            Opaque::Lists
        }
        _ => Opaque::Other,
    }
}

/// The one Arrow type of [`ColumnType::List`].
pub(crate) fn list_type() -> DataType {
    DataType::List(Arc::new(arrow_schema::Field::new_list_field(DataType::Int64, true)))
}

/// The column type of arrays of one Arrow type: lists of floats are vectors if all have the same length.
pub(crate) fn column_type_of(arrays: &[&dyn Array]) -> ColumnType {
    let first = arrays.first().map_or(Intake::Keep(ColumnType::F64), |array| intake(array.data_type()));
    match first {
        Intake::Keep(column_type) | Intake::Cast(_, column_type) => column_type,
        Intake::List => {
            let width = arrays.iter().find_map(|array| list_width(*array)).unwrap_or(0);
            match arrays.iter().any(|array| first_unequal(*array, width).is_some()) {
                true => ColumnType::Opaque(Opaque::UnequalLists),
                false => ColumnType::Vector { width },
            }
        }
    }
}

/// The array as stored in a column of type `wanted`; `first_row` is the row of the frame at which it begins, for errors.
pub(crate) fn normalize(
    name: &str,
    array: &ArrayRef,
    wanted: ColumnType,
    first_row: usize,
) -> Result<ArrayRef> {
    let width = match wanted {
        ColumnType::Vector { width } => width,
        _ => 0,
    };
    let kept = match intake(array.data_type()) {
        Intake::Keep(_) => {
            check_sparse(name, array, first_row)?;
            Arc::clone(array)
        }
        Intake::Cast(to, _) => arrow_cast::cast(array, &to)?,
        Intake::List if wanted == ColumnType::Opaque(Opaque::UnequalLists) => Arc::clone(array),
        Intake::List => match array.as_list_opt::<i32>() {
            Some(lists) => fixed_size(name, lists, width, first_row)?,
            None => fixed_size(name, array.as_list::<i64>(), width, first_row)?,
        },
    };
    conform(&kept, wanted)
}

/// The array in a type that a column of type `wanted` may have: one of several files may have only integers in a
/// column, or no values.
pub(crate) fn conform(array: &ArrayRef, wanted: ColumnType) -> Result<ArrayRef> {
    let fits = match intake(array.data_type()) {
        Intake::Keep(found) | Intake::Cast(_, found) => found == wanted,
        Intake::List => true,
    };
    Ok(match scalar_type(wanted) {
        Some(to) if !fits => arrow_cast::cast(array, &to)?,
        _ => Arc::clone(array),
    })
}

/// The Arrow type in which a column of single values is written, unless it came in another.
pub(crate) fn scalar_type(column_type: ColumnType) -> Option<DataType> {
    Some(match column_type {
        ColumnType::F64 => DataType::Float64,
        ColumnType::I64 => DataType::Int64,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Utf8 => DataType::Utf8,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::List | ColumnType::Vector { .. } | ColumnType::AnyVector | ColumnType::Opaque(_) => {
            return None;
        }
    })
}

/// The first list of another length than `width`, and its length.
pub(crate) fn first_unequal(array: &dyn Array, width: usize) -> Option<(usize, usize)> {
    fn first<O: OffsetSizeTrait>(lists: &GenericListArray<O>, width: usize) -> Option<(usize, usize)> {
        let length = |row| (row, lists.value_length(row).as_usize());
        let valid = (0..lists.len()).filter(|&row| lists.is_valid(row));
        valid.map(length).find(|(_, length)| *length != width)
    }
    match array.as_list_opt::<i32>() {
        Some(lists) => first(lists, width),
        None => first(array.as_list_opt::<i64>()?, width),
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

/// Lists of equal length as a fixed-size list. The values are shared unless a null row leaves a gap.
fn fixed_size<O: OffsetSizeTrait>(
    name: &str,
    lists: &GenericListArray<O>,
    width: usize,
    first_row: usize,
) -> Result<ArrayRef> {
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
