use std::borrow::Cow;
use std::fmt::Display;
use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef, FixedSizeListArray, Float64Array, PrimitiveArray};
use arrow_buffer::ScalarBuffer;
use arrow_schema::{DataType, Field};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, CowArray, Ix2};

use crate::frame::first_null;
use crate::normalize::is_float;
use crate::sparse::sparse_rows;

/// The values of a numeric array as `f64`; `None` if it does not hold single numbers (text, dates, lists).
///
/// A `Float64` array without nulls is borrowed, anything else is converted; nulls become NaN, booleans 0 and 1.
/// Integers beyond 2⁵³ and decimals are rounded to the nearest `f64`.
pub fn numbers(array: &dyn Array) -> Option<Cow<'_, [f64]>> {
    Some(match array.data_type() {
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            if array.null_count() == 0 {
                Cow::Borrowed(array.values())
            } else {
                Cow::Owned(convert(array, |value| value))
            }
        }
        DataType::Float32 => Cow::Owned(convert(array.as_primitive::<Float32Type>(), f64::from)),
        DataType::Float16 => Cow::Owned(convert(array.as_primitive::<Float16Type>(), |value| value.to_f64())),
        DataType::Boolean => {
            let truth = |value: Option<bool>| value.map_or(f64::NAN, |value| f64::from(u8::from(value)));
            Cow::Owned(array.as_boolean().iter().map(truth).collect())
        }
        DataType::Decimal32(_, scale) => decimals(array.as_primitive::<Decimal32Type>(), *scale),
        DataType::Decimal64(_, scale) => decimals(array.as_primitive::<Decimal64Type>(), *scale),
        DataType::Decimal128(_, scale) => decimals(array.as_primitive::<Decimal128Type>(), *scale),
        DataType::Decimal256(_, scale) => decimals(array.as_primitive::<Decimal256Type>(), *scale),
        DataType::Int8 => Cow::Owned(convert(array.as_primitive::<Int8Type>(), f64::from)),
        DataType::Int16 => Cow::Owned(convert(array.as_primitive::<Int16Type>(), f64::from)),
        DataType::Int32 => Cow::Owned(convert(array.as_primitive::<Int32Type>(), f64::from)),
        DataType::Int64 => Cow::Owned(convert(array.as_primitive::<Int64Type>(), |value| value as f64)),
        DataType::UInt8 => Cow::Owned(convert(array.as_primitive::<UInt8Type>(), f64::from)),
        DataType::UInt16 => Cow::Owned(convert(array.as_primitive::<UInt16Type>(), f64::from)),
        DataType::UInt32 => Cow::Owned(convert(array.as_primitive::<UInt32Type>(), f64::from)),
        DataType::UInt64 => Cow::Owned(convert(array.as_primitive::<UInt64Type>(), |value| value as f64)),
        _ => return None,
    })
}

fn convert<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, to_f64: impl Fn(T::Native) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = array.values().iter().map(|&value| to_f64(value)).collect();
    if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
        for (value, valid) in values.iter_mut().zip(nulls) {
            if !valid {
                *value = f64::NAN;
            }
        }
    }
    values
}

/// Decimals rounded to the nearest `f64`, like a literal in a program.
fn decimals<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, scale: i8) -> Cow<'_, [f64]>
where
    T::Native: Display,
{
    let exponent = -i32::from(scale);
    Cow::Owned(convert(array, |digits| format!("{digits}e{exponent}").parse().unwrap_or(f64::NAN)))
}

