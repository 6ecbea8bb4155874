//! Folders, patterns and trees of files; files of other programs; dates; `luthier split`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use luthier::frame::arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, UInt64Array,
};
use luthier::frame::{DataFrame, ParquetOptions, RecordBatch};
use tempfile::TempDir;

use common::{done, luthier, read, write};

fn parquet(folder: &TempDir, name: &str, columns: Vec<(&str, ArrayRef)>) {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let frame = DataFrame::from_batches(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    frame.write_parquet(path, &ParquetOptions::new()).unwrap();
}

fn config(folder: &TempDir, path: &str, features: &str) {
    let stage = "[[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\n";
    write(
        folder,
        "c.toml",
        &format!("[data]\npath = \"{path}\"\nlabel = \"y\"\nfeatures = {features}\n{stage}"),
    );
}

#[test]
fn several_files_are_one_data_set() {
    let folder = TempDir::new().unwrap();
    write(&folder, "data/part-1.csv", "x,y\n1,3\n2,5\n");
    write(&folder, "data/part-2.csv", "y,x\n7,3\n9,4.5\n");
    write(&folder, "data/_SUCCESS", "");
    for path in ["data", "data/*.csv", "data/part-?.csv"] {
        config(&folder, path, "[\"x\"]");
        assert!(done(&folder, "fit c.toml --model m.json").contains("fitted on 4 rows"), "{path}");
    }
    assert!(done(&folder, "predict m.json data --out p.csv").contains("wrote 4 rows"));
    assert!(done(&folder, "evaluate m.json data/*.csv").contains("4 rows"));
    let (success, _, error) = luthier(&folder, "predict m.json data --out data/part-3.csv");
    assert!(!success && error.contains("in the folder of the data"), "{error}");
    write(&folder, "data/part-3.csv", "x,z\n1,2\n");
    let (success, _, error) = luthier(&folder, "fit c.toml --model m.json");
    assert!(
        !success && error.contains("part-3.csv: the column `y` is missing, expected one as in"),
        "{error}"
    );

    for year in [2023, 2024] {
        let x: ArrayRef = std::sync::Arc::new(Float64Array::from(vec![1.0, 2.0, 4.0]));
        let y = [1.0, 2.0, 4.0].map(|x| 2.0 * x + f64::from(year));
        let y: ArrayRef = std::sync::Arc::new(Float64Array::from(y.to_vec()));
        parquet(&folder, &format!("tree/year={year}/a.parquet"), vec![("x", x), ("y", y)]);
    }
    config(&folder, "tree", "[\"x\", \"year\"]");
    assert!(done(&folder, "fit c.toml --model m.json").contains("fitted on 6 rows"));
    done(&folder, "predict m.json tree --out p.csv --columns year,prediction");
    let last: f64 =
        read(&folder, "p.csv").lines().last().unwrap().split(',').nth(1).unwrap().parse().unwrap();
    assert!((last - 2032.0).abs() < 1e-6, "{last}");
}

#[test]
fn columns_of_any_type_are_carried_and_truth_values_are_numbers() {
    use std::sync::Arc;
    let folder = TempDir::new().unwrap();
    let flags: Vec<bool> = (0..6).map(|i| i % 2 == 0).collect();
    let x: Vec<f64> = (0..6).map(f64::from).collect();
    let y: Vec<f64> = (0..6).map(|i| 2.0 * f64::from(i) + f64::from(u8::from(i % 2 == 0))).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(UInt64Array::from((0..6).map(|i| u64::MAX - i).collect::<Vec<_>>()))),
        ("day", Arc::new(Date32Array::from(vec![19_782; 6]))),
        ("bytes", Arc::new(BinaryArray::from_vec(vec![b"ab"; 6]))),
        ("flag", Arc::new(BooleanArray::from(flags))),
        ("x", Arc::new(Float64Array::from(x))),
        ("y", Arc::new(Float64Array::from(y))),
    ];
    parquet(&folder, "d.parquet", columns);
    config(&folder, "d.parquet", "[\"x\", \"flag\"]");
    done(&folder, "fit c.toml --model m.json");
    done(&folder, "predict m.json d.parquet --out p.parquet");
    done(&folder, "predict m.json d.parquet --out p.csv");
    let predicted = DataFrame::read_parquet(folder.path().join("p.parquet")).unwrap();
    let batch = predicted.partitions()[0].batches(None).unwrap().next().unwrap().unwrap();
    assert_eq!(
        batch.column(0).as_ref(),
        &UInt64Array::from((0..6).map(|i| u64::MAX - i).collect::<Vec<_>>())
            as &dyn luthier::frame::arrow_array::Array
    );
    assert_eq!(
        predicted.schema().to_string().split(", predic").next().unwrap(),
        "id: i64, day: date, bytes: binary, flag: bool, x: f64, y: f64"
    );
    let line = read(&folder, "p.csv").lines().nth(1).unwrap().to_owned();
    assert!(line.starts_with("18446744073709551615,2024-02-29,6162,true,0.0,1.0,"), "{line}");
    config(&folder, "d.parquet", "[\"bytes\"]");
    let (success, _, error) = luthier(&folder, "fit c.toml --model m.json");
    assert!(
        !success && error.contains("the column `bytes` is binary, expected numbers or vectors"),
        "{error}"
    );
}

