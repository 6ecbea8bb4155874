//! Writes files batch by batch.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;

use crate::csv::{CsvWriter, PackedFile};
use crate::parquet::ParquetWriter;
use crate::{ParquetOptions, Result, Schema};

/// Writes a file batch by batch, so that the rows need not be in memory together.
///
/// The file appears when [`finish`](Self::finish) is called; otherwise nothing remains of it.
///
/// ```no_run
/// use luthier_frame::{BatchWriter, DataFrame};
///
/// let frame = DataFrame::scan_parquet("measurements.parquet")?;
/// let mut writer = BatchWriter::csv("measurements.csv", frame.schema())?;
/// for partition in frame.partitions() {
///     for batch in partition.batches(None)? {
///         writer.write(&batch?)?;
///     }
/// }
/// writer.finish()?;
/// # Ok::<(), luthier_frame::Error>(())
/// ```
#[derive(Debug)]
pub struct BatchWriter(Format);

#[derive(Debug)]
enum Format {
    Csv(Box<CsvWriter<PackedFile>>, PathBuf),
    Parquet(Box<ParquetWriter>),
}

impl BatchWriter {
    /// A CSV file, as [`DataFrame::write_csv`](crate::DataFrame::write_csv) writes it.
    ///
    /// # Errors
    /// A file that cannot be written; no columns; a vector one of whose columns has the name of another column.
    pub fn csv(path: impl AsRef<Path>, schema: &Schema) -> Result<Self> {
        let path = path.as_ref();
        let file = PackedFile::create(path)?;
        Ok(Self(Format::Csv(Box::new(CsvWriter::to_path(file, schema, path)?), path.to_owned())))
    }

    /// A Parquet file, as [`DataFrame::write_parquet`](crate::DataFrame::write_parquet) writes it.
    ///
    /// # Errors
    /// A file that cannot be written; no columns; a vector column of width 0, which Parquet cannot hold.
    pub fn parquet(path: impl AsRef<Path>, schema: &Schema, options: &ParquetOptions) -> Result<Self> {
        Ok(Self(Format::Parquet(Box::new(ParquetWriter::new(path.as_ref(), schema, options)?))))
    }

    /// The next rows, with the columns of the schema in their order.
    ///
    /// # Errors
    /// A file that cannot be written; an unsigned integer beyond `i64`.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.0 {
            Format::Csv(writer, _) => writer.write(batch),
            Format::Parquet(writer) => writer.write(batch),
        }
    }

    /// Completes the file and moves it to its path.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn finish(self) -> Result<()> {
        match self.0 {
            Format::Csv(writer, path) => writer.finish()?.finish(&path),
            Format::Parquet(writer) => writer.finish(),
        }
    }
}