/// An array of vectors as a matrix, one row each; `None` for any other array.
///
/// Sparse vectors are expanded ([`sparse_rows`] reads them without their zeros). Fixed-size lists of `f64` without nulls are
/// borrowed, row-major, including slices. Lists of narrower floats are converted. A null number becomes NaN, a null list a
/// row of NaN.
pub fn vectors(array: &dyn Array) -> Option<CowArray<'_, f64, Ix2>> {
    if let Some(rows) = sparse_rows(array) {
        let mut matrix = rows.to_dense();
        fill_nulls(array, matrix.view_mut());
        return Some(CowArray::from(matrix));
    }
    let lists = array.as_fixed_size_list_opt()?;
    let values = lists.values();
    if !is_float(values.data_type()) {
        return None;
    }
    let shape = (lists.len(), usize::try_from(lists.value_length()).ok()?);
    let mut matrix = match numbers(values.as_ref())? {
        Cow::Borrowed(values) => CowArray::from(ArrayView2::from_shape(shape, values).ok()?),
        Cow::Owned(values) => CowArray::from(Array2::from_shape_vec(shape, values).ok()?),
    };
    if lists.null_count() > 0 {
        fill_nulls(array, matrix.view_mut());
    }
    Some(matrix)
}

/// A borrowed view of an array of vectors: a fixed-size list of `f64` without nulls.
pub fn vectors_in_place(array: &dyn Array) -> Option<ArrayView2<'_, f64>> {
    let lists = array.as_fixed_size_list_opt().filter(|lists| lists.null_count() == 0)?;
    let values =
        lists.values().as_primitive_opt::<Float64Type>().filter(|values| values.null_count() == 0)?;
    let shape = (lists.len(), usize::try_from(lists.value_length()).ok()?);
    ArrayView2::from_shape(shape, values.values()).ok()
}

/// The first row that is null or a vector that contains a null.
pub fn first_null_row(array: &dyn Array) -> Option<usize> {
    let inside = || {
        let lists = array.as_fixed_size_list_opt()?;
        let width = usize::try_from(lists.value_length()).ok()?.max(1);
        first_null(lists.values().as_ref()).map(|position| position / width)
    };
    first_null(array).into_iter().chain(inside()).min()
}

/// Rows of NaN where the array is null.
fn fill_nulls(array: &dyn Array, mut matrix: ArrayViewMut2<'_, f64>) {
    if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
        for (mut row, valid) in matrix.rows_mut().into_iter().zip(nulls) {
            if !valid {
                row.fill(f64::NAN);
            }
        }
    }
}

/// The lists of an array of [`ColumnType::List`](crate::ColumnType::List), with `None` for a list that is null or contains a
/// null; `None` for any other array.
pub fn lists(array: &dyn Array) -> Option<Vec<Option<&[i64]>>> {
    let lists = array.as_list_opt::<i32>()?;
    let values = lists.values().as_primitive_opt::<Int64Type>()?;
    let list = |row: usize| {
        let [start, end] = [lists.value_offsets()[row], lists.value_offsets()[row + 1]].map(|at| at as usize);
        let whole = lists.is_valid(row) && (start..end).all(|at| values.is_valid(at));
        whole.then(|| &values.values()[start..end])
    };
    Some((0..lists.len()).map(list).collect())
}

/// The rows of a matrix as a fixed-size list array without nulls.
///
/// The buffer is moved if the matrix is in standard (row-major) layout, otherwise copied once.
///
/// # Panics
/// If a row has more than `i32::MAX` numbers, which Arrow cannot hold.
pub fn vector_array(data: Array2<f64>) -> ArrayRef {
    let (rows, width) = data.dim();
    let data = if data.is_standard_layout() { data } else { data.as_standard_layout().into_owned() };
    let (buffer, offset) = data.into_raw_vec_and_offset();
    let values = ScalarBuffer::from(buffer).slice(offset.unwrap_or(0), rows * width);
    Arc::new(vector_list(Arc::new(Float64Array::new(values, None)), width, rows))
}

/// Cuts `values` into `rows` lists of `width`, without nulls. The caller ensures that the lengths agree.
fn vector_list(values: ArrayRef, width: usize, rows: usize) -> FixedSizeListArray {
    static ITEM: LazyLock<Arc<Field>> =
        LazyLock::new(|| Arc::new(Field::new_list_field(DataType::Float64, true)));
    let item = Arc::clone(&ITEM);
    let width = i32::try_from(width).unwrap_or(-1);
    match FixedSizeListArray::try_new_with_length(item, width, values, None, rows) {
        Ok(lists) => lists,
        Err(error) => unreachable!("vectors of width {width}: {error}"),
    }
}
