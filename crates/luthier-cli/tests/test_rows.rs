//! `test` of `[data]`: rows that no search sees.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{done, luthier, read, write};
use serde_json::Value;
use tempfile::TempDir;

const ROWS: u32 = 120;

/// A row; in the rows that `changed` picks, all values that can be features or labels are others.
fn row(i: u32, changed: bool) -> String {
    let (month, class) = (1 + i / 10, if i % 20 == 3 { "rare" } else { ["a", "b"][i as usize % 2] });
    let y = i % 7 + 2 * (i * i % 11) + i % 3;
    let more = if changed { 40 + i % 5 } else { 0 };
    format!(
        "2024-{month:02}-01,person {},{class},{},{},{},{},{}\n",
        i % 9,
        i % 5,
        i % 4 / 3,
        i % 7 + more,
        i * i % 11 + 2 * more,
        y + 3 * more
    )
}

const HEADER: &str = "month,person,class,fold,mark,u,v,y\n";

fn table(rows: impl Iterator<Item = u32>, changed: impl Fn(u32) -> bool) -> String {
    format!("{HEADER}{}", rows.map(|i| row(i, changed(i))).collect::<String>())
}

fn config(file: &str, data: &str, search: &str) -> String {
    format!(
        "seed = 5\n[data]\npath = \"{file}\"\nlabel = \"y\"\nfeatures = [\"u\", \"v\"]\n{data}\n\
         [[stage]]\nname = \"scaler\"\ntype = \"standard_scaler\"\n\
         [[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\nfeatures_col = \"scaled_features\"\n\
         [grid]\n\"lr.reg_param\" = [0.0, 0.1, 1.0]\n[search]\n{search}\n\
         [[evaluator]]\ntype = \"regression\"\n[[evaluator]]\ntype = \"regression\"\nmetric = \"mae\"\n"
    )
}

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    write(&folder, "d.csv", &table(0..ROWS, |_| false));
    folder
}

/// Runs a search; what it printed, and the results and the model that it wrote.
#[track_caller]
fn tune(folder: &TempDir, config: &str) -> (String, Value, Value) {
    write(folder, "c.toml", config);
    let out = done(folder, "tune c.toml --out out");
    let json = |name| serde_json::from_str(&read(folder, name)).unwrap();
    (out, json("out/results.json"), json("out/model.json"))
}

/// The message of a search that fails before any candidate is fitted.
#[track_caller]
fn refused(folder: &TempDir, config: &str) -> String {
    write(folder, "c.toml", config);
    let (success, out, error) = luthier(folder, "tune c.toml");
    assert!(!success, "{out}");
    assert_eq!(out, "", "{error}");
    error
}

/// Results without times and without the test rows.
fn search_alone(mut results: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(entries) => {
                entries.retain(|name, _| !name.ends_with("_seconds"));
                entries.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut results);
    results.as_object_mut().unwrap().remove("test");
    results
}

