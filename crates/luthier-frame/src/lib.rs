//! Partitioned data frames over Arrow batches, CSV and Parquet files.

mod column;
mod error;
mod frame;
mod normalize;
mod numeric;
mod ops;
mod parquet;
mod partition;
mod schema;

pub use arrow_array;
pub use arrow_array::{ArrayRef, RecordBatch};
pub use arrow_schema;

pub use column::Column;
pub use error::{Error, Result};
pub use frame::DataFrame;
pub use numeric::{numbers, vector_array, vectors};
pub use partition::{Batches, Partition};
pub use schema::{ColumnType, Field, Schema};
