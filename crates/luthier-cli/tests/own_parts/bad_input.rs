//! Bad input: each a clear error before any fit.

use super::{DATA, SEARCH, Scene};

/// Runs the search with one piece of its configuration replaced.
#[track_caller]
fn error_of(from: &str, to: &str) -> String {
    assert!(SEARCH.contains(from), "{from}");
    Scene::new(&SEARCH.replacen(from, to, 1)).fail(&["tune", "search.toml", "--out", "out"])
}

/// The error has all of these parts.
#[track_caller]
fn check(from: &str, to: &str, parts: &[&str]) {
    let error = error_of(from, to);
    for part in parts {
        assert!(error.contains(part), "no {part:?} in {error}");
    }
}

#[test]
fn unknown_names_have_suggestions() {
    check(
        "test.shift",
        "test.shft",
        &["search.toml:10", "stage type `test.shft`", "did you mean `test.shift`", "use the_crate as _"],
    );
    check(
        "[evaluator]\ntype = \"test.off\"",
        "[evaluator]\ntype = \"test.of\"",
        &["search.toml:19", "did you mean `test.off`"],
    );
    check("\"shift.by\"", "\"shift.bi\"", &["search.toml:12", "shift.bi", "no parameter", "by"]);
    check("\"shift.by\"", "\"shit.by\"", &["search.toml:12", "did you mean `shift`"]);
    check(
        "[grid]",
        "predictioncol = \"p\"\n[grid]",
        &["search.toml:11", "stage `shift`", "did you mean `prediction_col`"],
    );
    check(
        "\"cross_validator\"",
        "\"cross_validation\"",
        &["search.toml:14", "did you mean `cross_validator`", "k_fold"],
    );
    check("\"thread_pool\"", "\"threadpool\"", &["search.toml:17", "did you mean `thread_pool`"]);
}

#[test]
fn unknown_keys_have_suggestions() {
    check("seed = 7", "sed = 7", &["search.toml:2", "no key `sed`", "did you mean `seed`", "evaluator"]);
    check("partitions", "partition", &["search.toml:7", "[data]", "did you mean `partitions`", "delimiter"]);
    check(
        "num_folds",
        "num_fold",
        &["search.toml:15", "[search]", "did you mean `num_folds`", "fold_col", "executor"],
    );
    check("parallelism", "paralelism", &["search.toml:16", "did you mean `parallelism`"]);
    check(
        "type = \"test.off\"",
        "type = \"test.off\"\nmetric = \"rmse\"",
        &["search.toml:20", "[evaluator]", "no parameter `metric`"],
    );
    check(
        "executor = ",
        "executor_options = { threads = 3 }\nexecutor = ",
        &["search.toml:17", "executor_options", "threads", "it has no keys"],
    );
    check("method", "metod", &["search.toml:14: [search] has no key `metod`, did you mean `method`?"]);
    check("path", "pth", &["search.toml:4: [data] has no key `pth`, did you mean `path`?"]);
}

#[test]
fn unknown_columns_have_suggestions() {
    check("\"label\"", "\"lable\"", &["search.toml:5", "unknown column `lable`", "did you mean `label`"]);
    check(
        "label = \"label\"",
        "label = \"label\"\nweight = \"ww\"",
        &["search.toml:6", "unknown column `ww`"],
    );
    check(
        "[\"x*\"]",
        "[\"x0\", \"xx1\"]",
        &["search.toml:6", "features", "unknown column `xx1`", "did you mean `x1`"],
    );
    check(
        "[\"x*\"]",
        "[\"z*\"]",
        &["search.toml:6", "the glob `z*` matches no numeric or vector column", "x0"],
    );
    check("[\"x*\"]", "[\"text\"]", &["the column `text` is", "expected numbers or vectors"]);
    check(
        "[\"x*\"]",
        "[\"x0\", \"label\"]",
        &["the column `label` cannot be a feature, because it is the label"],
    );
    check("[\"x*\"]", "[\"x[\"]", &["x["]);
    check(
        "type = \"test.shift\"",
        "type = \"test.shift\"\nlabel_col = \"lable\"",
        &["search.toml:9", "stage `shift`", "did you mean `label`"],
    );
    check(
        "num_folds = 2",
        "fold_col = \"prt\"",
        &["search.toml:13", "unknown column `prt`", "did you mean `part`"],
    );
    check("test.off\"", "test.off\"\nlabel_col = \"labels\"", &["search.toml:19", "unknown column `labels`"]);
}

#[test]
fn values_must_fit() {
    check("[2.0, 0.5, 1]", "[2.0, -0.5]", &["search.toml:12", "`shift.by` = -0.5", "out of range", ">= 0"]);
    check(
        "[2.0, 0.5, 1]",
        "[2.0, \"two\"]",
        &["search.toml:12", "`shift.by` = \"two\"", "expected a number"],
    );
    check("[2.0, 0.5, 1]", "2.0", &["search.toml:12", "`shift.by` is 2.0", "expected a list"]);
    check("[2.0, 0.5, 1]", "[1979-05-27]", &["search.toml:12", "expected a list"]);
    check("num_folds = 2", "num_folds = 1", &["search.toml:15", "num_folds", "1", ">= 2"]);
    check(
        "num_folds = 2",
        "num_folds = 7",
        &["search.toml:13: splitter `k_fold` (num_folds = 7): 6 rows cannot be split into 7 folds"],
    );
    check("parallelism = 2", "parallelism = 0", &["search.toml:16", "at least 1"]);
    check("seed = 7", "seed = -7", &["search.toml:2", "`seed` is -7", "an integer of at least 0"]);
    check("seed = 7", "seed = \"7\"", &["`seed` is \"7\""]);
    check("partitions = 2", "partitions = 0", &["search.toml:7", "an integer of at least 1"]);
    check(
        "type = \"test.off\"",
        "type = \"test.off\"\nnegative = 1",
        &["search.toml:20", "negative", "true or false"],
    );
    check("[grid]", "by = -3\n[grid]", &["search.toml:11", "stage `shift`", "out of range"]);
}

