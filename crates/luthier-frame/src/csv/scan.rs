//! Rows of a CSV file that are read when they are needed.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::DataType;

use super::columns::{ColumnBuilder, Refused};
use super::file::CsvData;
use super::notes::{if_missing, other_signs};
use super::records::Records;
use super::types::{Cells, Kind};
use crate::normalize::scalar_type;
use crate::partition::Batches;
use crate::place::{Locate, RowOrigin};
use crate::scan::{ScanColumns, Wanted};
use crate::{ColumnType, Error, Field, Result};

/// Consecutive rows of a CSV file, and the columns wanted of them.
#[derive(Debug, Clone)]
pub(crate) struct CsvScan {
    file: Arc<CsvData>,
    first_row: usize,
    rows: usize,
    columns: ScanColumns,
}

impl CsvScan {
    /// All rows and columns.
    pub(super) fn new(file: Arc<CsvData>, rows: usize) -> Self {
        let columns = file.columns.iter().enumerate().map(|(at, column)| (column.field.clone(), at));
        let columns = ScanColumns::new(columns);
        Self { file, first_row: 0, rows, columns }
    }

    pub(crate) fn num_rows(&self) -> usize {
        self.rows
    }

    /// Where the rows are.
    pub(crate) fn origin(&self) -> RowOrigin {
        RowOrigin::new(Arc::clone(&self.file) as Arc<dyn Locate>, self.first_row)
    }

    /// Rows in a batch when the columns at these positions are scanned.
    pub(crate) fn batch_rows(&self, columns: Option<&[usize]>) -> usize {
        self.columns.batch_rows(columns)
    }

    /// The Arrow type of a column; `None` for assembled vectors.
    pub(crate) fn arrow_type(&self, position: usize) -> Option<DataType> {
        let (field, column) = self.columns.of_file(position)?;
        match self.file.columns.get(column)?.kind {
            Kind::U64 => Some(DataType::UInt64),
            Kind::Of(kind) if kind != field.column_type() => None,
            kind => scalar_type(kind.column_type()),
        }
    }

    /// Whether all values of a column are missing.
    pub(crate) fn is_empty_column(&self, position: usize) -> bool {
        let column = self.columns.of_file(position).and_then(|(_, column)| self.file.columns.get(column));
        column.is_some_and(|column| column.is_empty)
    }

    pub(crate) fn slice(&self, offset: usize, rows: usize) -> Self {
        Self { first_row: self.first_row + offset, rows, ..self.clone() }
    }

    pub(crate) fn project(&self, columns: &[(Field, usize)]) -> Self {
        Self { columns: self.columns.project(columns), ..self.clone() }
    }

    /// The same rows with an additional vector column of the columns at `positions`.
    pub(crate) fn with_vector(&self, field: &Field, positions: &[usize]) -> Self {
        Self { columns: self.columns.with_vector(field, positions), ..self.clone() }
    }

    pub(crate) fn batches(&self, columns: Option<&[usize]>, batch_rows: usize) -> Result<Batches> {
        let wanted = self.columns.wanted(columns)?;
        let rows = batch_rows.min(self.rows);
        let builder = |&column: &usize| ColumnBuilder::new(self.file.columns[column].kind, rows);
        let builders = wanted.read().iter().map(builder).collect();
        let (records, skip) = self.file.records_from(self.first_row)?;
        Ok(Box::new(CsvBatches {
            file: Arc::clone(&self.file),
            wanted,
            builders,
            records,
            skip,
            row: self.first_row,
            left: self.rows,
            batch_rows: batch_rows.max(1),
        }))
    }
}

/// The batches of a scan.
struct CsvBatches {
    file: Arc<CsvData>,
    wanted: Wanted,
    /// One for each column of the file that is read.
    builders: Vec<ColumnBuilder>,
    records: Records,
    /// The number of rows to skip before the first.
    skip: usize,
    /// The next row of the file, and how many are still to come.
    row: usize,
    left: usize,
    batch_rows: usize,
}

impl CsvBatches {
    fn next_batch(&mut self) -> Result<RecordBatch> {
        let first_row = self.row;
        let wanted = self.batch_rows.min(self.left);
        let mut rows = 0;
        while rows < wanted && !self.builders.iter().any(ColumnBuilder::is_full) {
            while self.skip > 0 && self.records.advance()? {
                self.skip -= 1;
            }
            if !self.records.advance()? {
                return Err(Error::FileChanged { path: self.file.path().to_owned() });
            }
            self.take()?;
            rows += 1;
        }
        (self.row, self.left) = (self.row + rows, self.left - rows);
        let arrays = self.wanted.read().iter().zip(&mut self.builders);
        let arrays: Vec<(usize, ArrayRef)> =
            arrays.map(|(&column, builder)| Ok((column, builder.finish()?))).collect::<Result<_>>()?;
        self.wanted.take_in(&arrays, rows, first_row).map_err(|error| error.in_file(self.file.path()))
    }

    /// Takes the values of the record.
    fn take(&mut self) -> Result<()> {
        let Self { file, wanted, builders, records, .. } = self;
        for (&column, builder) in wanted.read().iter().zip(builders) {
            let column = &file.columns[column];
            let cells = column.sources.iter().filter_map(|&source| records.cell(source));
            builder.push(cells, &file.cells).map_err(|(cell, refused)| {
                let (path, line) = (file.path().to_owned(), cell.line);
                let column = column.field.name().to_owned();
                match refused {
                    Refused::Type(expected) => {
                        let found = cell.text().into_owned();
                        let hint = hint(&found, expected, &file.cells);
                        Error::CsvValue { path, line, column, found, expected, hint }
                    }
                    Refused::TooLong(bytes) => Error::CsvCellTooLong { path, line, column, bytes },
                }
            })?;
        }
        Ok(())
    }
}

/// What to write if a cell is not of the type of its column.
fn hint(cell: &str, expected: ColumnType, cells: &Cells) -> Option<String> {
    Some(match expected {
        ColumnType::F64 | ColumnType::I64 => {
            other_signs(cell).map_or_else(|| if_missing(cell, cells.given_nulls()), str::to_owned)
        }
        ColumnType::Date => "write it as 2024-02-29".to_owned(),
        ColumnType::Timestamp => "write it as 2024-02-29T12:30:00".to_owned(),
        _ => return None,
    })
}

impl Iterator for CsvBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let batch = self.next_batch();
        if batch.is_err() {
            self.left = 0;
        }
        Some(batch)
    }
}
