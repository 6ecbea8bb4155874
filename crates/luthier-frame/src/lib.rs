//! Partitioned data frames over Arrow batches, CSV and Parquet files.
//!
//! A [`DataFrame`] is a [`Schema`] and a list of [`Partition`]s. A partition holds consecutive rows, either as Arrow record
//! batches in memory or as rows of a CSV or Parquet file that are read when they are needed. Frames are
//! immutable, share their buffers and are cheap to clone.
//!
//! ```
//! use luthier_frame::{Column, ColumnType, DataFrame};
//! use ndarray::array;
//!
//! let frame = DataFrame::from_columns(vec![
//!     ("features", Column::vector(array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])),
//!     ("label", Column::i64(vec![10, 20, 30])),
//! ])?;
//! let frame = frame.repartition(2)?;
//! assert_eq!(frame.schema().require("features")?.column_type(), ColumnType::Vector { width: 2 });
//!
//! // A kernel reads a partition batch by batch, and vectors without a copy.
//! for batch in frame.partitions()[1].batches(Some(&[0]))? {
//!     let batch = batch?;
//!     if let Some(vectors) = luthier_frame::vectors(batch.column(0)) {
//!         assert_eq!(vectors, array![[3.0, 4.0], [5.0, 6.0]]);
//!     }
//! }
//! # Ok::<(), luthier_frame::Error>(())
//! ```
//!
//! # Contents
//!
//! - A few column types ([`ColumnType`]); Arrow arrays stay in the type in which they arrive. Integers, floats, decimals
//!   and booleans can all be used as numbers ([`numbers`]), lists of floats as vectors ([`vectors`]). There are also lists of
//!   integers ([`lists`]), dates and timestamps ([`date_times`]), and sparse vectors, which store only the numbers that
//!   are not zero ([`sparse_rows`]). Columns of other types, such as bytes, are passed through. Any column may have nulls.
//! - CSV: [`DataFrame::read_csv`], [`DataFrame::scan_csv`], [`DataFrame::write_csv`], with [`CsvOptions`] for unusual files.
//!   Parquet: [`DataFrame::read_parquet`], [`DataFrame::scan_parquet`], [`DataFrame::write_parquet`]. Scanned files may be
//!   larger than memory.
//! - Columns: `select`, `drop`, `rename`, `with_column`, `with_vector`. Rows: `filter`, `filter_where`, `drop_nulls`, `slice`,
//!   `head`, `concat`. Partitions: `repartition`, `coalesce`, `collect`. Inspection: `describe` and `Display`.
//! - One global order of rows, which no operation changes; [`Error`]s that name file, line, column and value, and
//!   [`DataFrame::place_of_row`].
//!
//! # Limits
//!
//! There are no joins, no grouping, no expressions, no SQL and no query optimiser: a frame passes rows to numerical code.
//! For the rest, use an engine based on Arrow, and [`DataFrame::from_batches`].

mod absent;
mod assemble;
mod attributes;
mod closest;
mod column;
mod column_type;
mod content_hash;
mod csv;
mod describe;
mod display;
mod error;
mod file;
mod files;
mod fingerprint;
mod folder;
mod frame;
mod normalize;
mod numeric;
mod ops;
mod parquet;
mod partition;
mod place;
mod predicate;
mod ranks;
mod rows;
mod scan;
mod schema;
mod sparse;
mod text;
mod text_table;
mod view;
mod writer;

pub use arrow_array;
pub use arrow_array::{ArrayRef, RecordBatch};
pub use arrow_schema;
pub use chrono;

pub use crate::csv::{CsvFile, CsvNote, CsvOptions, CsvWriter, Lack, NULL_VALUES, TextReason, csv_cell};
pub use crate::parquet::{Compression, ParquetOptions};
pub use assemble::side_by_side;
pub use closest::closest;
pub use column::Column;
pub use column_type::{ColumnType, Opaque};
pub use content_hash::{ContentHash, ContentHasher};
pub use describe::{ColumnDescription, Description, NumberDescription};
pub use error::{Error, Result};
pub use file::write_files;
pub use files::{FileFormat, FileSet, ScanOptions};
pub use folder::{recover_folder, write_folder};
pub use frame::DataFrame;
pub use numeric::{first_null_row, lists, numbers, vector_array, vectors, vectors_in_place};
pub use ops::MappedRows;
pub use partition::{Batches, Partition};
pub use place::{RowPlace, RowPosition};
pub use predicate::Predicate;
pub use ranks::Ranks;
pub use rows::{Cell, IntoRow};
pub use schema::{Field, Schema};
pub use sparse::{SparseBuilder, SparseRows, sparse_rows};
pub use text::{date_times, parse_date, parse_timestamp, texts};
pub use text_table::{Align, table, table_within};
pub use writer::BatchWriter;
