//! A Parquet file: its rows in memory, and passed through.
#![no_main]

use libfuzzer_sys::fuzz_target;
use luthier::frame::DataFrame;
use luthier_fuzz::Scratch;

fuzz_target!(|bytes: &[u8]| {
    let scratch = Scratch::of("rows.parquet", bytes);
    let _ = DataFrame::read_parquet(scratch.path());
    if let Ok(rows) = DataFrame::scan_parquet(scratch.path()) {
        let _ = rows.head(100).collect();
    }
});