/// The metrics that `luthier evaluate` computes.
#[track_caller]
fn evaluated(folder: &TempDir, model: &str, rows: &str) -> [f64; 2] {
    let out = done(folder, &format!("evaluate {model} {rows} --metric rmse,mae"));
    ["rmse", "mae"].map(|metric| {
        let line = out.lines().find(|line| line.starts_with(metric)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    })
}

fn metrics(results: &Value) -> [f64; 2] {
    ["rmse", "mae"].map(|metric| results["test"]["metrics"][metric].as_f64().unwrap())
}

/// A search that sets rows aside is the search on the other rows, and `evaluate` on these.
#[track_caller]
fn agrees(folder: &TempDir, data: &str, search: &str, train: &str, test: &str) -> Value {
    let (_, alone, model) = tune(folder, &config(train, "", search));
    let scores = evaluated(folder, "out/model.json", test);
    let (out, results, same) = tune(folder, &config("d.csv", data, search));
    assert_eq!(search_alone(results.clone()), search_alone(alone), "{data} {search}");
    assert_eq!(same, model, "{data} {search}");
    assert_eq!(metrics(&results), scores, "{data} {search}");
    let rows = read(folder, test).lines().count() - 1;
    assert_eq!(results["test"]["rows"], rows, "{data} {search}");
    let told = format!(
        "on the test rows: rmse = {}, mae = {}\n  ({rows} rows that the search did not see)\n",
        scores[0], scores[1]
    );
    assert!(out.contains(&told), "{out}");
    results
}

#[test]
fn a_share_respects_what_the_splitter_keeps_together() {
    let folder = folder();
    for (search, split, rows) in [
        ("num_folds = 4", "", Some(24)),
        ("num_folds = 4\nstratify = \"class\"", "--stratify class", Some(24)),
        ("method = \"train_validation_split\"\nstratify = \"class\"", "--stratify class", Some(24)),
        ("method = \"shuffle_split\"\nnum_splits = 3", "", Some(24)),
        ("method = \"group_k_fold\"\ngroup_col = \"person\"\nnum_folds = 3", "--group person", None),
        ("method = \"leave_one_group_out\"\ngroup_col = \"person\"", "--group person", None),
        (
            "method = \"rolling_origin\"\ntime_col = \"month\"\ninitial = 4\nhorizon = 1",
            "--time month",
            Some(20),
        ),
    ] {
        let seed = if split.contains("--time") { "" } else { " --seed 5" };
        let split = format!("split d.csv --out-train train.csv --out-test test.csv {split}{seed}");
        done(&folder, &split.replace("  ", " "));
        let results = agrees(&folder, "test = 0.2", search, "train.csv", "test.csv");
        match rows {
            Some(rows) => assert_eq!(results["test"]["rows"], rows, "{search}"),
            None => {
                let persons = |name| -> Vec<String> {
                    let text = read(&folder, name);
                    text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned()).collect()
                };
                let (train, test) = (persons("train.csv"), persons("test.csv"));
                assert!(test.iter().all(|person| !train.contains(person)), "{search}");
            }
        }
    }
}

#[test]
fn without_a_column_of_times_the_last_rows_are_test_rows() {
    let folder = folder();
    write(&folder, "train.csv", &table(0..90, |_| false));
    write(&folder, "test.csv", &table(90..ROWS, |_| false));
    agrees(&folder, "test = 0.25", "method = \"rolling_origin\"", "train.csv", "test.csv");
}

#[test]
fn a_column_of_folds_gives_whole_folds() {
    let folder = folder();
    let search = "fold_col = \"fold\"";
    let (_, results, _) = tune(&folder, &config("d.csv", "test = 0.2", search));
    assert_eq!(results["test"]["rows"], 24);
    let same = (0..5).filter(|fold| {
        write(&folder, "train.csv", &table((0..ROWS).filter(|i| i % 5 != *fold), |_| false));
        let (_, alone, _) = tune(&folder, &config("train.csv", "", search));
        search_alone(alone) == search_alone(results.clone())
    });
    assert_eq!(same.count(), 1);
}

#[test]
fn a_column_or_a_file_says_which_rows() {
    let folder = folder();
    for (search, more) in [
        ("num_folds = 4", ""),
        ("num_folds = 4\nstratify = \"class\"", "where = \"u >= 0\"\n"),
        ("method = \"group_k_fold\"\ngroup_col = \"person\"\nnum_folds = 3", ""),
        ("method = \"rolling_origin\"\ntime_col = \"month\"", ""),
    ] {
        let is_test = |i: &u32| i % 4 == 3;
        write(&folder, "train.csv", &table((0..ROWS).filter(|i| !is_test(i)), |_| false));
        write(&folder, "test.csv", &table((0..ROWS).filter(is_test), |_| false));
        agrees(&folder, &format!("{more}test = \"mark\""), search, "train.csv", "test.csv");
        let (_, by_column, _) = tune(&folder, &config("d.csv", "test = \"mark\"", search));
        // As a file, relative to the configuration.
        write(&folder, "sub/c.toml", &config("../train.csv", "test = \"../test.csv\"", search));
        done(&folder, "tune sub/c.toml --out out");
        let by_file: Value = serde_json::from_str(&read(&folder, "out/results.json")).unwrap();
        assert_eq!(by_file["test"], by_column["test"]);
        assert_eq!(search_alone(by_file), search_alone(by_column));
    }
}

