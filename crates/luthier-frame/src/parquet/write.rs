use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::ZstdLevel;
use parquet::file::properties::WriterProperties;

use crate::file::WholeFile;
use crate::frame::to_i64;
use crate::normalize::{list_type, scalar_type};
use crate::sparse::to_sparse;
use crate::{ColumnType, DataFrame, Error, Field, Result, Schema, SparseBuilder, vector_array, vectors};

/// How the pages of a Parquet file are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// No compression.
    Uncompressed,
    /// Snappy: fast, and read by every program.
    #[default]
    Snappy,
    /// Zstandard at its default level: smaller files.
    Zstd,
}

/// How a Parquet file is written.
#[derive(Debug, Clone)]
pub struct ParquetOptions {
    compression: Compression,
    row_group_rows: usize,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        Self { compression: Compression::default(), row_group_rows: 128 * 1024 }
    }
}

impl ParquetOptions {
    /// Snappy, row groups of 131072 rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// How pages are compressed. Default [`Compression::Snappy`].
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The number of rows in a row group, except the last one. Each row group is a partition when the file is scanned.
    /// At least 1, default 131072.
    pub fn row_group_rows(mut self, row_group_rows: usize) -> Self {
        self.row_group_rows = row_group_rows;
        self
    }

    fn properties(&self) -> Result<WriterProperties> {
        if self.row_group_rows == 0 {
            return Err(Error::Argument {
                argument: "row_group_rows",
                found: "0".to_owned(),
                expected: "1 at least",
            });
        }
        let compression = match self.compression {
            Compression::Uncompressed => parquet::basic::Compression::UNCOMPRESSED,
            Compression::Snappy => parquet::basic::Compression::SNAPPY,
            Compression::Zstd => parquet::basic::Compression::ZSTD(ZstdLevel::default()),
        };
        Ok(WriterProperties::builder()
            .set_compression(compression)
            .set_max_row_group_row_count(Some(self.row_group_rows))
            .build())
    }
}

impl DataFrame {
    /// Writes a Parquet file. Vectors are fixed-size lists of `f64`; other columns keep the Arrow type in which they
    /// arrived, so that columns of another file are written unchanged.
    ///
    /// Numbers are kept bit for bit, as are nulls and the metadata of fields. The file appears when it is complete.
    ///
    /// # Errors
    /// A file that cannot be written; no columns; a vector column of width 0, which Parquet cannot hold; an
    /// Arrow type that Parquet does not have.
    pub fn write_parquet(&self, path: impl AsRef<Path>, options: &ParquetOptions) -> Result<()> {
        let mut writer = ParquetWriter::new(path.as_ref(), self.schema(), options)?;
        writer.open(|position| self.arrow_type(position))?;
        for partition in self.partitions() {
            for batch in partition.batches(None)? {
                writer.write(&batch?)?;
            }
        }
        writer.finish()
    }
}

/// Writes rows as Parquet, batch by batch.
pub(crate) struct ParquetWriter {
    path: PathBuf,
    schema: Schema,
    properties: WriterProperties,
    /// Until the types of the columns are known.
    file: Option<WholeFile>,
    writer: Option<ArrowWriter<WholeFile>>,
    arrow: Arc<arrow_schema::Schema>,
    /// Rows that have been written.
    row: usize,
}

impl std::fmt::Debug for ParquetWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ParquetWriter {
    pub(crate) fn new(path: &Path, schema: &Schema, options: &ParquetOptions) -> Result<Self> {
        let properties = options.properties()?;
        let fields = schema.fields();
        if fields.is_empty() {
            return Err(Error::NoColumns);
        }
        if let Some(field) =
            fields.iter().find(|field| field.column_type() == ColumnType::Vector { width: 0 })
        {
            let expected = "a vector of width at least 1".to_owned();
            let (column, found) = (field.name().to_owned(), field.column_type());
            return Err(Error::ColumnType { column, expected, found });
        }
        fields.iter().try_for_each(|field| arrow_type(field, None).map(drop))?;
        Ok(Self {
            path: path.to_owned(),
            schema: schema.clone(),
            properties,
            file: Some(WholeFile::create(path)?),
            writer: None,
            arrow: Arc::new(arrow_schema::Schema::empty()),
            row: 0,
        })
    }

