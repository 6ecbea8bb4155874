//! Vector columns that store only the numbers that are not zero.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt32Type};
use arrow_array::{Array, ArrayRef, Float64Array, ListArray, StructArray, UInt32Array};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, FieldRef, Fields};
use ndarray::Array2;

use crate::{Error, Result, vectors};

/// The metadata key of the width, which cannot be read off the lists.
const WIDTH: &str = "luthier.width";

/// The largest width that a file may claim: 128 million numbers, which take a gigabyte if a model keeps one per feature.
pub(crate) const MAX_WIDTH: usize = 1 << 27;

/// Rows of sparse vectors: for each row, the increasing positions of the stored numbers, and these numbers. All others
/// are zero.
#[derive(Debug, Clone, Copy)]
pub struct SparseRows<'a> {
    width: usize,
    offsets: &'a [i32],
    indices: &'a [u32],
    values: &'a [f64],
}

impl<'a> SparseRows<'a> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The width of every vector, including zeros.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Positions and values of the stored numbers of row `i`; empty after the last row.
    pub fn row(&self, i: usize) -> (&'a [u32], &'a [f64]) {
        let bound = |i: usize| self.offsets.get(i).map(|&offset| offset as usize);
        match (bound(i), bound(i + 1)) {
            (Some(from), Some(to)) => (
                self.indices.get(from..to).unwrap_or_default(),
                self.values.get(from..to).unwrap_or_default(),
            ),
            _ => (&[], &[]),
        }
    }

    /// The number of stored numbers.
    pub fn held(&self) -> usize {
        match (self.offsets.first(), self.offsets.last()) {
            (Some(from), Some(to)) => (to - from) as usize,
            _ => 0,
        }
    }

    /// The rows as a dense matrix.
    pub fn to_dense(&self) -> Array2<f64> {
        let mut dense = Array2::zeros((self.len(), self.width));
        for (i, mut target) in dense.outer_iter_mut().enumerate() {
            let (indices, values) = self.row(i);
            for (&j, &value) in indices.iter().zip(values) {
                target[j as usize] = value;
            }
        }
        dense
    }
}

/// The rows of a sparse vector array; `None` for any other array. A null vector has no stored numbers.
pub fn sparse_rows(array: &dyn Array) -> Option<SparseRows<'_>> {
    let width = sparse_width(array.data_type())?;
    let lists = array.as_list_opt::<i32>()?;
    let items = lists.values().as_struct_opt()?;
    let indices = items.column(0).as_primitive_opt::<UInt32Type>()?.values();
    let values = items.column(1).as_primitive_opt::<Float64Type>()?.values();
    Some(SparseRows { width, offsets: lists.value_offsets(), indices, values })
}

/// The width of the vectors, if this is the type of a sparse vector array.
pub(crate) fn sparse_width(data_type: &DataType) -> Option<usize> {
    let DataType::List(item) = data_type else { return None };
    let DataType::Struct(fields) = item.data_type() else { return None };
    let of_types = matches!(&fields[..], [index, value]
        if *index.data_type() == DataType::UInt32 && *value.data_type() == DataType::Float64);
    item.metadata().get(WIDTH).filter(|_| of_types)?.parse().ok()
}

/// Builds sparse vectors row by row.
///
/// ```
/// use luthier_frame::{SparseBuilder, sparse_rows};
///
/// let mut rows = SparseBuilder::new(1000);
/// rows.push(3, 1.5);
/// rows.end_row();
/// rows.end_row();
/// let array = rows.finish();
/// let rows = sparse_rows(array.as_ref()).unwrap();
/// assert_eq!((rows.len(), rows.width()), (2, 1000));
/// assert_eq!(rows.row(0), (&[3][..], &[1.5][..]));
/// ```
#[derive(Debug, Clone)]
pub struct SparseBuilder {
    width: usize,
    offsets: Vec<i32>,
    indices: Vec<u32>,
    values: Vec<f64>,
}

impl SparseBuilder {
    /// A builder for vectors of this width.
    pub fn new(width: usize) -> Self {
        Self { width, offsets: vec![0], indices: Vec::new(), values: Vec::new() }
    }

    /// Appends a number to the current row; zeros are left out. Positions must increase.
    ///
    /// # Panics
    /// If the position is not greater than the previous one of this row, or not below the width.
    pub fn push(&mut self, position: usize, value: f64) {
        let start = self.offsets.last().map_or(0, |&offset| offset as usize);
        let last = self.indices.get(start..).and_then(<[u32]>::last);
        assert!(position < self.width, "position {position} in a vector of {} numbers", self.width);
        assert!(last.is_none_or(|&last| (last as usize) < position), "positions must increase");
        if value != 0.0 {
            self.indices.push(position as u32);
            self.values.push(value);
        }
    }

    /// Ends the current row.
    ///
    /// # Panics
    /// If more than `i32::MAX` numbers are stored, which Arrow does not support.
    pub fn end_row(&mut self) {
        match i32::try_from(self.indices.len()) {
            Ok(end) => self.offsets.push(end),
            Err(_) => unreachable!("more than 2^31 numbers in one array"),
        }
    }

    /// The vectors as an Arrow array without nulls.
    pub fn finish(self) -> ArrayRef {
        let item = |name: &str, data_type| Arc::new(Field::new(name, data_type, false));
        let fields = Fields::from(vec![item("index", DataType::UInt32), item("value", DataType::Float64)]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(self.indices)),
            Arc::new(Float64Array::new(ScalarBuffer::from(self.values), None)),
        ];
        let item = Field::new("item", DataType::Struct(fields.clone()), false)
            .with_metadata(HashMap::from([(WIDTH.to_owned(), self.width.to_string())]));
        let lists = StructArray::try_new(fields, columns, None).and_then(|items| {
            let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
            ListArray::try_new(FieldRef::from(item), offsets, Arc::new(items), None)
        });
        match lists {
            Ok(lists) => Arc::new(lists),
            Err(error) => unreachable!("sparse vectors of width {}: {error}", self.width),
        }
    }
}

/// Converts vectors to sparse storage.
pub(crate) fn to_sparse(array: &ArrayRef) -> ArrayRef {
    let dense = vectors(array.as_ref()).filter(|_| sparse_width(array.data_type()).is_none());
    let Some(dense) = dense else { return Arc::clone(array) };
    let mut rows = SparseBuilder::new(dense.ncols());
    for row in dense.outer_iter() {
        row.iter().enumerate().for_each(|(j, &value)| rows.push(j, value));
        rows.end_row();
    }
    rows.finish()
}

/// Rejects positions that do not increase or are not below the width, and missing numbers.
pub(crate) fn check_sparse(name: &str, array: &ArrayRef, first_row: usize) -> Result<()> {
    let (Some(rows), Some(lists)) = (sparse_rows(array.as_ref()), array.as_list_opt::<i32>()) else {
        return Ok(());
    };
    let bad = |row: usize, problem: String| Error::Sparse {
        column: name.to_owned(),
        row: first_row + row,
        problem,
    };
    let items = lists.values().as_struct();
    let has_nulls = items.null_count() > 0 || items.columns().iter().any(|column| column.null_count() > 0);
    if has_nulls {
        return Err(bad(0, "a position or number is null".to_owned()));
    }
    for i in 0..rows.len() {
        let (indices, _) = rows.row(i);
        if let Some(pair) = indices.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(bad(i, format!("position {} comes after {}", pair[1], pair[0])));
        }
        if let Some(last) = indices.last().filter(|&&last| last as usize >= rows.width) {
            return Err(bad(i, format!("position {last} in a vector of {} numbers", rows.width)));
        }
    }
    Ok(())
}