#[test]
fn a_file_may_be_of_another_format() {
    let folder = folder();
    done(&folder, "split d.csv --out-train train.csv --out-test test.csv --seed 5");
    done(&folder, "split d.csv --out-train t.parquet --out-test test.parquet --seed 5");
    let (_, csv, _) = tune(&folder, &config("train.csv", "test = \"test.csv\"", ""));
    let (_, parquet, _) = tune(&folder, &config("train.csv", "test = \"test.parquet\"", ""));
    assert_eq!(parquet["test"], csv["test"]);
    let (_, scanned, _) = tune(&folder, &config("t.parquet", "test = \"test.csv\"", ""));
    assert_eq!(scanned["test"]["rows"], 24);
}

#[test]
fn the_column_is_no_feature() {
    let folder = folder();
    let data = |test: &str| {
        config("d.csv", test, "")
            .replace("features = [\"u\", \"v\"]", "exclude = [\"fold\"]\nfeatures = [\"*\"]")
    };
    let (_, _, model) = tune(&folder, &data("test = \"mark\""));
    assert_eq!(model["inputs"]["features"], serde_json::json!(["u", "v"]));
    let (_, _, model) = tune(&folder, &data(""));
    assert_eq!(model["inputs"]["features"], serde_json::json!(["mark", "u", "v"]));
    let named = config("d.csv", "test = \"mark\"", "").replace("[\"u\", \"v\"]", "[\"u\", \"mark\"]");
    let error = refused(&folder, &named);
    assert!(
        error.contains("`mark` cannot be a feature, because it is the `test` column of [data]"),
        "{error}"
    );
    // Booleans serve as well.
    let booleans = |(i, line): (usize, &str)| match i {
        0 => format!("{line}\n"),
        _ => {
            let mut cells: Vec<&str> = line.split(',').collect();
            cells[4] = if cells[4] == "1" { "true" } else { "false" };
            format!("{}\n", cells.join(","))
        }
    };
    let numbers = tune(&folder, &config("d.csv", "test = \"mark\"", "")).1;
    let text: String = read(&folder, "d.csv").lines().enumerate().map(booleans).collect();
    write(&folder, "d.csv", &text);
    assert_eq!(tune(&folder, &config("d.csv", "test = \"mark\"", "")).1["test"], numbers["test"]);
}

#[test]
fn test_rows_influence_nothing_but_their_scores() {
    for (data, search) in [
        ("test = 0.2", "num_folds = 4"),
        ("test = 0.2", "num_folds = 4\nstratify = \"class\""),
        ("test = 0.2", "method = \"group_k_fold\"\ngroup_col = \"person\"\nnum_folds = 3"),
        ("test = 0.2", "method = \"rolling_origin\"\ntime_col = \"month\""),
        ("test = \"mark\"", "num_folds = 4"),
        ("test = \"test.csv\"", "num_folds = 4"),
    ] {
        let folder = folder();
        write(&folder, "test.csv", &table(0..30, |_| false));
        let (_, results, model) = tune(&folder, &config("d.csv", data, search));
        // One row after the other: those that change nothing but the scores are the test rows.
        let rows = results["test"]["rows"].as_u64().unwrap();
        let is_test = |i: u32| -> bool {
            write(&folder, "d.csv", &table(0..ROWS, |other| other == i));
            let (_, changed, same) = tune(&folder, &config("d.csv", data, search));
            let is_same = search_alone(changed.clone()) == search_alone(results.clone());
            assert_eq!(is_same, same == model, "row {i}");
            assert!(!is_same || data.ends_with(".csv\"") || changed["test"] != results["test"], "row {i}");
            is_same
        };
        if data.ends_with(".csv\"") {
            write(&folder, "test.csv", &table(0..30, |_| true));
            let (_, changed, same) = tune(&folder, &config("d.csv", data, search));
            assert_eq!((search_alone(changed.clone()), &same), (search_alone(results.clone()), &model));
            assert_ne!(changed["test"], results["test"]);
            continue;
        }
        let test: Vec<u32> = (0..ROWS).filter(|&i| is_test(i)).collect();
        assert_eq!(test.len() as u64, rows, "{data} {search}");
        // All at once.
        write(&folder, "d.csv", &table(0..ROWS, |i| test.contains(&i)));
        let (_, changed, same) = tune(&folder, &config("d.csv", data, search));
        assert_eq!((search_alone(changed), same), (search_alone(results), model), "{data} {search}");
    }
}

