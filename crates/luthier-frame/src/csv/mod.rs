//! CSV files: bytes, text, records, cells, types, columns, and the way back.

mod columns;
mod file;
mod header;
mod input;
mod lines;
mod notes;
mod numbers;
mod options;
mod packed;
mod read;
mod records;
mod scan;
mod text;
mod tokens;
mod types;
mod write;

pub use file::CsvFile;
pub use notes::{CsvNote, Lack, TextReason};
pub use options::{CsvOptions, NULL_VALUES};
pub(crate) use packed::PackedFile;
pub(crate) use scan::CsvScan;
pub use write::{CsvWriter, csv_cell};
