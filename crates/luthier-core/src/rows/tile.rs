//! Some rows of some columns, as arrays.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use luthier_frame::{ArrayRef, Column, DataFrame, RecordBatch, Schema, SparseRows};
use ndarray::{ArrayView2, Axis, CowArray, Ix2, s};

use super::{Batch, Held, Origin};
use crate::{Error, Result};

/// What is expected where a gap was found.
const NUMBER_WITHOUT_GAPS: &str = "a finite number: leave such rows out (`drop_nulls`), or fill the gaps with an `imputer` before this stage";

/// The rows of a tile within its chunk.
#[derive(Debug, Clone)]
pub(crate) enum Picked<'a> {
    Range(Range<usize>),
    Indices(&'a [u32]),
}

impl Picked<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Range(range) => range.len(),
            Self::Indices(indices) => indices.len(),
        }
    }

    fn position(&self, i: usize) -> usize {
        match self {
            Self::Range(range) => range.start + i,
            Self::Indices(indices) => indices.get(i).map_or(0, |&i| i as usize),
        }
    }
}

/// A view of some columns of a batch, by name.
#[derive(Debug)]
pub(crate) struct View<'a> {
    schema: &'a Schema,
    columns: Vec<&'a Arc<Held>>,
    origin: &'a Origin,
}

impl<'a> View<'a> {
    /// `places` are the positions of the schema's columns in the batch.
    pub(crate) fn new(schema: &'a Schema, batch: &'a Batch, places: &[usize]) -> Self {
        let columns = places.iter().filter_map(|&place| batch.columns.get(place)).collect();
        Self { schema, columns, origin: &batch.origin }
    }

    /// Reads one number of every cache line in order. Memory is fast when it is read in order, and the scattered rows of a
    /// group are then in the cache.
    pub(crate) fn prefetch(&self) {
        for values in self.columns.iter().filter_map(|column| column.in_place()) {
            let lines = values.to_slice().unwrap_or_default().iter().step_by(8);
            std::hint::black_box(lines.fold(0, |bits, x| bits ^ x.to_bits()));
        }
    }

    pub(crate) fn tile<'t>(&'t self, picked: Picked<'t>) -> Tile<'t> {
        Tile { view: self, picked }
    }

    fn held(&self, column: &str) -> Result<&'a Arc<Held>> {
        let place = self.schema.index_of(column).and_then(|place| self.columns.get(place));
        place.copied().ok_or_else(|| absent(column))
    }

    fn numeric(&self, column: &str) -> Result<ArrayView2<'a, f64>> {
        self.held(column)?.numeric().ok_or_else(|| Error::ColumnType {
            column: column.to_owned(),
            found: "neither numeric nor a vector".to_owned(),
            expected: "a numeric or vector column".to_owned(),
        })
    }
}

/// Some rows of some columns: at most a few thousand rows of a view, which fit in a cache, or the rows that a stage
/// transforms.
///
/// Rows are in the order of the frame. A null number is NaN here; [`first_not_finite`](Self::first_not_finite)
/// distinguishes them. [`Transformer`](crate::Transformer) and [`Summary`](crate::Summary) have examples.
#[derive(Debug)]
pub struct Tile<'a> {
    view: &'a View<'a>,
    picked: Picked<'a>,
}