#[test]
fn partitions_do_not_decide_which_rows() {
    let folder = folder();
    let (_, whole, _) = tune(&folder, &config("d.csv", "test = 0.2", ""));
    let (_, cut, _) = tune(&folder, &config("d.csv", "test = 0.2\npartitions = 7", ""));
    assert_eq!(cut["test"]["rows"], whole["test"]["rows"]);
    let close = |a: [f64; 2], b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(close(metrics(&cut), metrics(&whole)));
}

#[test]
fn every_evaluator_has_its_name() {
    let folder = folder();
    let three =
        config("d.csv", "test = 0.2", "") + "[[evaluator]]\ntype = \"regression\"\nweight_col = \"fold\"\n";
    let (_, results, _) = tune(&folder, &three);
    let names: Vec<&String> = results["test"]["metrics"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["rmse", "mae", "rmse_2"]);
    assert_eq!(results["also"][1]["metric"], "rmse_2");
    assert_ne!(results["test"]["metrics"]["rmse"], results["test"]["metrics"]["rmse_2"]);
}

#[test]
fn explain_and_fit_know_test_rows() {
    let folder = folder();
    write(&folder, "c.toml", &config("d.csv", "test = 0.2", ""));
    let plan = done(&folder, "tune c.toml --explain");
    assert!(plan.contains("test rows: 24 of d.csv; the search does not see them"), "{plan}");
    let one = config("d.csv", "test = 0.2", "").replace("[0.0, 0.1, 1.0]", "[0.0]");
    let (_, results, _) = tune(&folder, &one);
    write(&folder, "fit.toml", &one.replace("[grid]\n\"lr.reg_param\" = [0.0]\n", ""));
    let out = done(&folder, "fit fit.toml --model m.json");
    assert!(out.starts_with("fitted on 96 rows"), "{out}");
    done(&folder, "split d.csv --out-train train.csv --out-test test.csv --seed 5");
    let [rmse, mae] = evaluated(&folder, "m.json", "test.csv");
    let told =
        format!("on the test rows: rmse = {rmse}, mae = {mae}\n  (24 rows that the fit did not see)\n");
    assert!(out.contains(&told), "{out}");
    // A search merges the summaries of folds, which rounds differently.
    assert!(metrics(&results).iter().zip([rmse, mae]).all(|(a, b)| (a - b).abs() < 1e-12), "{results}");
}

#[test]
fn a_file_of_test_rows_is_prepared_like_the_data() {
    let folder = folder();
    let cells = |text: &str| text.replace(",b,", ",-,").replace("person 3", "7");
    write(&folder, "d.csv", &cells(&table(0..90, |_| false)));
    // All of its persons look like numbers, and some rows have no class or no label.
    let test =
        format!("{HEADER}2024-01-01,7,a,1,1,1,2,3\n2024-01-01,7,-,1,1,1,2,4\n2024-01-01,7,a,1,1,5,2,-\n");
    write(&folder, "t.csv", &test);
    let data = "test = \"t.csv\"\nnull_values = [\"-\"]\ndrop_nulls = [\"class\"]\nmissing_label = \"drop\"\n\
                where = \"person != '9'\"\ncategories = [\"person\"]";
    write(&folder, "c.toml", &config("d.csv", data, ""));
    let (success, out, error) = luthier(&folder, "tune c.toml --out out");
    assert!(success, "{error}");
    assert!(out.contains("(1 rows that the search did not see)"), "{out}");
    assert!(
        error.contains("note: t.csv: 1 of 3 rows are left out because they have no value in class"),
        "{error}"
    );
    assert!(
        error.contains("note: t.csv: 1 of 2 rows are left out because they have no label `y`"),
        "{error}"
    );
}