#[test]
fn what_is_missing_is_named() {
    check(
        "\"shift.by\" = [2.0, 0.5, 1]",
        "\"shift.label_col\" = [\"label\"]",
        &["search.toml:9", "stage `shift`", "`by` is required"],
    );
    check("\"shift.by\" = [2.0, 0.5, 1]", "", &["search.toml:11", "the grid is empty"]);
    check("[2.0, 0.5, 1]", "[]", &["search.toml:12", "the grid is empty", "`shift.by`"]);
    check("[grid]\n\"shift.by\" = [2.0, 0.5, 1]", "", &["search.toml:9", "`by` is required"]);
    check("path = \"data.csv\"", "", &["search.toml:3", "[data] has no `path`"]);
    check("path = \"data.csv\"", "path = \"date.csv\"", &["date.csv"]);
    check("path = \"data.csv\"", "path = \"data\"", &["data", "expected .csv, .tsv, .txt, .parquet or .pq"]);
    check("type = \"test.shift\"", "", &["search.toml:8", "[[stage]] has no `type`"]);
    check("seed = 7", "seed =", &["search.toml:2"]);
    check(
        "[evaluator]",
        "[[stage]]\nname = \"shift\"\ntype = \"test.shift\"\n[evaluator]",
        &["search.toml:19", "two stages are named `shift`"],
    );
    check("name = \"shift\"", "name = \"a.b\"", &["search.toml:9", "`a.b` cannot be the name of a stage"]);
}

#[test]
fn bad_rows_have_their_line() {
    let with = |data: &str, config: &str| {
        let scene = Scene::new(config);
        scene.write("data.csv", data);
        scene.fail(&["tune", "search.toml"])
    };
    let check = |from: &str, to: &str, parts: &[&str]| {
        let error = with(&DATA.replacen(from, to, 1), SEARCH);
        for part in parts {
            assert!(error.contains(part), "no {part:?} in {error}");
        }
    };
    check("\n3,1,0", "\nNaN,1,0", &["data.csv:4", "column `label` is missing"]);
    check("\n3,1,0", "\ninf,1,0", &["data.csv:4", "column `label` is inf", "expected a finite number"]);
    check("\n3,1,0", "\n,1,0", &["data.csv:4", "column `label` is missing"]);
    check("\n3,1,0", "\n-inf,1,0", &["data.csv:4", "column `label` is -inf"]);
    check("3,4,c\n", "3,,c\n", &["data.csv:4", "column `x1` is missing", "`features = []`"]);
    check("3,4,c\n", "3,4\n", &["data.csv:4", "expected 6 fields, found 5"]);
    check(DATA, "", &["data.csv", "the file is empty"]);
    check(DATA, "label,x0\n", &["data.csv", "no rows"]);

    let error = with("label,w,part,x0,x1\n1,1,0,1,2\n", SEARCH);
    assert!(error.contains("1 row cannot be split into 2 folds: give more rows"), "{error}");
    let folds = SEARCH.replace("num_folds = 2", "fold_col = \"part\"\nnum_folds = 2");
    let error = with(&DATA.replace("2,1,1,2", "2,1,5,2"), &folds);
    for part in ["column `part` has 3 different values, expected 2", "correct num_folds, or leave it out"] {
        assert!(error.contains(part), "{error}");
    }
    let folds = SEARCH.replace("num_folds = 2", "fold_col = \"part\"");
    let error = with("label,w,part,x0,x1\n1,1,a,1,2\n2,1,a,2,3\n", &folds);
    assert!(error.contains("column `part` has 1 different values in 2 rows, expected at least 2"), "{error}");
    let weights = SEARCH.replace("label = ", "weight = \"w\"\nlabel = ");
    let error = with(&DATA.replacen("4,2,1", "4,inf,1", 1), &weights);
    assert!(error.contains("data.csv:5: column `w` is inf"), "{error}");
}

#[test]
fn fit_takes_no_grid() {
    let scene = Scene::new(SEARCH);
    let error = scene.fail(&["fit", "search.toml", "--model", "model.json"]);
    assert!(error.contains("search.toml:11") && error.contains("luthier tune"), "{error}");
    let scene = Scene::new(&SEARCH.replace("[grid]\n\"shift.by\" = [2.0, 0.5, 1]", ""));
    let error = scene.fail(&["fit", "search.toml", "--model", "model.json"]);
    assert!(error.contains("search.toml:9: stage `shift`") && error.contains("`by` is required"), "{error}");
    let error =
        Scene::new(&SEARCH.replace("[grid]\n\"shift.by\" = [2.0, 0.5, 1]", "by = 1\nlabel_col = \"lab\""))
            .fail(&["fit", "search.toml", "--model", "model.json"]);
    assert!(error.contains("search.toml:9: stage `shift`: unknown column `lab`"), "{error}");
}

#[test]
fn a_file_that_is_no_model_is_said_to_be_none() {
    let scene = Scene::new(SEARCH);
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    for file in ["data.csv", "search.toml", "out/results.json", "out/events.json"] {
        let error = scene.fail(&["inspect", file]);
        assert!(error.contains(file) && error.contains("this is not a saved model"), "{error}");
    }
}
