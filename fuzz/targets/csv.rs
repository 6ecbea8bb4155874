//! A CSV file: opened, read, and opened as a file of another dialect.
#![no_main]

use libfuzzer_sys::fuzz_target;
use luthier::frame::{CsvFile, CsvOptions, DataFrame};
use luthier_fuzz::Scratch;

fuzz_target!(|bytes: &[u8]| {
    let scratch = Scratch::of("rows.csv", bytes);
    let other = CsvOptions::new().delimiter(b';').has_header(false).decimal(',').thousands('.').comment('#');
    for options in [CsvOptions::new(), other.partitions(3)] {
        if let Ok(file) = CsvFile::open(scratch.path(), &options) {
            file.notes().iter().for_each(|note| drop(note.to_string()));
            let rows = file.frame().num_rows();
            let read = DataFrame::read_csv(scratch.path(), &options).expect("a file that opens can be read");
            assert_eq!(read.num_rows(), rows);
        }
    }
});
