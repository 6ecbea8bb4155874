//! A configuration: read, checked and planned beside a file of rows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use luthier_fuzz::Scratch;

const ROWS: &[u8] = include_bytes!("../../crates/luthier/tests/golden/v1/rows.csv");

fuzz_target!(|bytes: &[u8]| {
    // What takes as long as it is asked to is no fault: numbers have few digits.
    if bytes.windows(5).any(|window| window.iter().all(u8::is_ascii_digit)) {
        return;
    }
    let scratch = Scratch::of("c.toml", bytes);
    std::fs::write(scratch.path().with_file_name("rows.csv"), ROWS).unwrap();
    let path = scratch.path().to_str().unwrap();
    let _ = luthier_cli::run(["luthier", "tune", path, "--explain", "--quiet"]);
});
