//! Partitioned data frames over Arrow batches, CSV and Parquet files.
