use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::DataType;

use crate::absent::Absent;
use crate::csv::CsvScan;
use crate::normalize::{column_type_of, conform};
use crate::parquet::Scan;
use crate::place::RowOrigin;
use crate::view::View;
use crate::{Error, Field, Result, Schema};

/// Consecutive rows of a frame: record batches in memory, or rows of CSV and Parquet files
/// that are read when they are needed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Partition {
    parts: Arc<[Part]>,
    rows: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Part {
    Batch(Loaded),
    Scan(Scan),
    Csv(CsvScan),
    View(View),
    Absent(Absent),
}

/// A batch in memory, and where its rows were read if they are from a file.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) batch: RecordBatch,
    pub(crate) origin: Option<RowOrigin>,
}

impl From<RecordBatch> for Part {
    fn from(batch: RecordBatch) -> Self {
        Self::Batch(Loaded { batch, origin: None })
    }
}

/// Record batches, one after the other.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

impl Partition {
    pub(crate) fn new(parts: impl IntoIterator<Item = Part>) -> Self {
        let parts: Arc<[Part]> = parts.into_iter().filter(|part| part.num_rows() > 0).collect();
        let rows = parts.iter().map(Part::num_rows).sum();
        Self { parts, rows }
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The number of rows; known without reading anything.
    pub fn num_rows(&self) -> usize {
        self.rows
    }

    /// Whether all rows are in memory.
    pub fn is_in_memory(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Batch(_)))
    }

    /// The rows, batch by batch, in order.
    ///
    /// `columns` are positions in the frame's schema, in the desired order; only those columns are read from a file.
    /// `None` means all columns. Batches in memory are shared. No batch is empty; sizes may differ.
    ///
    /// # Errors
    /// A position that is not in the schema. If a file is read, every item of the iterator may be an error.
    pub fn batches(&self, columns: Option<&[usize]>) -> Result<Batches> {
        self.all_batches(columns, None)
    }

    /// As [`batches`](Self::batches), in batches of `rows` rows where a file is read, except for the last batch of a row
    /// group. Batches in memory keep their sizes.
    ///
    /// # Errors
    /// As `batches`.
    pub fn batches_of(&self, columns: Option<&[usize]>, rows: usize) -> Result<Batches> {
        self.all_batches(columns, Some(rows))
    }

    fn all_batches(&self, columns: Option<&[usize]>, rows: Option<usize>) -> Result<Batches> {
        let parts = Arc::clone(&self.parts);
        let first = parts.first().map(|part| part.batches(columns, rows)).transpose()?;
        let columns: Option<Vec<usize>> = columns.map(<[usize]>::to_vec);
        let rest = (1..parts.len()).flat_map(move |index| {
            parts[index]
                .batches(columns.as_deref(), rows)
                .unwrap_or_else(|error| Box::new(std::iter::once(Err(error))))
        });
        Ok(Box::new(first.into_iter().flatten().chain(rest)))
    }

    /// All rows in memory.
    pub(crate) fn load(&self) -> Result<Self> {
        if self.is_in_memory() {
            return Ok(self.clone());
        }
        let mut parts = Vec::new();
        for part in self.parts.iter() {
            if let Part::Batch(_) = part {
                parts.push(part.clone());
                continue;
            }
            let mut origin = part.origin();
            for batch in part.batches(None, Some(part.load_rows()))? {
                let batch = batch?;
                let rest = origin.as_ref().map(|origin| origin.skip(batch.num_rows()));
                parts.push(Part::Batch(Loaded { batch, origin: std::mem::replace(&mut origin, rest) }));
            }
        }
        Ok(Self::new(parts))
    }

    /// The parts of the rows `offset..offset + len`, as far as they exist.
    pub(crate) fn slice(&self, offset: usize, len: usize) -> Vec<Part> {
        let mut sliced = Vec::new();
        let (mut start, end) = (0, offset.saturating_add(len));
        for part in self.parts.iter() {
            let rows = part.num_rows();
            let (from, to) = (offset.clamp(start, start + rows), end.clamp(start, start + rows));
            if from < to {
                sliced.push(part.slice(from - start, to - from));
            }
            start += rows;
        }
        sliced
    }

    /// The same rows with other columns, each given by its field and position.
    pub(crate) fn project(&self, columns: &[(Field, usize)]) -> Result<Self> {
        let parts: Result<Vec<Part>> = self.parts.iter().map(|part| part.project(columns)).collect();
        Ok(Self::new(parts?))
    }
}

impl Part {
    pub(crate) fn num_rows(&self) -> usize {
        match self {
            Self::Batch(loaded) => loaded.batch.num_rows(),
            Self::Scan(scan) => scan.num_rows(),
            Self::Csv(scan) => scan.num_rows(),
            Self::View(view) => view.num_rows(),
            Self::Absent(absent) => absent.num_rows(),
        }
    }

    /// The Arrow type of a column, if it is known before it is read.
    pub(crate) fn arrow_type(&self, position: usize) -> Option<DataType> {
        match self {
            Self::Batch(Loaded { batch, .. }) => {
                batch.schema_ref().fields().get(position).map(|field| field.data_type().clone())
            }
            Self::Scan(scan) => scan.arrow_type(position),
            Self::Csv(scan) => scan.arrow_type(position),
            Self::View(view) => view.arrow_type(position),
            Self::Absent(_) => None,
        }
    }

    /// Whether a column has no values, as far as that is known before it is read.
    pub(crate) fn is_empty_column(&self, position: usize) -> bool {
        match self {
            Self::Batch(Loaded { batch, .. }) => {
                batch.columns().get(position).is_some_and(|array| array.null_count() == array.len())
            }
            Self::Scan(scan) => scan.is_empty_column(position),
            Self::Csv(scan) => scan.is_empty_column(position),
            Self::View(_) | Self::Absent(_) => false,
        }
    }

