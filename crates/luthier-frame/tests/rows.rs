//! Frames from rows; rows by conditions and without gaps, in memory and scanned.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not know as such")]

use luthier_frame::chrono::NaiveDate;
use luthier_frame::{Cell, Column, DataFrame, Error, ParquetOptions, Predicate, RecordBatch};
use ndarray::Array2;
use proptest::prelude::*;

fn people() -> DataFrame {
    let day = |day| NaiveDate::from_ymd_opt(2024, 2, day);
    let rows = [
        ("ann", Some(1.5), Some(34), Some(true), Some("CA"), day(28)),
        ("bob", None, Some(-1), Some(false), Some("NY"), day(29)),
        ("cid", Some(f64::NAN), None, None, None, None),
        ("o'neil", Some(-0.0), Some(i64::MAX), Some(true), Some(""), day(1)),
        ("eve", Some(2.5), Some(34), Some(false), Some("NY"), day(29)),
    ];
    DataFrame::from_rows(["name", "x", "n", "flag", "the state", "day"], rows).unwrap()
}

fn names(condition: &str) -> String {
    people().filter_where(condition).unwrap().column_utf8("name").unwrap().join(" ")
}

#[test]
fn rows_are_kept_where_a_condition_is_true() {
    for (condition, expected) in [
        ("x >= 1.5", "ann eve"),
        ("x = 0", "o'neil"),
        ("x != 0", "ann eve"),
        ("not x = 0", "ann eve"),
        ("x is null", "bob cid"),
        ("x is not null and not (x > 2)", "ann o'neil"),
        ("n = 9223372036854775807", "o'neil"),
        ("n > 9223372036854775806", "o'neil"),
        ("n < 9223372036854775808", "ann bob o'neil eve"),
        ("n > -1.5 and n < 34.5", "ann bob eve"),
        ("34 == n", "ann eve"),
        ("40 > n", "ann bob eve"),
        ("n in (34, -1)", "ann bob eve"),
        ("n not in (34)", "bob o'neil"),
        ("flag", "ann o'neil"),
        ("not flag", "bob eve"),
        ("flag = false or x > 1", "ann bob eve"),
        ("flag = 1", "ann o'neil"),
        ("name = 'o''neil'", "o'neil"),
        ("name = \"o'neil\"", "o'neil"),
        ("name >= 'bob' AND name < 'd'", "bob cid"),
        ("`the state` in ('CA', '')", "ann o'neil"),
        ("`the state` <> 'NY'", "ann o'neil"),
        ("day >= '2024-02-29'", "bob eve"),
        ("day = '2024-02-01' or day = \"2024-02-28\"", "ann o'neil"),
        ("x > 100", ""),
        // Neither true nor false, whatever stands beside it.
        ("x > 0 or x <= 0", "ann o'neil eve"),
        ("flag and x > 0", "ann"),
    ] {
        assert_eq!(names(condition), expected, "{condition}");
    }
}

#[test]
fn conditions_that_do_not_fit_are_errors() {
    let problem = |condition: &str| people().filter_where(condition).unwrap_err().to_string();
    for (condition, expected) in [
        ("age > 3", "unknown column `age`"),
        ("x > 'a'", "column `x` is f64 and cannot be compared with 'a', expected a number"),
        ("name = 3", "column `name` is utf8 and cannot be compared with 3, expected a string in quotes"),
        (
            "day > 2024",
            "column `day` is date and cannot be compared with 2024, expected a date such as '2024-02-29'",
        ),
        ("day > '29.02.2024'", "expected a date such as"),
        ("flag = 2", "expected true or false"),
        ("n in (1, 'a')", "cannot be compared with 'a'"),
        ("n", "column `n` is i64, expected a comparison"),
    ] {
        let found = problem(condition);
        assert!(found.contains(expected), "{condition}: {found}");
    }
    let parsed: Predicate = "x > 1 and (n = 3 or x < 0)".parse().unwrap();
    assert_eq!(
        (parsed.columns(), parsed.to_string().as_str()),
        (vec!["x", "n"], "x > 1 and (n = 3 or x < 0)")
    );
}

#[test]
fn gaps_are_nulls_and_nan() {
    let kept =
        |columns: &[&str]| people().drop_nulls(columns).unwrap().column_utf8("name").unwrap().join(" ");
    assert_eq!(kept(&["x"]), "ann o'neil eve");
    assert_eq!(kept(&["n", "day"]), "ann bob o'neil eve");
    assert_eq!(kept(&[]), "ann bob cid o'neil eve");
    assert!(matches!(people().drop_nulls(&["y"]), Err(Error::UnknownColumn { .. })));
    let vectors = Array2::from_shape_vec((2, 2), vec![1.0, f64::NAN, 3.0, 4.0]).unwrap();
    let frame = DataFrame::from_columns(vec![("v", Column::vector(vectors))]).unwrap();
    assert_eq!(frame.drop_nulls(&["v"]).unwrap().num_rows(), 1);
}

