use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::file::{ParquetFile, unreadable, wrong_rows};
use super::guard::guarded;
use super::vectors::VectorReader;
use crate::normalize::{Intake, intake};
use crate::partition::{Batches, Part};
use crate::place::{Locate, RowOrigin};
use crate::scan::{ScanColumns, Wanted};
use crate::{ColumnType, DataFrame, Error, Field, Partition, Result, Schema};

/// Consecutive rows of one row group, and the columns wanted of them.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    file: Arc<ParquetFile>,
    row_group: usize,
    /// Rows of the file before the row group.
    first_row: usize,
    offset: usize,
    rows: usize,
    columns: ScanColumns,
}

impl Scan {
    /// Rows in a batch when text is loaded: more of it may not fit into one array.
    const TEXT_ROWS: usize = 64 * 1024;

    pub(crate) fn num_rows(&self) -> usize {
        self.rows
    }

    /// Where the rows are.
    pub(crate) fn origin(&self) -> RowOrigin {
        RowOrigin::new(Arc::clone(&self.file) as Arc<dyn Locate>, self.first_row + self.offset)
    }

    /// Rows in a batch when the columns at these positions are scanned.
    pub(crate) fn batch_rows(&self, columns: Option<&[usize]>) -> usize {
        self.columns.batch_rows(columns)
    }

    /// Rows in a batch when the frame is loaded: all of them, so that a scan and a loaded frame are cut alike.
    pub(crate) fn load_rows(&self) -> usize {
        let is_text = |field: &Field| field.column_type() == ColumnType::Utf8;
        if self.columns.fields().any(is_text) { Self::TEXT_ROWS } else { self.rows }
    }

    /// The Arrow type of a column of the file; `None` for assembled vectors.
    pub(crate) fn arrow_type(&self, position: usize) -> Option<DataType> {
        let (field, root) = self.columns.of_file(position)?;
        let data_type = self.file.metadata.schema().field(root).data_type();
        match intake(data_type) {
            Intake::Keep(found) if found == field.column_type() => Some(data_type.clone()),
            Intake::Cast(to, found) if found == field.column_type() => Some(to),
            Intake::List if !field.column_type().is_vector() => Some(data_type.clone()),
            _ => None,
        }
    }

    /// Whether a column has no values according to the file: its Arrow type is that of nulls.
    pub(crate) fn is_empty_column(&self, position: usize) -> bool {
        let is_null = |(_, root)| *self.file.metadata.schema().field(root).data_type() == DataType::Null;
        self.columns.of_file(position).is_some_and(is_null)
    }

    pub(crate) fn slice(&self, offset: usize, rows: usize) -> Self {
        Self { offset: self.offset + offset, rows, ..self.clone() }
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
        let mut batches = ScanBatches { scan: self.clone(), wanted, batch_rows, done: 0, source: None };
        batches.source = Some(guarded(&self.file.path, || batches.open(true))?);
        Ok(Box::new(batches))
    }
}

/// The batches of a scan.
#[derive(Debug)]
struct ScanBatches {
    scan: Scan,
    /// The reader gives the columns in the order of the file, each once.
    wanted: Wanted,
    batch_rows: usize,
    /// The number of rows that have been returned.
    done: usize,
    /// `None` after an error.
    source: Option<Source>,
}

/// Open readers of the wanted columns.
struct Source {
    vectors: Vec<(usize, VectorReader)>,
    /// Columns without a direct reader, in the order of the file.
    others: Vec<usize>,
    reader: ParquetRecordBatchReader,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("vectors", &self.vectors)
            .field("others", &self.others)
            .finish_non_exhaustive()
    }
}

