//! The values of some columns for some rows.

use std::sync::{Arc, OnceLock};

use luthier_frame::arrow_array::cast::AsArray;
use luthier_frame::arrow_array::types::Float64Type;
use luthier_frame::arrow_array::{Array, BooleanArray, Float64Array};
use luthier_frame::{
    ArrayRef, SparseRows, first_null_row, numbers, sparse_rows, vector_array, vectors, vectors_in_place,
};
use ndarray::{Array2, ArrayView2};

use super::Origin;
use crate::Result;

/// Columns in their positions, and the origin of their rows.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) columns: Vec<Arc<Held>>,
    pub(crate) rows: usize,
    pub(crate) origin: Origin,
}

impl Batch {
    pub(crate) fn new(arrays: &[ArrayRef], rows: usize, first_row: usize) -> Self {
        let columns = arrays.iter().map(|array| Arc::new(Held::array(Arc::clone(array)))).collect();
        Self { columns, rows, origin: Origin::new(first_row) }
    }

    /// The rows at which the mask is true.
    pub(crate) fn filter(self, mask: &[bool]) -> Result<Self> {
        let kept = || (0..self.rows).filter(|&i| mask.get(i) == Some(&true));
        let columns = self.columns.iter().map(|column| Ok(Arc::new(column.filter(mask)?)));
        let columns = columns.collect::<Result<_>>()?;
        Ok(Self { columns, rows: kept().count(), origin: self.origin.clone().keep(kept()) })
    }
}

/// The values of one column: an Arrow array, or numbers that a stage has computed.
#[derive(Debug)]
pub(crate) struct Held {
    data: Data,
    /// The values as numbers, if they had to be converted.
    converted: OnceLock<Option<Array2<f64>>>,
    /// The values as an array, once it has been requested.
    array: OnceLock<ArrayRef>,
}

#[derive(Debug)]
enum Data {
    Array(ArrayRef),
    Numbers(Vec<f64>),
    Vectors(Array2<f64>),
}

impl Held {
    fn new(data: Data) -> Self {
        Self { data, converted: OnceLock::new(), array: OnceLock::new() }
    }

    pub(crate) fn array(array: ArrayRef) -> Self {
        Self::new(Data::Array(array))
    }

    pub(crate) fn numbers(values: Vec<f64>) -> Self {
        Self::new(Data::Numbers(values))
    }

    pub(crate) fn vectors(rows: Array2<f64>) -> Self {
        let rows = if rows.is_standard_layout() { rows } else { rows.as_standard_layout().into_owned() };
        Self::new(Data::Vectors(rows))
    }

    pub(crate) fn len(&self) -> usize {
        match &self.data {
            Data::Array(array) => array.len(),
            Data::Numbers(values) => values.len(),
            Data::Vectors(rows) => rows.nrows(),
        }
    }

    /// A borrowed view of the numbers, where a number is a vector of width 1; `None` if they would have to be converted.
    pub(crate) fn in_place(&self) -> Option<ArrayView2<'_, f64>> {
        match &self.data {
            Data::Numbers(values) => ArrayView2::from_shape((values.len(), 1), values).ok(),
            Data::Vectors(rows) => Some(rows.view()),
            Data::Array(array) => vectors_in_place(array.as_ref()).or_else(|| {
                let values = array.as_primitive_opt::<Float64Type>()?;
                let values = values.values().get(..).filter(|_| array.null_count() == 0)?;
                ArrayView2::from_shape((values.len(), 1), values).ok()
            }),
        }
    }

    /// The rows as numbers, null as NaN; `None` if the column is not numeric.
    pub(crate) fn numeric(&self) -> Option<ArrayView2<'_, f64>> {
        let convert = |array: &ArrayRef| {
            let rows = vectors(array.as_ref()).map(|rows| rows.into_owned());
            rows.or_else(|| {
                let values = numbers(array.as_ref())?.into_owned();
                Array2::from_shape_vec((values.len(), 1), values).ok()
            })
        };
        match (self.in_place(), &self.data) {
            (None, Data::Array(array)) => {
                self.converted.get_or_init(|| convert(array)).as_ref().map(|rows| rows.view())
            }
            (in_place, _) => in_place,
        }
    }

    /// The sparse rows, if the column is sparse and no row is null.
    pub(crate) fn sparse(&self) -> Option<SparseRows<'_>> {
        match &self.data {
            Data::Array(array) => sparse_rows(array.as_ref()).filter(|_| array.null_count() == 0),
            _ => None,
        }
    }

    /// Whether these are vectors that are contiguous in memory.
    pub(crate) fn is_matrix(&self) -> bool {
        match &self.data {
            Data::Array(array) => vectors_in_place(array.as_ref()).is_some(),
            Data::Vectors(_) => true,
            Data::Numbers(_) => false,
        }
    }

    /// The rows at which the mask is true.
    pub(crate) fn filter(&self, mask: &[bool]) -> Result<Self> {
        let filtered =
            arrow_select::filter::filter(self.to_array().as_ref(), &BooleanArray::from(mask.to_vec()));
        Ok(Self::array(filtered.map_err(luthier_frame::Error::from)?))
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        matches!(&self.data, Data::Array(array) if array.is_null(row))
    }

    /// The first row that is null or a vector that contains a null.
    pub(crate) fn first_null(&self) -> Option<usize> {
        match &self.data {
            Data::Array(array) => first_null_row(array.as_ref()),
            _ => None,
        }
    }

    pub(crate) fn to_array(&self) -> ArrayRef {
        match &self.data {
            Data::Array(array) => Arc::clone(array),
            Data::Numbers(values) => {
                let array = self.array.get_or_init(|| Arc::new(Float64Array::from(values.clone())));
                Arc::clone(array)
            }
            Data::Vectors(rows) => Arc::clone(self.array.get_or_init(|| vector_array(rows.clone()))),
        }
    }

    /// As [`to_array`](Self::to_array); the numbers are moved if they are not shared.
    pub(crate) fn into_array(self: Arc<Self>) -> ArrayRef {
        match Arc::try_unwrap(self) {
            Ok(Self { data: Data::Array(array), .. }) => array,
            Ok(Self { data: Data::Numbers(values), .. }) => Arc::new(Float64Array::from(values)),
            Ok(Self { data: Data::Vectors(rows), .. }) => vector_array(rows),
            Err(shared) => shared.to_array(),
        }
    }
}