    /// Begins the file; `stored` returns the Arrow type of each column, if it is known.
    fn open(&mut self, stored: impl Fn(usize) -> Option<DataType>) -> Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let field = |(at, field): (usize, &Field)| Ok(field.to_arrow(arrow_type(field, stored(at))?));
        let fields: Vec<arrow_schema::Field> =
            self.schema.fields().iter().enumerate().map(field).collect::<Result<_>>()?;
        self.arrow = Arc::new(arrow_schema::Schema::new(fields));
        let writer = ArrowWriter::try_new(file, Arc::clone(&self.arrow), Some(self.properties.clone()));
        self.writer = Some(writer.map_err(|cause| failed(&self.path, cause))?);
        Ok(())
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.open(|at| batch.columns().get(at).map(|array| array.data_type().clone()))?;
        let fields = self.schema.fields().iter().zip(batch.columns()).zip(self.arrow.fields());
        let arrays = fields.map(|((field, array), to)| cast(field, array, to.data_type(), self.row));
        let batch = RecordBatch::try_new(Arc::clone(&self.arrow), arrays.collect::<Result<_>>()?)?;
        self.row += batch.num_rows();
        match &mut self.writer {
            Some(writer) => writer.write(&batch).map_err(|cause| failed(&self.path, cause)),
            None => Ok(()),
        }
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        self.open(|_| None)?;
        match self.writer {
            Some(writer) => writer.into_inner().map_err(|cause| failed(&self.path, cause))?.finish(),
            None => Ok(()),
        }
    }
}

fn failed(path: &Path, cause: parquet::errors::ParquetError) -> Error {
    Error::ParquetWrite { path: path.to_owned(), cause: Box::new(cause) }
}

/// The Arrow type in which a column of type `stored` is written.
fn arrow_type(field: &Field, stored: Option<DataType>) -> Result<DataType> {
    if !field.column_type().is_vector()
        && let Some(stored) = stored
    {
        return Ok(match stored {
            // Parquet has no times in seconds.
            DataType::Timestamp(TimeUnit::Second, zone) => DataType::Timestamp(TimeUnit::Millisecond, zone),
            other => other,
        });
    }
    if let Some(scalar) = scalar_type(field.column_type()) {
        return Ok(scalar);
    }
    Ok(match field.column_type() {
        ColumnType::Vector { width } if field.is_sparse() => {
            SparseBuilder::new(width).finish().data_type().clone()
        }
        ColumnType::List => list_type(),
        ColumnType::Vector { width } => {
            let item = Arc::new(arrow_schema::Field::new_list_field(DataType::Float64, true));
            let too_wide = |_| Error::UnsupportedType {
                column: field.name().to_owned(),
                found: format!("a list of {width} numbers"),
            };
            DataType::FixedSizeList(item, i32::try_from(width).map_err(too_wide)?)
        }
        ColumnType::Opaque(_) => DataType::Null,
        _ => {
            let (column, found) = (field.name().to_owned(), field.column_type().to_string());
            return Err(Error::UnsupportedType { column, found });
        }
    })
}

fn cast(field: &Field, array: &ArrayRef, to: &DataType, first_row: usize) -> Result<ArrayRef> {
    Ok(match (field.column_type(), to) {
        (_, to) if array.data_type() == to && !field.column_type().is_vector() => Arc::clone(array),
        (ColumnType::I64, DataType::Int64) => to_i64(field.name(), array, first_row)?,
        (ColumnType::Vector { .. }, DataType::FixedSizeList(item, width)) => {
            let dense = vectors(array.as_ref()).filter(|_| array.as_fixed_size_list_opt().is_none());
            let array = dense.map_or_else(|| Arc::clone(array), |rows| vector_array(rows.into_owned()));
            let lists = array.as_fixed_size_list();
            let values = arrow_cast::cast(lists.values(), &DataType::Float64)?;
            let (item, nulls) = (Arc::clone(item), lists.nulls().cloned());
            Arc::new(FixedSizeListArray::try_new_with_length(item, *width, values, nulls, lists.len())?)
        }
        (ColumnType::Vector { .. }, _) => to_sparse(array),
        _ => arrow_cast::cast(array, to)?,
    })
}
