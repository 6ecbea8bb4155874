//! The columns of a file that is scanned, whatever its format.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};

use crate::assemble::side_by_side;
use crate::normalize::normalize;
use crate::partition::record_batch;
use crate::{ColumnType, Error, Field, Result};

/// Numbers in a batch when a frame is scanned, and the fewest and the most rows: enough to forget the overhead,
/// few enough for a cache.
const BATCH_NUMBERS: usize = 128 * 1024;
const BATCH_ROWS: (usize, usize) = (256, 8 * 1024);

/// A frame's columns, and where in the file they come from.
#[derive(Debug, Clone)]
pub(crate) struct ScanColumns(Arc<[(Field, Origin)]>);

/// Where a column of a scan comes from.
#[derive(Debug, Clone)]
enum Origin {
    /// The column of the file at this place.
    File(usize),
    /// Columns of the file, put side by side as a vector.
    SideBySide(Arc<[(Field, usize)]>),
}

/// The columns of the file that a column called `field` is made of.
fn sources((field, origin): &(Field, Origin)) -> Vec<(&Field, usize)> {
    match origin {
        Origin::File(root) => vec![(field, *root)],
        Origin::SideBySide(sources) => sources.iter().map(|(field, root)| (field, *root)).collect(),
    }
}

impl ScanColumns {
    /// Columns of the file, each with its place there.
    pub(crate) fn new(columns: impl IntoIterator<Item = (Field, usize)>) -> Self {
        Self(columns.into_iter().map(|(field, root)| (field, Origin::File(root))).collect())
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.0.iter().map(|(field, _)| field)
    }

    /// A column that is one of the file's, with its place there; `None` for vectors that are put together.
    pub(crate) fn of_file(&self, position: usize) -> Option<(&Field, usize)> {
        match self.0.get(position)? {
            (field, Origin::File(root)) => Some((field, *root)),
            _ => None,
        }
    }

    /// Rows in a batch when the columns at these positions are scanned; `None` stands for all.
    pub(crate) fn batch_rows(&self, wanted: Option<&[usize]>) -> usize {
        let width = |position: usize| match self.0.get(position).map(|(field, _)| field.column_type()) {
            Some(ColumnType::Vector { width }) => width,
            _ => 1,
        };
        let width: usize = match wanted {
            Some(wanted) => wanted.iter().map(|&position| width(position)).sum(),
            None => (0..self.0.len()).map(width).sum(),
        };
        let (fewest, most) = BATCH_ROWS;
        (BATCH_NUMBERS / width.max(1)).clamp(fewest, most)
    }

    /// Some of the columns, under these names and types.
    pub(crate) fn project(&self, columns: &[(Field, usize)]) -> Self {
        Self(columns.iter().map(|(field, index)| (field.clone(), self.0[*index].1.clone())).collect())
    }

    /// One more column, of the columns at `positions` side by side.
    pub(crate) fn with_vector(&self, field: &Field, positions: &[usize]) -> Self {
        let sources = positions.iter().filter_map(|&position| self.0.get(position)).flat_map(sources);
        let sources = sources.map(|(field, root)| (field.clone(), root)).collect();
        Self(self.0.iter().cloned().chain([(field.clone(), Origin::SideBySide(sources))]).collect())
    }

    /// The columns at these positions, to be read; `None` stands for all.
    ///
    /// # Errors
    /// A position that does not exist.
    pub(crate) fn wanted(&self, positions: Option<&[usize]>) -> Result<Wanted> {
        let column = |&position: &usize| {
            let column = self.0.get(position).cloned();
            column.ok_or(Error::NoSuchPosition { position, columns: self.0.len() })
        };
        let columns: Vec<_> = match positions {
            None => self.0.to_vec(),
            Some(positions) => positions.iter().map(column).collect::<Result<_>>()?,
        };
        let mut read: Vec<usize> = columns.iter().flat_map(sources).map(|(_, root)| root).collect();
        read.sort_unstable();
        read.dedup();
        Ok(Wanted { columns, read })
    }
}

/// The columns that are wanted of a scan.
#[derive(Debug)]
pub(crate) struct Wanted {
    columns: Vec<(Field, Origin)>,
    read: Vec<usize>,
}

impl Wanted {
    /// The places of the columns of the file that are read, in its order, each once.
    pub(crate) fn read(&self) -> &[usize] {
        &self.read
    }

    /// The columns of the file that are read, with what the frame calls them and wants them to be.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&Field, usize)> {
        self.columns.iter().flat_map(sources)
    }

    /// Columns as read, each with its place in the file, as the frame wants them.
    pub(crate) fn take_in(
        &self,
        columns: &[(usize, ArrayRef)],
        rows: usize,
        first_row: usize,
    ) -> Result<RecordBatch> {
        let mut by_root: Vec<&(usize, ArrayRef)> = columns.iter().collect();
        by_root.sort_unstable_by_key(|(root, _)| *root);
        let column = |field: &Field, root: usize| {
            let (_, array) = by_root.get(by_root.binary_search_by_key(&root, |(of, _)| *of).ok()?)?;
            Some(normalize(field.name(), array, field.column_type(), first_row))
        };
        let arrays = self.columns.iter().filter_map(|(field, origin)| match origin {
            Origin::File(root) => column(field, *root),
            Origin::SideBySide(sources) => {
                let parts: Result<Vec<(&Field, ArrayRef)>> = sources
                    .iter()
                    .filter_map(|(field, root)| Some(column(field, *root)?.map(|array| (field, array))))
                    .collect();
                Some(parts.and_then(|parts| side_by_side(&parts, rows, first_row)))
            }
        });
        let arrays = arrays.collect::<Result<Vec<ArrayRef>>>()?;
        record_batch(self.columns.iter().map(|(field, _)| field), arrays, rows)
    }
}
