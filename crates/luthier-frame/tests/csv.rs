//! CSV files: types, errors with their place, and the same values back.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not know as such")]

use std::path::PathBuf;

use luthier_frame::{Column, ColumnType, CsvOptions, DataFrame, Error, Field, Result, Schema};
use ndarray::array;
use proptest::prelude::*;
use tempfile::TempDir;

fn file(text: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.csv");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn read_with(text: impl AsRef<[u8]>, options: &CsvOptions) -> Result<DataFrame> {
    let (_dir, path) = file(text);
    DataFrame::read_csv(path, options)
}

fn read(text: impl AsRef<[u8]>) -> Result<DataFrame> {
    read_with(text, &CsvOptions::new())
}

fn back(frame: &DataFrame, options: &CsvOptions) -> DataFrame {
    let (_dir, path) = file("");
    frame.write_csv(&path).unwrap();
    DataFrame::read_csv(&path, options).unwrap()
}

fn schema_of(fields: &[(&str, ColumnType)]) -> Schema {
    Schema::new(fields.iter().map(|(name, column_type)| Field::new(*name, *column_type)).collect()).unwrap()
}

/// Everything after the file name.
fn message(error: &Error) -> String {
    let text = error.to_string();
    text.split_once("data.csv:").map_or(text.clone(), |(_, rest)| rest.to_owned())
}

#[test]
fn types_are_inferred_from_all_rows() {
    let text = "i,f,b,s,late,none\n1,1,true,x,1,\n-2,2.5,false,\"a,b\",,\n,inf,,true,x,\n";
    let frame = read(text).unwrap();
    assert_eq!(frame.schema().to_string(), "i: i64, f: f64, b: bool, s: utf8, late: utf8, none: f64");
    let nullable: Vec<bool> = frame.schema().fields().iter().map(Field::nullable).collect();
    assert_eq!(nullable, [true, false, true, false, true, true]);
    assert_eq!(frame.column_utf8("s").unwrap(), ["x", "a,b", "true"]);
    assert_eq!(frame.column_f64("f").unwrap()[2], f64::INFINITY);
    assert!(matches!(frame.column_i64("i"), Err(Error::Null { row: 2, .. })));
}

#[test]
fn floats_are_read_exactly() {
    let texts = ["0.1", "1e23", "2.2250738585072011e-308", "5e-324", "9007199254740993.0", "-0.0", "-inf"];
    let frame = read(format!("x\n{}\n", texts.join("\n"))).unwrap();
    for (value, text) in frame.column_f64("x").unwrap().iter().zip(texts) {
        assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
    }
}

#[test]
fn options_are_followed() {
    let options = CsvOptions::new().delimiter(b';').has_header(false).null_values(["NA"]).partitions(2);
    let frame = read_with("1;NA;\n2;3;x\n4;5;\"NA\"\n", &options).unwrap();
    assert_eq!(frame.schema().to_string(), "column_0: i64, column_1: i64, column_2: utf8");
    assert_eq!(frame.num_partitions(), 2);
    assert_eq!(frame.column_utf8("column_2").unwrap(), ["", "x", "NA"]);
    assert!(matches!(frame.column_i64("column_1"), Err(Error::Null { row: 0, .. })));
    for delimiter in [b'"', b'\n', 0xe9] {
        let options = CsvOptions::new().delimiter(delimiter);
        assert!(matches!(read_with("a\n1\n", &options), Err(Error::Argument { .. })));
    }
    assert!(matches!(read_with("a\n1\n", &CsvOptions::new().partitions(0)), Err(Error::Argument { .. })));
}

