//! Folders, patterns and trees of files as one data set.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not know as such")]

use std::path::Path;

use luthier_frame::{Column, CsvOptions, DataFrame, Error, FileFormat, FileSet, ParquetOptions, ScanOptions};

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn parquet(root: &Path, name: &str, columns: Vec<(&str, Column)>) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    DataFrame::from_columns(columns).unwrap().write_parquet(path, &ParquetOptions::new()).unwrap();
}

fn scan(path: impl AsRef<Path>) -> DataFrame {
    DataFrame::scan(path, &ScanOptions::new()).unwrap()
}

fn refused(path: impl AsRef<Path>) -> String {
    DataFrame::scan(path, &ScanOptions::new()).unwrap_err().to_string()
}

#[test]
fn a_folder_is_one_data_set_in_the_order_of_names() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("part-2.csv", "x,s\n3,c\n"),
        ("part-1.csv", "s,x\na,1\nb,2\n"),
        ("part-3.csv", "x,s\n4.5,\n"),
        ("_SUCCESS", ""),
        (".part-1.csv.crc", "\u{0}"),
        ("_temporary/part-9.csv", "other\n1\n"),
        (".hidden/part-9.csv", "other\n1\n"),
    ] {
        write(dir.path(), name, text);
    }
    let frame = scan(dir.path());
    assert_eq!(frame.schema().to_string(), "s: utf8, x: f64");
    assert_eq!(frame.column_f64("x").unwrap(), [1.0, 2.0, 3.0, 4.5]);
    assert_eq!(frame.head(3).column_utf8("s").unwrap(), ["a", "b", "c"]);
    let place = frame.place_of_row(3).unwrap().to_string();
    assert_eq!(place, format!("{}:2", dir.path().join("part-3.csv").display()));

    let some = scan(dir.path().join("part-[12].csv"));
    assert_eq!(some.schema().to_string(), "s: utf8, x: i64");
    assert_eq!(some.num_rows(), 3);
    assert_eq!(scan(dir.path().join("part-2.csv")).num_rows(), 1);
}

#[test]
fn folders_with_keys_are_columns() {
    let dir = tempfile::tempdir().unwrap();
    for (year, month, state) in [(2023, "01", "new%20york"), (2024, "12", "__HIVE_DEFAULT_PARTITION__")] {
        for part in 0..2 {
            let name = format!("year={year}/month={month}/state={state}/part-{part}.parquet");
            let x = (0..3).map(|row| f64::from(year * 10 + part) + f64::from(row) / 4.0).collect();
            parquet(dir.path(), &name, vec![("x", Column::f64(x))]);
        }
    }
    let frame = scan(dir.path());
    assert_eq!(frame.schema().to_string(), "x: f64, year: i64, month: utf8, state: utf8");
    assert!(!frame.is_in_memory());
    assert_eq!(frame.column_i64("year").unwrap()[5..7], [2023, 2024]);
    assert_eq!(frame.column_utf8("month").unwrap()[..1], ["01"]);
    assert_eq!(frame.head(1).column_utf8("state").unwrap(), ["new york"]);
    assert!(matches!(frame.column_utf8("state"), Err(Error::Null { row: 6, .. })));
    let sums = frame.with_vector("v", &["x", "year"]).unwrap().vectors("v").unwrap();
    assert_eq!(sums.row(4).to_vec(), [20231.25, 2023.0]);
    let late = frame.filter_where("year > 2023 and x < 20240.5").unwrap();
    assert_eq!(late.select(&["year", "x"]).unwrap().column_f64("x").unwrap(), [20240.0, 20240.25]);

    // A pattern begins with the folders that it names.
    let one = scan(dir.path().join("year=2024/*/*"));
    assert_eq!(one.schema().to_string(), "x: f64, month: i64, state: utf8");
    let other = dir.path().join("all.parquet");
    frame.write_parquet(&other, &ParquetOptions::new()).unwrap();
    assert_eq!(scan(other).schema(), frame.schema());

    write(dir.path(), "day=2024-02-29/a.csv", "x\n1\n");
    write(dir.path(), "day=2024-03-01/a.csv", "x\n2\n");
    let days = scan(dir.path().join("day=*"));
    assert_eq!(days.schema().to_string(), "x: i64, day: date");
    assert!(!days.is_in_memory());
    assert_eq!(days.filter_where("day >= '2024-03-01'").unwrap().column_i64("x").unwrap(), [2]);
}

