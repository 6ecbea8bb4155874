//! CSV files in every shape: codes, encodings, compression, pipes; read whole and in batches.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not know as such")]

use std::io::Write;
use std::path::{Path, PathBuf};

use luthier_frame::arrow_array::Array;
use luthier_frame::{ColumnType, CsvFile, CsvOptions, DataFrame, Error, RecordBatch};
use proptest::prelude::*;
use tempfile::TempDir;

fn file(name: &str, bytes: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (directory, path)
}

fn open(bytes: impl AsRef<[u8]>, options: &CsvOptions) -> CsvFile {
    let (_directory, path) = file("d.csv", bytes);
    let file = CsvFile::open(&path, options).unwrap();
    // What is not read now cannot be read later.
    let frame = file.frame().collect().unwrap();
    assert_eq!(frame.num_rows(), file.frame().num_rows());
    file
}

/// The types, as they are found with these options.
fn types(bytes: impl AsRef<[u8]>, options: &CsvOptions) -> String {
    open(bytes, options).frame().schema().to_string()
}

fn read(bytes: impl AsRef<[u8]>, options: &CsvOptions) -> DataFrame {
    let (_directory, path) = file("d.csv", bytes);
    DataFrame::read_csv(&path, options).unwrap()
}

fn notes(bytes: impl AsRef<[u8]>, options: &CsvOptions) -> Vec<String> {
    open(bytes, options).notes().iter().map(ToString::to_string).collect()
}

fn back(frame: &DataFrame) -> String {
    let (_directory, path) = file("out.csv", "");
    frame.write_csv(&path).unwrap();
    std::fs::read_to_string(&path).unwrap()
}

#[test]
fn quotes_make_text_unless_all_is_quoted() {
    let default = CsvOptions::new();
    assert_eq!(types("code,y\n\"1\",0\n\"01\",1\n", &default), "code: utf8, y: i64");
    assert_eq!(types("code,y\n\"1\",0\n\"2\",1\n", &default), "code: utf8, y: i64");
    assert_eq!(types("flag,y\n\"TRUE\",0\n\"FALSE\",1\n", &default), "flag: utf8, y: i64");
    assert_eq!(types("\"x\",\"y\"\n\"1\",\"2.5\"\n\"NA\",\"\"\n", &default), "x: i64, y: f64");
    assert_eq!(types("x,y\n\"1\",\"2.5\"\nNA,\"3\"\n", &default), "x: i64, y: f64");
    assert_eq!(types("\"x\",\"y\"\n\"01\",\"2.5\"\n\"1\",\"3\"\n", &default), "x: utf8, y: f64");
    let declared = default.column_type("code", ColumnType::F64).column_type("absent", ColumnType::Utf8);
    assert_eq!(types("code,y\n\"1\",0\n\"01\",1\n", &declared), "code: f64, y: i64");
}

#[test]
fn large_integers_are_kept_whole() {
    let text = "id,n\n12345678901234567890,9007199254740993\n12345678901234567891,9007199254740992\n";
    let frame = read(text, &CsvOptions::new());
    assert_eq!(frame.schema().to_string(), "id: i64, n: i64");
    assert_eq!(back(&frame), text);
    let declared = CsvOptions::new().column_type("id", ColumnType::I64);
    assert_eq!(back(&read(text, &declared)), text);
    assert_eq!(types("id\n123456789012345678901\n1\n", &CsvOptions::new()), "id: utf8");
}

#[test]
fn missing_values_are_those_of_the_list() {
    let text = "a,b,c\nNA,\"N/A\",x\n1, null ,\n2,?,NA\n3,-,\"\"\n4,7,-\n";
    let frame = read(text, &CsvOptions::new());
    assert_eq!(frame.schema().to_string(), "a: i64, b: i64, c: utf8");
    assert_eq!(frame.slice(1, 4).unwrap().column_i64("a").unwrap(), [1, 2, 3, 4]);
    assert_eq!(frame.slice(4, 1).unwrap().column_i64("b").unwrap(), [7]);
    assert!(matches!(frame.column_utf8("c"), Err(Error::Null { row: 1, .. })));
    assert_eq!(frame.slice(2, 3).unwrap().column_utf8("c").unwrap(), ["NA", "", "-"]);
    let own = CsvOptions::new().null_values(["-999"]);
    assert_eq!(types("x,y\n1,2\n-999,\"-999\"\n", &own), "x: i64, y: i64");
    assert_eq!(types("x,y\n1,NA\n", &own), "x: i64, y: utf8");
}

