//! A view of a scanned file that leaves rows out or has additional columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType;

use crate::assemble::side_by_side;
use crate::normalize::conform;
use crate::partition::{Batches, Part, record_batch};
use crate::place::RowOrigin;
use crate::{Error, Field, Result};

/// A view of the rows of another part.
#[derive(Debug, Clone)]
pub(crate) struct View {
    part: Arc<Part>,
    /// The rows of the part that are kept; all if `None`.
    kept: Option<BooleanBuffer>,
    rows: usize,
    columns: Arc<[(Field, Source)]>,
}

/// The origin of a column of a view.
#[derive(Debug, Clone)]
enum Source {
    /// A column of the part.
    Column(usize),
    /// One value for all rows.
    Constant(ArrayRef),
    /// Columns assembled into a vector.
    SideBySide(Arc<[(Field, Source)]>),
}

impl View {
    /// All rows and columns of a part with the columns `fields`.
    pub(crate) fn of(part: &Part, fields: &[Field]) -> Self {
        match part {
            Part::View(view) => view.clone(),
            _ => Self {
                part: Arc::new(part.clone()),
                kept: None,
                rows: part.num_rows(),
                columns: fields
                    .iter()
                    .cloned()
                    .enumerate()
                    .map(|(at, field)| (field, Source::Column(at)))
                    .collect(),
            },
        }
    }

    pub(crate) fn num_rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.part.is_absent()
    }

    /// The rows at which `mask` is true.
    pub(crate) fn keep(&self, mask: &[bool]) -> Self {
        let kept: BooleanBuffer = match &self.kept {
            None => mask.iter().copied().collect(),
            Some(kept) => {
                let mut mask = mask.iter().copied();
                kept.iter().map(|kept| kept && mask.next().unwrap_or(false)).collect()
            }
        };
        Self { rows: kept.count_set_bits(), kept: Some(kept), ..self.clone() }
    }

    /// The same rows with an additional column of one value.
    pub(crate) fn with_constant(&self, field: Field, value: ArrayRef) -> Self {
        self.with_column(field, Source::Constant(value))
    }

    /// The same rows with an additional vector column of the columns at `positions`.
    pub(crate) fn with_vector(&self, field: &Field, positions: &[usize]) -> Self {
        let mut parts = Vec::new();
        for (field, source) in positions.iter().filter_map(|&position| self.columns.get(position)) {
            match source {
                Source::SideBySide(inner) => parts.extend(inner.iter().cloned()),
                other => parts.push((field.clone(), other.clone())),
            }
        }
        self.with_column(field.clone(), Source::SideBySide(parts.into()))
    }

    fn with_column(&self, field: Field, source: Source) -> Self {
        Self { columns: self.columns.iter().cloned().chain([(field, source)]).collect(), ..self.clone() }
    }

    pub(crate) fn project(&self, columns: &[(Field, usize)]) -> Self {
        let column = |(field, at): &(Field, usize)| (field.clone(), self.columns[*at].1.clone());
        Self { columns: columns.iter().map(column).collect(), ..self.clone() }
    }

    pub(crate) fn slice(&self, offset: usize, len: usize) -> Self {
        let (start, end, kept) = match &self.kept {
            None => (offset, offset + len, None),
            Some(kept) => {
                let mut places = kept.set_indices().skip(offset);
                let start = places.next().unwrap_or(kept.len());
                let end = match len {
                    0 => start,
                    1 => start + 1,
                    _ => places.nth(len - 2).map_or(kept.len(), |last| last + 1),
                };
                (start, end, Some(kept.slice(start, end - start)))
            }
        };
        Self { part: Arc::new(self.part.slice(start, end - start)), kept, rows: len, ..self.clone() }
    }

    pub(crate) fn arrow_type(&self, position: usize) -> Option<DataType> {
        match self.columns.get(position)? {
            (_, Source::Column(at)) => self.part.arrow_type(*at),
            (_, Source::Constant(value)) => Some(value.data_type().clone()),
            (_, Source::SideBySide(_)) => None,
        }
    }

    pub(crate) fn origin(&self) -> Option<RowOrigin> {
        let origin = self.part.origin()?;
        Some(match &self.kept {
            None => origin,
            Some(kept) => origin.keep(&kept.iter().collect::<Vec<bool>>()),
        })
    }

    /// Rows in a batch when the frame is loaded.
    pub(crate) fn load_rows(&self) -> usize {
        self.part.load_rows()
    }

    pub(crate) fn batches(&self, columns: Option<&[usize]>, rows: Option<usize>) -> Result<Batches> {
        let wanted: Vec<(Field, Source)> = match columns {
            None => self.columns.to_vec(),
            Some(positions) => {
                let column = |&position: &usize| {
                    let no_such = || Error::NoSuchPosition { position, columns: self.columns.len() };
                    self.columns.get(position).cloned().ok_or_else(no_such)
                };
                positions.iter().map(column).collect::<Result<_>>()?
            }
        };
        let mut read = Vec::new();
        wanted.iter().for_each(|(_, source)| source.columns(&mut read));
        read.sort_unstable();
        read.dedup();
        let source = self.part.batches(Some(&read), rows)?;
        let (view, kept) = (self.clone(), self.kept.clone());
        Ok(Box::new(ViewBatches { view, source, kept, wanted, read, rows, at: 0, done: 0, held: Vec::new() }))
    }
}