#[test]
fn a_schema_decides_and_the_rest_is_inferred() {
    let schema = schema_of(&[("zip", ColumnType::Utf8), ("v", ColumnType::Vector { width: 2 })]);
    let options = CsvOptions::new().schema(schema);
    let frame = read_with("n,v_0,zip,v_1\n1,2,007,3\n4,5,,6\n", &options).unwrap();
    assert_eq!(frame.schema().to_string(), "n: i64, v: vector(2), zip: utf8");
    assert_eq!(frame.vectors("v").unwrap(), array![[2.0, 3.0], [5.0, 6.0]]);
    assert_eq!(frame.head(1).column_utf8("zip").unwrap(), ["007"]);

    let error = read_with("zap,v_0,v_1\n1,2,3\n", &options).unwrap_err().to_string();
    assert!(error.contains("data.csv: unknown column `zip`, did you mean `zap`?"), "{error}");

    let headless = CsvOptions::new()
        .has_header(false)
        .schema(schema_of(&[("a", ColumnType::F64), ("b", ColumnType::I64)]));
    assert_eq!(read_with("1,2\n", &headless).unwrap().schema().to_string(), "a: f64, b: i64");
    assert!(matches!(
        read_with("1,2,3\n", &headless),
        Err(Error::CsvFields { line: 1, expected: 2, found: 3, .. })
    ));
}

#[test]
fn errors_tell_the_place() {
    let ragged = read("a,b\n1,2\n\"x\n\ny\",2\n1\n").unwrap_err();
    assert_eq!(message(&ragged), "6: expected 2 fields, found 1");
    let crlf = read("a,b\r\n1,2\r\n\r\n1,2,3\r\n").unwrap_err();
    assert_eq!(message(&crlf), "4: expected 2 fields, found 3");

    let typed = CsvOptions::new().schema(schema_of(&[("b", ColumnType::F64)]));
    let value = read_with("a,b\n\"two\nlines\",1.5\nx,\"12,5\"\n", &typed).unwrap_err();
    assert_eq!(
        message(&value),
        "4: column `b`: \"12,5\" is not a number; if the comma is the decimal separator, write `decimal = \",\"`; if it \
         separates thousands, `thousands = \",\"`"
    );

    assert!(message(&read("a,b\n1,\"2\n").unwrap_err()).starts_with("2: a quote is opened but never closed"));
    assert!(
        message(&read("a,b\n1,\"2\"x\n").unwrap_err()).starts_with("2: there is text after a closing quote")
    );
    assert!(message(&read(b"a\nb\n\xff\n").unwrap_err()).starts_with("3: the text is not valid UTF-8"));
    let comment = message(&read("# in metres\na,b\n1,2\n").unwrap_err());
    assert!(
        comment.starts_with("2: expected 1 fields, found 2; the line `# in metres` is used as the header")
    );
    assert!(comment.contains("`comment = \"#\"`"), "{comment}");
}

#[test]
fn empty_and_missing_files() {
    for text in ["", "\n\n", "\u{feff}"] {
        assert!(matches!(read(text), Err(Error::EmptyFile { .. })), "{text:?}");
    }
    let frame = read("a,b\n").unwrap();
    assert_eq!((frame.num_rows(), frame.schema().to_string().as_str()), (0, "a: f64, b: f64"));
    let error = DataFrame::read_csv("no/such.csv", &CsvOptions::new()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }) && error.to_string().starts_with("no/such.csv: "), "{error}");
}

#[test]
fn nothing_and_the_empty_text_differ() {
    let frame = DataFrame::from_columns(vec![
        ("s", Column::utf8_nullable([Some(""), None, Some(" a\r\n\"b\" ")])),
        ("x", Column::f64_nullable(vec![None, Some(1.0), Some(f64::NEG_INFINITY)])),
    ])
    .unwrap();
    let again = back(&frame, &CsvOptions::new());
    assert!(matches!(again.column_utf8("s"), Err(Error::Null { row: 1, .. })));
    assert_eq!(again.filter(&[true, false, true]).unwrap().column_utf8("s").unwrap(), ["", " a\r\n\"b\" "]);
    assert_eq!(again.slice(1, 2).unwrap().column_f64("x").unwrap(), [1.0, f64::NEG_INFINITY]);
}