const CATEGORIES: &str = "[data]\npath = \"train.csv\"\nlabel = \"y\"\nfeatures = [\"u\"]\ntest = \"test.csv\"\n\
    [[stage]]\nname = \"index\"\ntype = \"string_indexer\"\ninput_cols = [\"class\"]\noutput_cols = [\"i\"]\n\
    handle_invalid = \"HOW\"\n\
    [[stage]]\nname = \"all\"\ntype = \"vector_assembler\"\ninput_cols = [\"u\", \"i\"]\noutput_col = \"all\"\n\
    [[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\nfeatures_col = \"all\"\n\
    [grid]\n\"lr.reg_param\" = [0.0, 0.1]\n";

#[test]
fn what_is_unlike_the_other_rows_is_told_as_by_evaluate() {
    let folder = folder();
    write(&folder, "train.csv", &table(0..90, |_| false));
    write(&folder, "test.csv", &table(90..ROWS, |_| false).replace(",a,", ",new,"));
    write(&folder, "c.toml", &CATEGORIES.replace("HOW", "keep"));
    let (success, _, error) = luthier(&folder, "tune c.toml --out out");
    assert!(success, "{error}");
    let (_, _, notes) = luthier(&folder, "evaluate out/model.json test.csv --metric rmse");
    let note = notes.lines().find(|line| line.contains("`new`")).unwrap();
    assert!(error.lines().any(|line| line == note), "{error}\n{note}");
    assert!(note.starts_with("note: test.csv:"), "{note}");

    // Rows that are left out are counted.
    write(&folder, "c.toml", &CATEGORIES.replace("HOW", "skip"));
    let (success, out, error) = luthier(&folder, "tune c.toml --out out");
    assert!(success, "{error}");
    let kept = read(&folder, "test.csv").lines().filter(|line| !line.contains(",new,")).count() - 1;
    assert!(
        out.contains(&format!("({kept} rows that the search did not see) ({} of 30 rows", 30 - kept)),
        "{out}"
    );

    // The model is written, although it cannot take the test rows.
    write(&folder, "c.toml", &CATEGORIES.replace("HOW", "error"));
    std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    let (success, out, error) = luthier(&folder, "tune c.toml --out out");
    assert!(!success && out.contains("best: candidate"), "{out}");
    assert!(error.contains("the test rows cannot be scored") && error.contains("test.csv:"), "{error}");
    let results: Value = serde_json::from_str(&read(&folder, "out/results.json")).unwrap();
    assert_eq!(results["test"]["metrics"], serde_json::json!({}));
    assert!(results["test"]["errors"]["rmse"].as_str().unwrap().contains("new"), "{results}");
    assert!(read(&folder, "out/model.json").contains("pipeline"));
}