impl Tile<'_> {
    /// The requested columns.
    pub fn schema(&self) -> &Schema {
        self.view.schema
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.picked.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The global index of the tile's `i`-th row in the frame.
    pub fn row(&self, i: usize) -> usize {
        self.view.origin.number(self.position(i))
    }

    fn position(&self, i: usize) -> usize {
        self.picked.position(i)
    }

    /// A vector column as a matrix with one row per row; a numeric column counts as a vector of width 1. Borrowed if the
    /// rows are contiguous in memory.
    ///
    /// # Errors
    /// If the column was not requested or is not numeric.
    pub fn vectors(&self, column: &str) -> Result<CowArray<'_, f64, Ix2>> {
        let values = self.view.numeric(column)?;
        Ok(match &self.picked {
            Picked::Range(range) => CowArray::from(values.slice_move(s![range.clone(), ..])),
            Picked::Indices(indices) => {
                let indices: Vec<usize> = indices.iter().map(|&i| i as usize).collect();
                CowArray::from(values.select(Axis(0), &indices))
            }
        })
    }

    /// The rows of a sparse vector column without their zeros; `None` for any other column. [`vectors`](Self::vectors) makes
    /// them dense.
    pub fn sparse(&self, column: &str) -> Option<SparseTile<'_>> {
        Some(SparseTile { rows: self.view.held(column).ok()?.sparse()?, picked: &self.picked })
    }

    /// The values of a numeric column.
    ///
    /// # Errors
    /// If the column was not requested or is not numeric.
    pub fn numbers(&self, column: &str) -> Result<Cow<'_, [f64]>> {
        let values = self.view.numeric(column)?;
        let width = values.ncols();
        let flat = values.to_slice().filter(|_| width == 1).ok_or_else(|| Error::ColumnType {
            column: column.to_owned(),
            found: format!("a vector of width {width}"),
            expected: "a numeric column".to_owned(),
        })?;
        Ok(match &self.picked {
            Picked::Range(range) => Cow::Borrowed(flat.get(range.clone()).unwrap_or_default()),
            Picked::Indices(indices) => {
                Cow::Owned(indices.iter().filter_map(|&i| flat.get(i as usize).copied()).collect())
            }
        })
    }

    /// The weights of the rows: `None` without a weight column.
    ///
    /// # Errors
    /// A weight that is negative, not finite or null.
    pub fn weights(&self, weight_col: Option<&str>) -> Result<Option<Cow<'_, [f64]>>> {
        let Some(column) = weight_col else { return Ok(None) };
        let weights = self.numbers(column)?;
        match weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
            Some(i) => Err(self.bad_value(column, i, "a finite weight of at least 0")),
            None => Ok(Some(weights)),
        }
    }

    /// A borrowed view of the rows of a numeric or vector column.
    pub(crate) fn positioned(&self, column: &str, width: usize) -> Result<Positioned<'_>> {
        let values = self.view.numeric(column)?;
        if values.ncols() != width {
            return Err(Error::invalid(format!(
                "column `{column}` has rows of width {}, expected {width}: all vectors of a column must have the same width",
                values.ncols(),
            )));
        }
        let scattered =
            || Error::invalid(format!("the rows of column `{column}` are not contiguous in memory"));
        Ok(Positioned { values: values.to_slice().ok_or_else(scattered)?, width, picked: &self.picked })
    }

    /// The rows of any column as an Arrow array.
    ///
    /// # Errors
    /// If the column was not requested.
    pub fn array(&self, column: &str) -> Result<ArrayRef> {
        let array = self.view.held(column)?.to_array();
        match &self.picked {
            Picked::Range(range) => Ok(array.slice(range.start, range.len())),
            Picked::Indices(indices) => {
                let indices = luthier_frame::arrow_array::UInt32Array::from(indices.to_vec());
                arrow_select::take::take(array.as_ref(), &indices, None)
                    .map_err(|e| luthier_frame::Error::from(e).into())
            }
        }
    }

    /// The rows of any column as a column of a frame.
    ///
    /// # Errors
    /// If the column was not requested.
    pub fn column(&self, column: &str) -> Result<Column> {
        match (&self.picked, self.view.held(column)?.is_matrix()) {
            // Rows of numbers are moved as a matrix, many times faster than as values of lists.
            (Picked::Indices(_), true) => Ok(Column::vector(self.vectors(column)?.into_owned())),
            _ => Ok(Column::from_array(self.array(column)?)?),
        }
    }

    /// The rows of some columns as a batch, to be written to a file.
    ///
    /// # Errors
    /// If a column was not requested.
    pub fn to_record_batch(&self, schema: &Schema) -> Result<RecordBatch> {
        let columns = schema.fields().iter().map(|field| Ok((field.clone(), self.column(field.name())?)));
        let frame = DataFrame::from_fields(columns.collect::<Result<_>>()?)?;
        let batch = frame.partitions().first().map(|rows| rows.batches(None)).transpose()?;
        match batch.into_iter().flatten().next() {
            Some(batch) => Ok(batch?),
            None => Err(Error::invalid("the tile has no rows")),
        }
    }

    /// The error that names a value of the tile's `i`-th row.
    pub fn bad_value(&self, column: &str, i: usize, expected: &'static str) -> Error {
        let position = self.position(i);
        let found = match (self.view.held(column), self.view.numeric(column)) {
            (Ok(held), _) if held.is_null(position) => "null".to_owned(),
            (_, Ok(values)) if values.ncols() == 1 => {
                values.get((position, 0)).map_or_else(String::new, f64::to_string)
            }
            (_, Ok(values)) => match values
                .outer_iter()
                .nth(position)
                .and_then(|row| row.iter().position(|x| !x.is_finite()).map(|j| (j, row[j])))
            {
                Some((j, value)) => return self.bad_feature(column, i, j, value, expected),
                None => "a vector".to_owned(),
            },
            _ => "an unusable value".to_owned(),
        };
        self.bad_value_of(column, i, found, expected)
    }

    /// The error that names the value at a position of the vector in the tile's `i`-th row, with the name of the feature if it
    /// has one.
    pub fn bad_feature(
        &self,
        column: &str,
        i: usize,
        position: usize,
        found: f64,
        expected: &'static str,
    ) -> Error {
        let field = self.schema().field(column).filter(|field| field.has_feature_names());
        match field.and_then(|field| field.feature_names()?.into_iter().nth(position)) {
            Some(name) => self.bad_value_of(column, i, found.to_string(), expected).of_feature(name),
            None => {
                let found = format!("{found} at position {position} of the vector");
                self.bad_value_of(column, i, found, expected)
            }
        }
    }

    /// As [`bad_value`](Self::bad_value), for a stage that describes itself what was found.
    pub fn bad_value_of(
        &self,
        column: &str,
        i: usize,
        found: impl Into<String>,
        expected: &'static str,
    ) -> Error {
        Error::bad_value(column, self.row(i), found, expected)
    }

    /// The numbers in the `i`-th row that are not finite, in words: "`age` is NaN". Empty if there are none.
    pub(super) fn not_finite_in(&self, i: usize) -> String {
        const SHOWN: usize = 3;
        let position = self.position(i);
        let mut told = Vec::new();
        for (field, held) in self.view.schema.fields().iter().zip(&self.view.columns) {
            let Some(values) = held.numeric().filter(|values| position < values.nrows()) else { continue };
            let names = field.feature_names().filter(|_| field.has_feature_names()).unwrap_or_default();
            for (j, x) in values.row(position).iter().enumerate().filter(|(_, x)| !x.is_finite()) {
                let name = names.get(j).map_or(field.name(), String::as_str);
                told.push(format!("`{name}` is {x}"));
            }
        }
        let more = told.len().saturating_sub(SHOWN);
        told.truncate(SHOWN);
        if more > 0 {
            told.push(format!("{more} more are not finite"));
        }
        match told.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, before)) => format!("{} and {last}", before.join(", ")),
            None => String::new(),
        }
    }

    /// Rejects nulls, which most stages do not accept.
    pub(super) fn refuse_nulls(&self) -> Result<()> {
        let names = self.view.schema.names().zip(&self.view.columns);
        let nulls = names.filter_map(|(column, held)| Some((held.first_null()?, column)));
        match nulls.min_by_key(|(row, _)| *row) {
            Some((i, column)) => {
                let expected = "a value in every row; drop or fill missing values first";
                Err(self.bad_value_of(column, i, "null", expected))
            }
            None => Ok(()),
        }
    }

    /// The rows as a batch.
    pub(crate) fn to_batch(&self) -> Result<Batch> {
        let column = |name| Ok(Arc::new(Held::array(self.array(name)?)));
        let columns = self.view.schema.names().map(column).collect::<Result<_>>()?;
        let first_row = if self.is_empty() { 0 } else { self.row(0) };
        let origin = Origin::new(first_row).keep((0..self.len()).map(|i| self.row(i) - first_row));
        Ok(Batch { columns, rows: self.len(), origin })
    }

    /// An error that names the first value of a column that is null, NaN or infinite, if there is one.
    pub fn first_not_finite(&self, column: &str) -> Option<Error> {
        if let Some(rows) = self.sparse(column) {
            let i = (0..rows.len()).find(|&i| rows.row(i).1.iter().any(|x| !x.is_finite()))?;
            return Some(self.not_finite(column, i));
        }
        let values = self.vectors(column).ok()?;
        let i = values.outer_iter().position(|row| row.iter().any(|x| !x.is_finite()))?;
        Some(self.not_finite(column, i))
    }

    fn not_finite(&self, column: &str, i: usize) -> Error {
        let error = self.bad_value(column, i, "a finite number");
        let is_gap = matches!(&error, Error::BadValue { found, .. } if found == "null");
        if is_gap { self.bad_value(column, i, NUMBER_WITHOUT_GAPS) } else { error }
    }
}