#[test]
fn dates_are_features_by_their_parts() {
    let folder = TempDir::new().unwrap();
    let mut rows = "day,y\n".to_owned();
    for month in 1..=12 {
        rows.push_str(&format!("2024-{month:02}-15,{}\n", 3 * month));
    }
    write(&folder, "d.csv", &rows);
    write(
        &folder,
        "c.toml",
        "[data]\npath = \"d.csv\"\nlabel = \"y\"\nfeatures = []\n[[stage]]\ntype = \"date_parts\"\ninput_cols = [\"day\"]\n\
         parts = [\"month\", \"year\"]\noutput_col = \"features\"\n[[stage]]\ntype = \"linear_regression\"\n",
    );
    done(&folder, "fit c.toml --model m.json");
    done(&folder, "predict m.json d.csv --out p.csv --columns day,prediction");
    let text = read(&folder, "p.csv");
    let (day, value) = text.lines().nth(12).unwrap().split_once(',').unwrap();
    assert_eq!(day, "2024-12-15");
    assert!((value.parse::<f64>().unwrap() - 36.0).abs() < 1e-6);
    // The coefficients have the names of the parts.
    let shown = done(&folder, "inspect m.json");
    assert!(shown.contains("  day_month  ") && shown.contains("  day_year  "), "{shown}");
}

#[test]
fn rows_without_a_label_are_left_out_of_scores() {
    let folder = TempDir::new().unwrap();
    write(&folder, "d.csv", "x,y\n1,3\n2,5\n3,7\n4,9\n");
    write(&folder, "test.csv", "x,y\n1,3\n2,\n3,7\n");
    config(&folder, "d.csv", "[\"x\"]");
    done(&folder, "fit c.toml --model m.json");
    let (success, _, error) = luthier(&folder, "evaluate m.json test.csv");
    let expected = "test.csv:3: column `y` is missing, expected a value: fill it, or drop such rows with --missing-label drop";
    assert!(!success && error.contains(expected), "{error}");
    let out = done(&folder, "evaluate m.json test.csv --missing-label drop");
    assert!(out.contains("2 rows of test.csv"), "{out}");
}

