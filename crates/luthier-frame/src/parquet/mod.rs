//! Parquet files: scanned row group by row group, or written.

mod scan;

pub(crate) use scan::Scan;