/// The rows of a sparse vector column of a tile.
#[derive(Debug, Clone, Copy)]
pub struct SparseTile<'a> {
    rows: SparseRows<'a>,
    picked: &'a Picked<'a>,
}

impl<'a> SparseTile<'a> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.picked.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The width of every vector, including zeros.
    pub fn width(&self) -> usize {
        self.rows.width()
    }

    /// The increasing positions and the values of the stored numbers of the tile's `i`-th row.
    pub fn row(&self, i: usize) -> (&'a [u32], &'a [f64]) {
        self.rows.row(self.picked.position(i))
    }
}

/// The rows of one column of a tile.
pub(crate) struct Positioned<'a> {
    /// All rows of the chunk, one after the other.
    values: &'a [f64],
    width: usize,
    picked: &'a Picked<'a>,
}

impl Positioned<'_> {
    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> &[f64] {
        let position = match self.picked {
            Picked::Range(range) => range.start + i,
            Picked::Indices(indices) => indices[i] as usize,
        };
        &self.values[position * self.width..(position + 1) * self.width]
    }

    /// Writes `sqrt(w) · (x − reference)` for the rows in `block` to the rows of `target`, which are `stride` apart,
    /// and adds `w · (x − reference)` to `sum`, in one sweep over the memory.
    pub(crate) fn shift(
        &self,
        block: Range<usize>,
        weights: Option<&[f64]>,
        reference: &[f64],
        target: &mut [f64],
        stride: usize,
        sum: &mut [f64],
    ) {
        // This loop is bound by memory: wide registers keep more loads in flight than the instructions of a plain build.
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (i, target) in block.zip(target.chunks_mut(stride)) {
                    let values = target.iter_mut().zip(self.row(i)).zip(reference).zip(sum.iter_mut());
                    match weights.map(|weights| weights[i]) {
                        None => values.for_each(|(((target, x), reference), sum)| {
                            let shifted = x - reference;
                            *target = shifted;
                            *sum += shifted;
                        }),
                        Some(w) => {
                            let root = w.sqrt();
                            values.for_each(|(((target, x), reference), sum)| {
                                let shifted = x - reference;
                                *target = root * shifted;
                                *sum += w * shifted;
                            });
                        }
                    }
                }
            },
        );
    }
}

fn absent(column: &str) -> Error {
    Error::invalid(format!("the tile has no column `{column}`: add it to the requested columns"))
}
