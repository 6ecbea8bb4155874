//! CSV files: cells, types, columns, and the way back.

mod lines;
mod options;
mod read;
mod tokens;
mod types;
mod write;

pub use options::CsvOptions;
