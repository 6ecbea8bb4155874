//! Parquet files: scanned row group by row group, or written.

mod scan;
mod vectors;
mod write;

pub(crate) use scan::Scan;
pub use write::{Compression, ParquetOptions};