    /// Rows in a batch when the frame is loaded.
    pub(crate) fn load_rows(&self) -> usize {
        match self {
            Self::Batch(Loaded { batch, .. }) => batch.num_rows(),
            Self::Scan(scan) => scan.load_rows(),
            Self::Csv(scan) => scan.num_rows(),
            Self::View(view) => view.load_rows(),
            Self::Absent(absent) => absent.num_rows(),
        }
    }

    /// Whether the values of its rows are elsewhere.
    pub(crate) fn is_absent(&self) -> bool {
        match self {
            Self::Absent(_) => true,
            Self::View(view) => view.is_absent(),
            Self::Batch(_) | Self::Scan(_) | Self::Csv(_) => false,
        }
    }

    /// Where its rows were read.
    pub(crate) fn origin(&self) -> Option<RowOrigin> {
        match self {
            Self::Batch(loaded) => loaded.origin.clone(),
            Self::Scan(scan) => Some(scan.origin()),
            Self::Csv(scan) => Some(scan.origin()),
            Self::View(view) => view.origin(),
            Self::Absent(_) => None,
        }
    }

    pub(crate) fn batches(&self, columns: Option<&[usize]>, rows: Option<usize>) -> Result<Batches> {
        match self {
            Self::Batch(Loaded { batch, .. }) => {
                let batch = match columns {
                    Some(columns) => batch.project(columns)?,
                    None => batch.clone(),
                };
                Ok(Box::new(std::iter::once(Ok(batch))))
            }
            Self::Scan(scan) => scan.batches(columns, rows.unwrap_or_else(|| scan.batch_rows(columns))),
            Self::Csv(scan) => scan.batches(columns, rows.unwrap_or_else(|| scan.batch_rows(columns))),
            Self::View(view) => view.batches(columns, rows),
            Self::Absent(absent) => Err(absent.error()),
        }
    }

    pub(crate) fn slice(&self, offset: usize, len: usize) -> Self {
        match self {
            Self::Batch(Loaded { batch, origin }) => Self::Batch(Loaded {
                batch: batch.slice(offset, len),
                origin: origin.as_ref().map(|origin| origin.skip(offset)),
            }),
            Self::Scan(scan) => Self::Scan(scan.slice(offset, len)),
            Self::Csv(scan) => Self::Csv(scan.slice(offset, len)),
            Self::View(view) => Self::View(view.slice(offset, len)),
            Self::Absent(absent) => Self::Absent(absent.slice(offset, len)),
        }
    }

    /// The same rows with other columns; numbers are converted to the type of their field.
    fn project(&self, columns: &[(Field, usize)]) -> Result<Self> {
        Ok(match self {
            Self::Batch(Loaded { batch, origin }) => {
                let fields = columns.iter().map(|(field, _)| field);
                let array =
                    |(field, index): &(Field, usize)| conform(batch.column(*index), field.column_type());
                let arrays = columns.iter().map(array).collect::<Result<_>>()?;
                let batch = record_batch(fields, arrays, batch.num_rows())?;
                Self::Batch(Loaded { batch, origin: origin.clone() })
            }
            Self::Scan(scan) => Self::Scan(scan.project(columns)),
            Self::Csv(scan) => Self::Csv(scan.project(columns)),
            Self::View(view) => Self::View(view.project(columns)),
            Self::Absent(absent) => Self::Absent(absent.clone()),
        })
    }
}

/// A batch of these columns; `rows` counts where there are none.
pub(crate) fn record_batch<'a>(
    fields: impl IntoIterator<Item = &'a Field>,
    arrays: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch> {
    let fields: Vec<arrow_schema::Field> = fields
        .into_iter()
        .zip(&arrays)
        .map(|(field, array)| field.to_arrow(array.data_type().clone()))
        .collect();
    let schema = Arc::new(arrow_schema::Schema::new(fields));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
}

/// Makes batches of one schema; the Arrow schema is built only once.
#[derive(Debug)]
pub(crate) struct BatchMaker<'a> {
    schema: &'a Schema,
    arrow: Option<Arc<arrow_schema::Schema>>,
}

impl<'a> BatchMaker<'a> {
    pub(crate) fn new(schema: &'a Schema) -> Self {
        Self { schema, arrow: None }
    }

    /// A batch of these columns. The caller ensures that they have `rows` rows.
    ///
    /// # Errors
    /// A number of columns other than that of the schema; a column of another type or length.
    pub(crate) fn make(&mut self, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
        let fields = self.schema.fields();
        if arrays.len() != fields.len() {
            let found = format!("{} columns", arrays.len());
            return Err(Error::SchemaMismatch { expected: format!("{} columns", fields.len()), found });
        }
        let same = |known: &Arc<arrow_schema::Schema>| {
            let types = known.fields().iter().zip(&arrays);
            types.into_iter().all(|(field, array)| field.data_type() == array.data_type())
        };
        let arrow = match self.arrow.as_ref().filter(|known| same(known)) {
            Some(known) => Arc::clone(known),
            None => {
                for (field, array) in fields.iter().zip(&arrays) {
                    let found = column_type_of(&[array.as_ref()]);
                    if found != field.column_type() {
                        let (column, expected) = (field.name().to_owned(), field.column_type().to_string());
                        return Err(Error::ColumnType { column, expected, found });
                    }
                }
                let fields = fields.iter().zip(&arrays);
                let fields = fields.map(|(field, array)| field.to_arrow(array.data_type().clone()));
                let made = Arc::new(arrow_schema::Schema::new(fields.collect::<Vec<_>>()));
                Arc::clone(self.arrow.insert(made))
            }
        };
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(arrow, arrays, &options)?)
    }
}