#[test]
fn files_that_differ_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    parquet(root, "a/1.parquet", vec![("x", Column::f64(vec![1.0])), ("n", Column::i64(vec![1]))]);
    parquet(root, "a/2.parquet", vec![("x", Column::i64(vec![2])), ("n", Column::i64(vec![2]))]);
    let frame = scan(root.join("a"));
    assert_eq!(frame.schema().to_string(), "x: f64, n: i64");
    assert_eq!(frame.column_f64("x").unwrap(), [1.0, 2.0]);
    frame.write_parquet(root.join("both.parquet"), &ParquetOptions::new()).unwrap();
    assert_eq!(scan(root.join("both.parquet")).column_f64("x").unwrap(), [1.0, 2.0]);

    parquet(root, "a/3.parquet", vec![("x", Column::utf8(["3"])), ("n", Column::i64(vec![3]))]);
    let error = refused(root.join("a"));
    assert!(error.contains("3.parquet: column `x` is utf8, expected f64 as in "), "{error}");
    parquet(root, "b/1.parquet", vec![("x", Column::f64(vec![1.0]))]);
    parquet(root, "b/2.parquet", vec![("y", Column::f64(vec![1.0]))]);
    let error = refused(root.join("b"));
    assert!(error.contains("2.parquet: the column `x` is missing, expected one as in "), "{error}");
    write(root, "c/1.csv", "x\n1\n");
    write(root, "c/2.csv", "x,y\n1,2\n");
    let error = refused(root.join("c"));
    assert!(error.contains("2.csv: the file has a column `y`, expected none"), "{error}");
    write(root, "c/2.csv", "x\nabc\n");
    assert_eq!(scan(root.join("c")).column_utf8("x").unwrap(), ["1", "abc"]);
    write(root, "d/k=1/1.csv", "x\n1\n");
    write(root, "d/2.csv", "x\n1\n");
    let error = refused(root.join("d"));
    assert!(error.contains("expected no folders `key=value`"), "{error}");
    write(root, "e/k=1/1.csv", "x,k\n1,2\n");
    let error = refused(root.join("e"));
    assert!(error.contains("the file has a column `k`, which is also the name of its folder"), "{error}");
    parquet(root, "c/3.parquet", vec![("x", Column::f64(vec![1.0]))]);
    assert!(refused(root.join("c")).contains("it has another format than"));
    write(root, "f/1.csv", "x\n1\n");
    write(root, "f/notes.md", "");
    assert!(refused(root.join("f")).contains("notes.md: the file extension is unknown"));
}

#[test]
fn what_is_not_there_is_told() {
    let dir = tempfile::tempdir().unwrap();
    assert!(refused(dir.path()).contains("the folder has no files"));
    assert!(refused(dir.path().join("*.csv")).contains("no file matches this glob"));
    assert!(refused(dir.path().join("a[.csv")).contains("this is not a valid glob"));
    assert!(matches!(
        DataFrame::scan(dir.path().join("none.csv"), &ScanOptions::new()),
        Err(Error::Io { .. })
    ));
    // A name that exists is no pattern.
    write(dir.path(), "a[1].csv", "x\n1\n");
    assert_eq!(scan(dir.path().join("a[1].csv")).num_rows(), 1);
    let options = ScanOptions::new().format(FileFormat::Csv).csv(CsvOptions::new().delimiter(b';'));
    write(dir.path(), "f/part-0", "x;y\n1;2\n");
    write(dir.path(), "f/part-1", "x;y\n3;4.5\n");
    let frame = DataFrame::scan(dir.path().join("f"), &options).unwrap();
    assert_eq!(frame.column_f64("y").unwrap(), [2.0, 4.5]);
    let set = FileSet::open(dir.path().join("f")).unwrap();
    assert_eq!(set.paths().len(), 2);
}