#[test]
fn signs_of_other_countries() {
    let options = CsvOptions::new().decimal(',').thousands('.').delimiter(b';');
    let frame = read("x;y\n1,5;1.234,5\n-2;\n", &options);
    assert_eq!(frame.schema().to_string(), "x: f64, y: f64");
    assert_eq!(frame.head(1).column_f64("y").unwrap(), [1234.5]);
    let quoted = read("x,y\n\"1,5\",2\n\"2,5\",3\n", &CsvOptions::new().decimal(','));
    assert_eq!(quoted.column_f64("x").unwrap(), [1.5, 2.5]);
    let grouped = read("x,y\n\"1,234\",a\n12,b\n", &CsvOptions::new().thousands(','));
    assert_eq!(grouped.column_i64("x").unwrap(), [1234, 12]);
    let hint = notes("x;y\n1,5;2\n2,5;4,1\n", &CsvOptions::new().delimiter(b';'));
    assert!(hint[0].contains("`x` is text") && hint[0].contains("`1,5` in line 2"), "{hint:?}");
    assert!(hint[0].contains("`decimal = \",\"`") && hint[1].contains("`y` is text"), "{hint:?}");
    for (decimal, thousands) in [('5', ','), ('.', '.'), ('.', '-')] {
        let options = CsvOptions::new().decimal(decimal).thousands(thousands);
        let (_directory, path) = file("d.csv", "x\n1\n");
        assert!(matches!(DataFrame::read_csv(&path, &options), Err(Error::Argument { .. })));
    }
}

#[test]
fn delimiters_headers_and_comments() {
    let default = CsvOptions::new();
    for delimiter in [";", "\t", "|"] {
        let text = "x,y\n1,a\n2,b\n".replace(',', delimiter);
        assert_eq!(types(&text, &default), "x: i64, y: utf8");
        assert_eq!(notes(&text, &default).len(), 1);
    }
    assert_eq!(types("x;y\n1;2\n1;2;3\n", &default), "x;y: utf8", "lines do not agree");
    assert!(notes("x;y\n1;2\n1;2;3\n", &default)[0].contains("delimiter = ';'"));
    assert_eq!(
        types("x;y\na;1;2\nb;3;4\n", &default),
        ": utf8, x: i64, y: i64",
        "row names, as R writes them"
    );
    for (sign, apart) in [("'", "thousands = \"'\""), (" ", "thousands = \" \"")] {
        let told = notes(format!("x;y\n1{sign}234.5;1\n12{sign}345;2\n"), &CsvOptions::new().delimiter(b';'));
        assert!(told[0].contains(apart), "{told:?}");
    }
    let (_directory, tabs) = file("d.tsv", "x\ty\n1,5\t2\n");
    assert_eq!(DataFrame::scan_csv(&tabs, &default).unwrap().schema().len(), 2);

    let rows = open("\"x\",\"y\"\n\"a\",1,2\n\"b\",2,4.1\n", &default);
    assert_eq!(rows.frame().schema().to_string(), ": utf8, x: i64, y: f64");
    assert_eq!(rows.notes().len(), 1);
    assert_eq!(types(",x,\n1,2,3\n", &default), "column_0: i64, x: i64, column_2: i64");
    let (_directory, odd) = file("d.csv", "3,2,a\n1,2,3,4,5\n1,2,3,4,5\n");
    let error = DataFrame::read_csv(&odd, &default).unwrap_err().to_string();
    assert!(error.contains(":2: expected 3 fields, found 5") && error.contains("skip_lines"), "{error}");
    assert_eq!(types("3,2,a\n\nx,y\n1,2\n", &default.clone().skip_lines(1)), "x: i64, y: i64");

    let commented = open("# by \"hand\n#\nx,#y\n1,2\n# 3,4\n5,6\n", &default.clone().comment('#'));
    assert_eq!(commented.frame().schema().to_string(), "x: i64, #y: i64");
    assert_eq!(commented.frame().num_rows(), 2);
    let place = commented.frame().place_of_row(1).unwrap().to_string();
    assert!(place.ends_with("d.csv:6"), "{place}");
}