impl ScanBatches {
    /// Readers of the remaining rows; with `direct`, vectors may be read directly from their pages.
    fn open(&self, direct: bool) -> Result<Source> {
        let scan = &self.scan;
        let (offset, rows) = (scan.offset + self.done, scan.rows - self.done);
        let mut vectors = Vec::new();
        if direct {
            let file = Arc::new(scan.file.bytes()?);
            let schema = scan.file.metadata.schema();
            let metadata = scan.file.metadata.metadata();
            for (field, root) in self.wanted.sources() {
                let ColumnType::Vector { width } = field.column_type() else { continue };
                if vectors.iter().any(|(of, _)| *of == root) {
                    continue;
                }
                let column = (root, schema.field(root).data_type());
                let reader = VectorReader::open(&file, metadata, scan.row_group, column, width, offset)
                    .map_err(|cause| unreadable(&scan.file.path, cause))?;
                vectors.extend(reader.map(|reader| (root, reader)));
            }
        }
        let has_reader = |root: &usize| vectors.iter().any(|(of, _)| of == root);
        let others: Vec<usize> =
            self.wanted.read().iter().filter(|root| !has_reader(root)).copied().collect();
        let reader = scan.file.reader(
            vec![scan.row_group],
            others.iter().copied(),
            (offset, rows),
            self.batch_rows,
        )?;
        Ok(Source { vectors, others, reader })
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let path = &self.scan.file.path;
        let Some(source) = &mut self.source else { return Ok(None) };
        let Some(batch) = source.reader.next().transpose().map_err(|cause| unreadable(path, cause.into()))?
        else {
            let (number, found) = (self.scan.row_group, self.scan.offset + self.done);
            let claimed = self.scan.file.metadata.metadata().row_group(number).num_rows();
            return match self.done == self.scan.rows {
                true => Ok(None),
                false => Err(unreadable(path, wrong_rows(number, claimed, found as i64))),
            };
        };
        let mut columns: Vec<(usize, ArrayRef)> =
            source.others.iter().copied().zip(batch.columns().iter().cloned()).collect();
        for (root, reader) in &mut source.vectors {
            match reader.read(batch.num_rows()).map_err(|cause| unreadable(path, cause))? {
                Some(vectors) => columns.push((*root, vectors)),
                None => {
                    self.source = Some(self.open(false)?);
                    return self.next_batch();
                }
            }
        }
        let first_row = self.scan.first_row + self.scan.offset + self.done;
        self.done += batch.num_rows();
        self.wanted
            .take_in(&columns, batch.num_rows(), first_row)
            .map(Some)
            .map_err(|error| error.in_file(path))
    }
}

impl Iterator for ScanBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let file = Arc::clone(&self.scan.file);
        let batch = guarded(&file.path, || self.next_batch());
        if !matches!(batch, Ok(Some(_))) {
            self.source = None;
        }
        batch.transpose()
    }
}

impl DataFrame {
    /// Opens a Parquet file without loading it. Every row group becomes a partition; its rows are read when they are needed, in
    /// the columns that are needed.
    ///
    /// Lists of floats of equal length are vectors; for lists without a fixed size, some rows are read to find
    /// the length. Columns that no stage can use, such as bytes, are [opaque](ColumnType::Opaque).
    /// Times of 96 bits, as written by Hive and Impala, are converted to microseconds.
    ///
    /// # Errors
    /// A file that cannot be opened or is not a Parquet file; one that claims more rows, or wider vectors, than it has.
    pub fn scan_parquet(path: impl AsRef<Path>) -> Result<Self> {
        let file = ParquetFile::open(path.as_ref())?;
        let roots = (0..file.metadata.schema().fields().len()).collect();
        scan(file, roots)
    }

    /// As [`scan_parquet`](Self::scan_parquet), with these columns only.
    ///
    /// # Errors
    /// As `scan_parquet`; [`Error::UnknownColumn`] for a name that is not in the file.
    pub fn scan_parquet_columns(path: impl AsRef<Path>, columns: &[&str]) -> Result<Self> {
        let file = ParquetFile::open(path.as_ref())?;
        let fields = file.metadata.schema().fields();
        let roots = columns
            .iter()
            .map(|name| {
                fields.iter().position(|field| field.name() == name).ok_or_else(|| {
                    Error::unknown_column(name, fields.iter().map(|field| field.name().as_str()))
                        .in_file(&file.path)
                })
            })
            .collect::<Result<_>>()?;
        scan(file, roots)
    }

    /// Reads a Parquet file into memory, with one partition per row group.
    ///
    /// # Errors
    /// As [`scan_parquet`](Self::scan_parquet), and any error inside the file, such as a damaged page.
    pub fn read_parquet(path: impl AsRef<Path>) -> Result<Self> {
        Self::scan_parquet(path)?.collect()
    }
}

fn scan(file: ParquetFile, roots: Vec<usize>) -> Result<DataFrame> {
    let fields = guarded(&file.path, || file.fields(&roots))?;
    let schema = Schema::new(fields.clone()).map_err(|error| error.in_file(&file.path))?;
    let columns = ScanColumns::new(fields.into_iter().zip(roots));
    let file = Arc::new(file);
    let mut first_row = 0;
    let mut partitions = Vec::new();
    for (row_group, metadata) in file.metadata.metadata().row_groups().iter().enumerate() {
        let rows = usize::try_from(metadata.num_rows()).unwrap_or(0);
        let columns = columns.clone();
        let scan = Scan { file: Arc::clone(&file), row_group, first_row, offset: 0, rows, columns };
        partitions.push(Partition::new([Part::Scan(scan)]));
        first_row += rows;
    }
    Ok(DataFrame::from_parts(schema, partitions))
}