impl Source {
    /// The columns of the part that it needs.
    fn columns(&self, found: &mut Vec<usize>) {
        match self {
            Self::Column(at) => found.push(*at),
            Self::Constant(_) => {}
            Self::SideBySide(parts) => parts.iter().for_each(|(_, source)| source.columns(found)),
        }
    }

    fn array(
        &self,
        field: &Field,
        batch: &RecordBatch,
        read: &[usize],
        first_row: usize,
    ) -> Result<ArrayRef> {
        match self {
            Self::Column(at) => {
                let place = read.binary_search(at).unwrap_or(0);
                conform(batch.column(place), field.column_type())
            }
            Self::Constant(value) => {
                let first = UInt32Array::from(vec![0; batch.num_rows()]);
                Ok(arrow_select::take::take(value, &first, None)?)
            }
            Self::SideBySide(parts) => {
                let array = |(field, source): &(Field, Self)| source.array(field, batch, read, first_row);
                let arrays = parts.iter().map(array).collect::<Result<Vec<_>>>()?;
                let columns: Vec<(&Field, ArrayRef)> =
                    parts.iter().map(|(field, _)| field).zip(arrays).collect();
                side_by_side(&columns, batch.num_rows(), first_row)
            }
        }
    }
}

/// The batches of a view. The remaining rows of several batches are merged, so that batches are as large as those of a file
/// that has only these rows.
struct ViewBatches {
    view: View,
    source: Batches,
    kept: Option<BooleanBuffer>,
    wanted: Vec<(Field, Source)>,
    /// The columns of the part that are read, in order.
    read: Vec<usize>,
    rows: Option<usize>,
    /// The number of rows of the part that have been read, and of rows that have been returned.
    at: usize,
    done: usize,
    /// Remaining rows of batches that were read.
    held: Vec<RecordBatch>,
}

impl Iterator for ViewBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}

impl ViewBatches {
    /// Reads batches until there are enough rows, or no more.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let held: usize = self.held.iter().map(RecordBatch::num_rows).sum();
            if held > 0 && held >= self.rows.unwrap_or(1) {
                return self.take(self.rows.unwrap_or(held)).map(Some);
            }
            let Some(batch) = self.source.next().transpose()? else {
                return if held > 0 { self.take(held).map(Some) } else { Ok(None) };
            };
            let rows = batch.num_rows();
            let batch = match &self.kept {
                None => batch,
                Some(kept) => {
                    let mask = BooleanArray::new(kept.slice(self.at, rows.min(kept.len() - self.at)), None);
                    arrow_select::filter::filter_record_batch(&batch, &mask)?
                }
            };
            self.at += rows;
            if batch.num_rows() > 0 {
                self.held.push(batch);
            }
        }
    }

    /// The first of the rows that were read, with the requested columns.
    fn take(&mut self, rows: usize) -> Result<RecordBatch> {
        let all = match &self.held[..] {
            [one] => one.clone(),
            several => arrow_select::concat::concat_batches(&several[0].schema(), several)?,
        };
        let (batch, rest) = (all.slice(0, rows), all.slice(rows, all.num_rows() - rows));
        self.held.clear();
        if rest.num_rows() > 0 {
            self.held.push(rest);
        }
        let first_row = self.done;
        self.done += rows;
        let array = |(field, source): &(Field, Source)| source.array(field, &batch, &self.read, first_row);
        let arrays: Result<Vec<ArrayRef>> = self.wanted.iter().map(array).collect();
        let arrays = arrays.map_err(|error| {
            let place = error.row().and_then(|row| self.view.origin()?.place(row));
            match place {
                Some(place) => Error::InRow { place, cause: Box::new(error) },
                None => error,
            }
        })?;
        record_batch(self.wanted.iter().map(|(field, _)| field), arrays, rows)
    }
}