#[test]
fn encodings_by_name_and_by_mark() {
    let latin1 = b"x,town\n1,K\xf6ln\n2,\x80\n";
    let frame = read(latin1, &CsvOptions::new().encoding("latin1"));
    assert_eq!(frame.column_utf8("town").unwrap(), ["Köln", "€"]);
    let (_directory, path) = file("d.csv", latin1);
    let error = DataFrame::read_csv(&path, &CsvOptions::new()).unwrap_err().to_string();
    assert!(error.contains("d.csv:2: the text is not valid UTF-8; set the encoding"), "{error}");

    let text = "x,town\n1,Köln\n2,😀\n";
    let wide = |to_bytes: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        mark.into_iter().chain(text.encode_utf16()).flat_map(to_bytes).collect()
    };
    for (bytes, encoding) in [
        (wide(u16::to_le_bytes, true), None),
        (wide(u16::to_be_bytes, true), None),
        (wide(u16::to_be_bytes, true), Some("utf-16")),
        (wide(u16::to_le_bytes, false), Some("UTF-16LE")),
        (wide(u16::to_be_bytes, false), Some("utf-16be")),
        ([b"\xef\xbb\xbf", text.as_bytes()].concat(), None),
        ([b"\xef\xbb\xbf", text.as_bytes()].concat(), Some("utf-8-sig")),
    ] {
        let options = encoding.into_iter().fold(CsvOptions::new(), CsvOptions::encoding);
        let frame = read(&bytes, &options);
        assert_eq!(frame.schema().to_string(), "x: i64, town: utf8");
        assert_eq!(frame.column_utf8("town").unwrap(), ["Köln", "😀"]);
    }
    for (bytes, expected) in [(wide(u16::to_le_bytes, false), "utf-16le"), (vec![0; 4096], "binary")] {
        let (_directory, path) = file("d.csv", bytes);
        let error = DataFrame::read_csv(&path, &CsvOptions::new()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let unknown = DataFrame::read_csv(&path, &CsvOptions::new().encoding("klingon")).unwrap_err();
    assert!(unknown.to_string().contains("klingon"), "{unknown}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_files_are_known_by_their_bytes() {
    let text = "x,y\n1,a\n2,b\n".as_bytes();
    let (first, second) = text.split_at(5);
    for bytes in [
        gzip(text),
        [gzip(first), gzip(second)].concat(),
        zstd::encode_all(text, 1).unwrap(),
        [zstd::encode_all(first, 1).unwrap(), zstd::encode_all(second, 1).unwrap()].concat(),
    ] {
        assert_eq!(read(&bytes, &CsvOptions::new()).column_i64("x").unwrap(), [1, 2]);
        let (_directory, path) = file("d.csv", &bytes[..bytes.len() - 6]);
        assert!(DataFrame::read_csv(&path, &CsvOptions::new()).is_err(), "cut off");
    }
    for (bytes, what) in [(&b"PK\x03\x04rest"[..], "zip"), (b"BZh91AY", "bzip2"), (b"PAR1", "Parquet")] {
        let (_directory, path) = file("d.csv", bytes);
        let error = DataFrame::read_csv(&path, &CsvOptions::new()).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn text_has_a_limit() {
    let (_directory, path) = file("d.csv", "x\n1\n2\n3\n");
    assert_eq!(DataFrame::read_csv(&path, &CsvOptions::new().max_bytes(8)).unwrap().num_rows(), 3);
    let error = DataFrame::read_csv(&path, &CsvOptions::new().max_bytes(7)).unwrap_err();
    assert!(matches!(error, Error::CsvTooLong { limit: 7, .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once() {
    let (directory, _) = file("d.csv", "");
    let pipe = directory.path().join("pipe.csv");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let write = |text: String| {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::write(pipe, text))
    };
    // More than is kept in memory.
    let rows = 9_000_000;
    let long: String = std::iter::once("x,y\n").chain((0..rows).map(|_| "1,2.25\n")).collect();
    for (text, rows) in
        [("x,y\n1,2\n3,4\n".to_owned(), 2), (format!("{long}{}", "3,4\n".repeat(1000)), rows + 1000)]
    {
        let writer = write(text);
        let frame = DataFrame::scan_csv(&pipe, &CsvOptions::new()).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(frame.num_rows(), rows);
        let last = frame.slice(rows - 1, 1).unwrap();
        assert_eq!((last.column_f64("x").unwrap(), last.column_f64("y").unwrap()), (vec![3.0], vec![4.0]));
        assert!(
            frame.place_of_row(rows - 1).unwrap().to_string().ends_with(&format!("pipe.csv:{}", rows + 1))
        );
    }
    let writer = write("x\n".repeat(1000));
    let error = DataFrame::scan_csv(&pipe, &CsvOptions::new().max_bytes(100)).unwrap_err();
    assert!(matches!(error, Error::CsvTooLong { limit: 100, .. }), "{error}");
    drop(writer.join().unwrap());
}

#[test]
fn a_file_that_changes_is_noticed() {
    let (_directory, path) = file("d.csv", "x\n1\n2\n");
    let frame = DataFrame::scan_csv(&path, &CsvOptions::new()).unwrap();
    std::fs::write(&path, "x\n1\n2\n3\n").unwrap();
    assert!(matches!(frame.column_f64("x"), Err(Error::FileChanged { .. })));
}

#[test]
fn cells_as_they_are_spelt_come_out_so() {
    let text = "account,zip,flag,x,note\n12345678901234567890,00001,TRUE,1.50,\"a,\"\"b\"\"\"\n,NA,False,2.0,\" q \"\n";
    let frame = read(text, &CsvOptions::new().as_spelt_except(["x"]));
    assert_eq!(frame.schema().field("x").unwrap().column_type(), ColumnType::F64);
    assert_eq!(back(&frame), text.replace("1.50", "1.5"));
    assert_eq!(back(&read(text, &CsvOptions::new().as_spelt_except(["none"]))), text);
    let semicolons = read("a;b\n1,5;\"x;y\"\n", &CsvOptions::new().as_spelt_except(["none"]));
    assert_eq!(back(&semicolons), "a,b\n\"1,5\",\"x;y\"\n");
}

#[test]
fn declared_types_are_errors_where_they_do_not_hold() {
    let (_directory, path) = file("d.csv", "x,y\n1,2\n3,b\n");
    let options = CsvOptions::new().column_type("y", ColumnType::F64);
    let frame = DataFrame::scan_csv(&path, &options).unwrap();
    assert_eq!(frame.column_i64("x").unwrap(), [1, 3]);
    let error = frame.column_f64("y").unwrap_err();
    let told = "d.csv:3: column `y`: \"b\" is not a number; if it stands for a missing value, write `null_values = [\"\", \"NA\", \
                \"?\", \"b\"]`";
    assert!(error.to_string().contains(told), "{error}");
}

#[test]
fn many_columns_are_read_in_linear_time() {
    // Compared pairwise, so many names would take minutes.
    let columns = 200_000;
    let header: Vec<String> = (0..columns).map(|i| format!("c{i}")).collect();
    let frame =
        read(format!("{}\n{}\n", header.join(","), vec!["1.5"; columns].join(",")), &CsvOptions::new());
    assert_eq!(frame.schema().len(), columns);
    let frame = read(format!("{},c7\n", header.join(",")), &CsvOptions::new());
    assert_eq!(frame.schema().names().last(), Some("c7_2"));
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let (_directory, path) = file("d.csv", "x,y,x,x_2,x\n1,2,3,4,5\n");
    let file = CsvFile::open(&path, &CsvOptions::new()).unwrap();
    let names: Vec<&str> = file.frame().schema().names().collect();
    assert_eq!(names, ["x", "y", "x_3", "x_2", "x_4"]);
    assert_eq!(file.frame().column_f64("x_3").unwrap(), [3.0]);
    let note = file.notes()[0].to_string();
    assert_eq!(
        note,
        "several columns have the same name: another `x` is renamed to `x_3`, another `x` is renamed to `x_4`"
    );
}

/// All values of a frame, in one batch.
fn whole(frame: &DataFrame) -> Vec<String> {
    let batches: Vec<RecordBatch> =
        frame.partitions().iter().flat_map(|p| p.batches(None).unwrap()).map(Result::unwrap).collect();
    let value = |array: &dyn Array, row: usize| format!("{:?}", array.slice(row, 1));
    let row =
        |batch: &RecordBatch, row: usize| batch.columns().iter().map(|array| value(array, row)).collect();
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| row(batch, at))).collect()
}

fn places(frame: &DataFrame) -> Vec<String> {
    (0..frame.num_rows()).map(|row| frame.place_of_row(row).unwrap().to_string()).collect()
}

fn read_in_batches(frame: &DataFrame, path: &Path, batch_rows: usize) {
    let loaded = DataFrame::read_csv(path, &CsvOptions::new()).unwrap();
    assert_eq!(whole(frame), whole(&loaded));
    assert_eq!(places(frame), places(&loaded));
    assert_eq!(frame.schema(), loaded.schema());
    let mut row = 0;
    for partition in frame.partitions() {
        for batch in partition.batches_of(Some(&[1, 0]), batch_rows).unwrap() {
            let batch = batch.unwrap();
            assert!((1..=batch_rows).contains(&batch.num_rows()));
            let expected = loaded.slice(row, batch.num_rows()).unwrap().select(&["b", "a"]).unwrap();
            let found = DataFrame::from_batches(vec![batch]).unwrap();
            assert_eq!(whole(&found), whole(&expected));
            row += found.num_rows();
        }
    }
    assert_eq!(row, loaded.num_rows());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_scan_is_what_is_read_whole(
        rows in proptest::collection::vec(("[a-z,\"\n\r é0-9]{0,6}", proptest::option::of(any::<i32>()), 0..3_u8), 1..40),
        (partitions, batch_rows) in (1..5_usize, 1..7_usize),
        packed in any::<bool>(),
    ) {
        let mut text = "a,b\n".to_owned();
        for (a, b, blank) in &rows {
            let b = b.map(|b| b.to_string()).unwrap_or_default();
            text.push_str(&format!("\"{}\",{b}\n{}", a.replace('"', "\"\""), "\n".repeat(usize::from(*blank))));
        }
        let bytes = if packed { gzip(text.as_bytes()) } else { text.into_bytes() };
        let (_directory, path) = file("d.csv", bytes);
        let frame = DataFrame::scan_csv(&path, &CsvOptions::new().partitions(partitions)).unwrap();
        prop_assert!(!frame.is_in_memory());
        read_in_batches(&frame, &path, batch_rows);
    }
}

#[test]
fn a_long_scan_starts_anywhere() {
    // Several marks, records that are longer than a piece, and texts that are cut by pieces.
    let mut text = String::from("a,b\n");
    for row in 0..60_000 {
        let long = if row % 20_000 == 7 { "ä".repeat(300_000) } else { String::new() };
        text.push_str(&format!("\"é{long}{row}\n{}\",{row}\n", "x".repeat(row % 97)));
    }
    let (_directory, path) = file("d.csv", &text);
    let loaded = DataFrame::read_csv(&path, &CsvOptions::new()).unwrap();
    for packed in [false, true] {
        if packed {
            std::fs::write(&path, gzip(text.as_bytes())).unwrap();
        }
        let frame = DataFrame::scan_csv(&path, &CsvOptions::new().partitions(7)).unwrap();
        let expected: Vec<i64> = (0..60_000).collect();
        assert_eq!(frame.column_i64("b").unwrap(), expected);
        assert_eq!(frame.column_utf8("a").unwrap(), loaded.column_utf8("a").unwrap());
        assert_eq!(frame.slice(59_999, 1).unwrap().column_i64("b").unwrap(), [59_999]);
        assert!(frame.place_of_row(59_999).unwrap().to_string().ends_with("d.csv:120000"));
    }
}