#[test]
fn rows_that_do_not_fit_are_named() {
    let error = DataFrame::from_rows(["a", "b"], [vec![1, 2], vec![3]]).unwrap_err().to_string();
    assert_eq!(error, "row 1 has 1 values, expected 2, one for each column");
    let error = DataFrame::from_rows(["a"], [[Cell::from(1)], [Cell::from("x")]]).unwrap_err().to_string();
    assert_eq!(error, "row 1 column `a` has the value Text(\"x\"), expected an integer as in earlier rows");
    let mixed = DataFrame::from_rows(["a", "b"], [(Cell::from(1), None), (2.5.into(), None::<i64>)]).unwrap();
    assert_eq!(mixed.schema().to_string(), "a: f64, b: f64");
    let none: [Vec<i64>; 0] = [];
    assert_eq!(DataFrame::from_rows(["a"], none).unwrap().num_rows(), 0);
}

fn all(frame: &DataFrame) -> Vec<RecordBatch> {
    frame.repartition(1).unwrap().collect().unwrap().partitions()[0]
        .batches(None)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_filtered_scan_is_the_filtered_frame(
        masks in (1usize..80).prop_flat_map(|rows| {
            let mask = || proptest::collection::vec(any::<bool>(), rows);
            (mask(), mask())
        }),
        row_group_rows in 1usize..30,
        batch_rows in 1usize..20,
        n in 1usize..5,
        cut in (0.0..1.0, 0.0..1.0),
    ) {
        let rows = masks.0.len();
        let frame = DataFrame::from_columns(vec![
            ("row", Column::i64((0..rows as i64).collect())),
            ("v", Column::vector(Array2::from_shape_fn((rows, 2), |(i, j)| (2 * i + j) as f64))),
            ("s", Column::utf8((0..rows).map(|row| format!("r{row}")))),
        ]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data.parquet");
        frame.write_parquet(&path, &ParquetOptions::new().row_group_rows(row_group_rows)).unwrap();
        let through = |frame: &DataFrame| {
            let once = frame.filter(&masks.0).unwrap();
            let second: Vec<bool> =
                masks.0.iter().zip(&masks.1).filter(|(first, _)| **first).map(|(_, second)| *second).collect();
            let frame = once.with_vector("w", &["row", "v"]).unwrap().filter(&second).unwrap();
            let frame = frame.repartition(n).unwrap();
            let from = (cut.0 * frame.num_rows() as f64) as usize;
            let len = (cut.1 * (frame.num_rows() - from) as f64) as usize;
            frame.slice(from, len).unwrap().select(&["w", "s", "row"]).unwrap()
        };
        let (scanned, held) = (through(&DataFrame::scan_parquet(&path).unwrap()), through(&frame));
        prop_assert_eq!(scanned.num_rows(), held.num_rows());
        prop_assert_eq!(scanned.column_i64("row").unwrap(), held.column_i64("row").unwrap());
        prop_assert_eq!(scanned.column_utf8("s").unwrap(), held.column_utf8("s").unwrap());
        prop_assert_eq!(scanned.vectors("w").unwrap(), held.vectors("w").unwrap());
        for partition in scanned.partitions() {
            for part in partition.batches_of(None, batch_rows).unwrap() {
                let found = part.unwrap().num_rows();
                prop_assert!(found > 0 && found <= batch_rows.max(1));
            }
        }
        for (at, row) in held.column_i64("row").unwrap().into_iter().enumerate() {
            let place = scanned.place_of_row(at).unwrap().to_string();
            let (group, inside) = (row as usize / row_group_rows, row as usize % row_group_rows);
            let expected = format!("row group {group}, row {inside}");
            prop_assert!(place.ends_with(&expected), "{} {}", place, expected);
        }
        prop_assert_eq!(all(&scanned).iter().map(RecordBatch::num_rows).sum::<usize>(), held.num_rows());
    }
}

#[test]
fn a_gap_behind_a_filter_names_the_row_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.parquet");
    let x = vec![None, Some(1.0), None, Some(2.0)];
    let frame =
        DataFrame::from_columns(vec![("x", Column::f64_nullable(x)), ("n", Column::i64(vec![0, 1, 2, 3]))]);
    frame.unwrap().write_parquet(&path, &ParquetOptions::new()).unwrap();
    let scan = DataFrame::scan_parquet(&path).unwrap();
    let left = scan.filter_where("n > 0").unwrap().with_vector("v", &["x"]).unwrap();
    let error = left.vectors("v").unwrap_err().to_string();
    assert!(error.contains("data.parquet, row group 0, row 2: column `x` is null"), "{error}");
    let whole = scan.drop_nulls(&["x"]).unwrap().with_vector("v", &["x"]).unwrap();
    assert!(!whole.is_in_memory());
    assert_eq!(whole.vectors("v").unwrap().column(0).to_vec(), [1.0, 2.0]);
}