#[test]
fn mistakes_are_told_before_the_search() {
    let folder = folder();
    let error_of = |test: &str| refused(&folder, &config("d.csv", test, ""));
    for wrong in ["1.5", "0", "1", "-0.1", "nan", "true", "\"\"", "[\"mark\"]"] {
        let error = error_of(&format!("test = {wrong}"));
        assert!(error.contains("c.toml:6: `test` is ") && error.contains("such as 0.2"), "{wrong}: {error}");
    }
    let error = error_of("test = \"markk\"");
    assert!(error.contains("c.toml:6") && error.contains("did you mean the column `mark`?"), "{error}");
    let error = error_of("test = \"class\"");
    assert!(error.contains("c.toml:6") && error.contains("`class`, which is utf8"), "{error}");
    let error = error_of("test = \"fold\"");
    assert!(error.contains("d.csv:4: column `fold` is 2, expected 1 for a test row or 0"), "{error}");

    let error = refused(
        &folder,
        &config(
            "d.csv",
            "test = 0.5\nwhere = \"person = 'person 1'\"",
            "method = \"group_k_fold\"\ngroup_col = \"person\"",
        ),
    );
    assert!(error.contains("column `person` has 1 group"), "{error}");
    let error = refused(
        &folder,
        &config(
            "d.csv",
            "test = 0.5\nwhere = \"month < '2024-02-01'\"",
            "method = \"rolling_origin\"\ntime_col = \"month\"",
        ),
    );
    assert!(error.contains("1 point in time"), "{error}");
    let error = refused(&folder, &config("d.csv", "test = 0.9\nwhere = \"u = 3\"", "num_folds = 5"));
    assert!(error.contains("cannot be split into 5 folds"), "{error}");

    let marks = |marks: &str| {
        let lines = marks.split(' ').enumerate().map(|(i, mark)| format!("{i},{mark},{i}\n"));
        write(&folder, "marks.csv", &format!("u,mark,y\n{}", lines.collect::<String>()));
        refused(&folder, &config("marks.csv", "test = \"mark\"", "").replace(", \"v\"", ""))
    };
    let error = marks("0 0 0 0 0 0");
    assert!(error.contains("none of the 6 rows is a test row"), "{error}");
    let error = marks("1 1 1 1");
    assert!(error.contains("all 4 rows are test rows: none is left"), "{error}");
    let error = marks("0 1 0 NA 0 0 0");
    assert!(error.contains("marks.csv:5: column `mark` is missing"), "{error}");
    assert!(error.contains("drop_nulls = [\"mark\"]"), "{error}");

    write(&folder, "mark", "a file");
    let error = error_of("test = \"mark\"");
    assert!(error.contains("a column of d.csv and also a file: write \"./mark\" for the file"), "{error}");
}

#[test]
fn mistakes_in_a_file_are_told_before_the_search() {
    let folder = folder();
    let error_of = |text: &str| {
        write(&folder, "t.csv", text);
        refused(&folder, &config("d.csv", "test = \"t.csv\"", ""))
    };
    let error = error_of("month,u,vv,y\n2024-01-01,1,2,3\n");
    assert!(error.contains("t.csv: the test rows have no column `v`, which the search reads"), "{error}");
    assert!(error.contains("c.toml:6"), "{error}");
    let error = error_of("u,v\n1,2\n");
    assert!(error.contains("t.csv: the test rows have no column `y`"), "{error}");
    let error = error_of("u,v,y\n1,2,3\n1,two,3\n2,2,2\n");
    assert!(error.contains("t.csv: column `v` of the test rows is utf8, expected i64"), "{error}");
    let error = error_of("u,v,y\n");
    assert!(error.contains("t.csv: the file has no rows"), "{error}");
    let error = error_of("u,v,y\n1,2,3\n1,2,\n");
    assert!(error.contains("t.csv:3: column `y` is missing"), "{error}");
    let error = error_of("u,v,y\n1,2,3\n1,,4\n");
    assert!(error.contains("t.csv:3: column `v` is missing"), "{error}");
    // Other columns do not matter.
    write(&folder, "t.csv", "u,v,y,note\n1,2,3,x\n");
    tune(&folder, &config("d.csv", "test = \"t.csv\"", ""));
    // A file of test rows is not overwritten.
    write(&folder, "out/results.csv", "u,v,y\n1,2,3\n");
    write(&folder, "c.toml", &config("d.csv", "test = \"out/results.csv\"", ""));
    let (success, _, error) = luthier(&folder, "tune c.toml --out out");
    assert!(!success && error.contains("this would overwrite"), "{error}");
}