/// The lines of a file without its header.
fn lines(path: impl AsRef<Path>) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_file_is_split_for_tests() {
    let folder = TempDir::new().unwrap();
    let row = |i: usize| {
        format!("{i:03},{}.50,{},g{},2024-01-{:02},1", i, ["a", "b", "b", "b"][i % 4], i % 7, i % 20 + 1)
    };
    let rows: Vec<String> = (0..100).map(row).collect();
    write(&folder, "d.csv", &format!("id,x,class,group,day,one\n{}\n", rows.join("\n")));
    let split = |arguments: &str| {
        let out = done(&folder, &format!("split d.csv --out-train a.csv --out-test b.csv{arguments}"));
        let (train, test) = (lines(folder.path().join("a.csv")), lines(folder.path().join("b.csv")));
        assert!(
            out.contains(&format!("wrote {} rows to a.csv and {} rows to b.csv", train.len(), test.len())),
            "{out}"
        );
        // Every row once, in order, as it is spelt.
        assert!(train.is_sorted() && test.is_sorted());
        let mut all = [train.clone(), test.clone()].concat();
        all.sort();
        assert_eq!(all, rows);
        (train, test)
    };
    let cell = |line: &String, at: usize| line.split(',').nth(at).unwrap().to_owned();
    let (_, test) = split("");
    assert_eq!(test.len(), 20);
    assert_eq!(split("").1, test);
    assert_ne!(split(" --seed 1").1, test);
    let (_, test) = split(" --stratify class --test-ratio 0.4");
    assert_eq!(test.iter().filter(|line| cell(line, 2) == "a").count(), 10);
    assert_eq!(test.len(), 40);
    let (train, test) = split(" --group group");
    assert!(test.iter().all(|line| train.iter().all(|other| cell(other, 3) != cell(line, 3))));
    // The column that decides keeps its spelling too.
    assert_eq!(split(" --group x").1.len(), 20);
    let (train, test) = split(" --time day");
    assert_eq!(test.len(), 20);
    let latest = train.iter().map(|line| cell(line, 4)).max().unwrap();
    assert!(test.iter().all(|line| cell(line, 4) > latest));

    // Text is not sorted as text.
    let days = |day: &str| format!("{}.{}.{}", &day[8..10], &day[5..7], &day[..4]);
    let row = |i: usize| format!("{i:03},20{}-0{}-{:02}\n", 10 + i % 13, i % 9 + 1, i % 28 + 1);
    let rows: Vec<String> = (0..60).map(row).collect();
    let european = |row: &String| format!("{}{}\n", &row[..4], days(&row[4..]));
    write(&folder, "iso.csv", &format!("id,day\n{}", rows.concat()));
    write(&folder, "eu.csv", &format!("id,day\n{}", rows.iter().map(european).collect::<String>()));
    done(&folder, "split iso.csv --time day --out-train a.csv --out-test b.csv");
    let ids =
        |path: &str| lines(folder.path().join(path)).iter().map(|line| cell(line, 0)).collect::<Vec<_>>();
    let expected = ids("b.csv");
    assert_eq!(expected.len(), 12);
    let (success, _, error) = luthier(&folder, "split eu.csv --time day --out-train a.csv --out-test b.csv");
    assert!(
        !success
            && error.contains("eu.csv:2: column `day` is text, which is not sorted in the order of time")
            && error
                .contains("as in `--time-format %d.%m.%Y`; if they are numbers, write `--type day=number`"),
        "{error}"
    );
    done(&folder, "split eu.csv --time day --time-format %d.%m.%Y --out-train a.csv --out-test b.csv");
    assert_eq!(ids("b.csv"), expected);
    let (success, _, error) =
        luthier(&folder, "split eu.csv --time day --time-format %m/%d/%Y --out-train a.csv --out-test b.csv");
    assert!(!success && error.contains("`01.01.2010` is not a date of the form `%m/%d/%Y`"), "{error}");

    // Rows without a value.
    write(&folder, "gaps.csv", "id,day,class\n1,2024-01-05,a\n2,,a\n3,2024-01-07,\n4,2024-01-06,b\n");
    for by in ["--time day", "--stratify class", "--group class"] {
        let arguments = format!("split gaps.csv {by} --out-train a.csv --out-test b.csv");
        let (success, _, error) = luthier(&folder, &arguments);
        let column = by.rsplit(' ').next().unwrap();
        assert!(
            !success && error.contains(&format!("or leave such rows out with `--drop-nulls {column}`")),
            "{error}"
        );
        done(&folder, &format!("{arguments} --drop-nulls {column}"));
        assert_eq!(ids("a.csv").len() + ids("b.csv").len(), 3);
    }
    done(
        &folder,
        "split gaps.csv --time day --drop-nulls day --test-ratio 0.3 --out-train a.csv --out-test b.csv",
    );
    assert_eq!((ids("a.csv"), ids("b.csv")), (vec!["1".to_owned(), "4".to_owned()], vec!["3".to_owned()]));

    done(&folder, "split d.csv --out-train a.parquet --out-test b.parquet");
    assert_eq!(DataFrame::read_parquet(folder.path().join("a.parquet")).unwrap().num_rows(), 80);
    let before = read(&folder, "d.csv");
    for (arguments, expected) in [
        ("--out-train d.csv --out-test b.csv", "--out-train d.csv: this would overwrite the data"),
        ("--out-train a.csv --out-test ./a.csv", "--out-train names the same file"),
        (
            "--out-train a.csv --out-test b.csv --test-ratio 1",
            "--test-ratio is 1, expected a number between 0 and 1",
        ),
        ("--out-train a.csv --out-test b.csv --stratify none", "unknown column `none`"),
        ("--out-train a.csv --out-test b.csv --group one", "all 100 rows have the same value in `one`"),
    ] {
        let (success, _, error) = luthier(&folder, &format!("split d.csv {arguments}"));
        assert!(!success && error.contains(expected), "{arguments}: {error}");
    }
    assert_eq!(read(&folder, "d.csv"), before);
}
