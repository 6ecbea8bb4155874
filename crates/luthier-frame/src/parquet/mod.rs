//! Parquet files: scanned row group by row group, or written.

mod delta;
mod file;
mod guard;
mod scan;
mod thrift;
mod vectors;
mod write;

pub(crate) use scan::Scan;
pub(crate) use write::ParquetWriter;
pub use write::{Compression, ParquetOptions};