#[test]
fn one_column_keeps_its_nulls() {
    let frame =
        DataFrame::from_columns(vec![("x", Column::i64_nullable(vec![None, Some(1), None]))]).unwrap();
    let again = back(&frame, &CsvOptions::new());
    assert_eq!(again.schema(), frame.schema());
    assert_eq!(again.slice(1, 1).unwrap().column_i64("x").unwrap(), [1]);
    assert!(matches!(again.slice(2, 1).unwrap().column_i64("x"), Err(Error::Null { row: 0, .. })));
    assert_eq!(again.num_rows(), 3);
}

#[test]
fn vectors_are_written_as_columns() {
    let frame = DataFrame::from_ndarray(array![[1.0, 0.1], [f64::NAN, -0.0]], vec![1.0, 2.0]).unwrap();
    let (_dir, path) = file("");
    frame.write_csv(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "features_0,features_1,label\n1.0,0.1,1.0\nNaN,-0.0,2.0\n");
    let options = CsvOptions::new().schema(frame.schema().clone()).null_values([""]);
    let again = DataFrame::read_csv(&path, &options).unwrap();
    assert_eq!(again.schema(), frame.schema());
    assert_eq!(again.vectors("features").unwrap().row(0), array![1.0, 0.1]);

    let clash = frame.with_column("features_1", Column::f64(vec![0.0; 2])).unwrap();
    assert!(matches!(clash.write_csv(&path), Err(Error::DuplicateColumn { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "a failed write leaves the file alone");
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

proptest! {
    #[test]
    fn what_is_written_is_read_to_the_same_bits(
        rows in proptest::collection::vec(
            (any::<f64>(), proptest::option::of(any::<f64>()), proptest::option::of(any::<i64>()),
             proptest::option::of("[a-z0-9.,\"\n\r é]{0,5}"), proptest::option::of(any::<bool>())),
            1..20,
        ),
    ) {
        let frame = DataFrame::from_columns(vec![
            ("x", Column::f64(rows.iter().map(|row| row.0).collect())),
            ("maybe", Column::f64_nullable(rows.iter().map(|row| row.1).collect())),
            ("i", Column::i64_nullable(rows.iter().map(|row| row.2).collect())),
            ("s", Column::utf8_nullable(rows.iter().map(|row| row.3.as_deref()))),
            ("b", Column::bool_nullable(rows.iter().map(|row| row.4).collect())),
        ]).unwrap().repartition(3).unwrap();
        // So NaN is a number.
        let again = back(&frame, &CsvOptions::new().null_values([""]));
        let types = |frame: &DataFrame| frame.schema().to_string();
        let all_missing = |index: usize| rows.iter().all(|row| match index {
            1 => row.1.is_none(), 2 => row.2.is_none(), 3 => row.3.is_none(), _ => row.4.is_none(),
        });
        if !(1..5).any(all_missing) {
            prop_assert_eq!(types(&again), types(&frame));
        }
        let again = back(&frame, &CsvOptions::new().null_values([""]).schema(frame.schema().clone()));
        prop_assert_eq!(again.schema(), frame.schema());
        let bits = |frame: &DataFrame| frame.column_f64("x").unwrap().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&again), bits(&frame));
        let one = |frame: &DataFrame| frame.coalesce(1).unwrap();
        for (row, expected) in rows.iter().enumerate() {
            let here = one(&again).slice(row, 1).unwrap();
            prop_assert_eq!(here.column_f64("maybe").ok().map(|x| x[0].to_bits()), expected.1.map(f64::to_bits));
            prop_assert_eq!(here.column_i64("i").ok().map(|x| x[0]), expected.2);
            prop_assert_eq!(here.column_utf8("s").ok().map(|x| x[0].clone()), expected.3.clone());
            prop_assert_eq!(here.column_bool("b").ok().map(|x| x[0]), expected.4);
        }
    }
}
