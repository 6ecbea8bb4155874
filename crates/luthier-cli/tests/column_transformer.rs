//! A column transformer in a configuration is that of Rust.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use luthier::prelude::*;
use luthier::stages::HandleInvalid;
use tempfile::TempDir;

const CONFIG: &str = r#"[data]
path = "churn.csv"
label = "churned"
features = []
[[stage]]
name = "prepare"
type = "column_transformer"
passthrough = "support_calls"
[[stage.part]]
name = "numbers"
columns = ["tenure", "monthly_charge"]
stage = [{ type = "imputer", strategy = "median" }, { type = "standard_scaler", with_mean = true }]
[[stage.part]]
name = "categories"
columns = ["contract", "region"]
[[stage.part.stage]]
type = "string_indexer"
handle_invalid = "keep"
[[stage.part.stage]]
type = "one_hot_encoder"
[[stage]]
name = "lr"
type = "logistic_regression"
"#;

/// Fits a configuration; the error, if there is one.
fn fit(config: &str) -> (TempDir, Option<String>) {
    let folder = TempDir::new().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/churn.csv");
    std::fs::copy(data, folder.path().join("churn.csv")).unwrap();
    std::fs::write(folder.path().join("c.toml"), config).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_luthier"))
        .current_dir(&folder)
        .args(["fit", "c.toml", "--model", "m.json"])
        .output()
        .unwrap();
    let error = (!output.status.success()).then(|| String::from_utf8(output.stderr).unwrap());
    (folder, error)
}

#[test]
fn it_is_the_pipeline_that_rust_writes() {
    let (folder, error) = fit(CONFIG);
    assert_eq!(error, None);
    let model = PipelineModel::load(folder.path().join("m.json")).unwrap();

    let data = DataFrame::read_csv(folder.path().join("churn.csv"), &CsvOptions::new()).unwrap();
    let mut numbers = Pipeline::new();
    numbers.add("imputer", Imputer::new().strategy(ImputerStrategy::Median));
    numbers.add("standard_scaler", StandardScaler::new().with_mean(true));
    let mut categories = Pipeline::new();
    categories.add("string_indexer", StringIndexer::new().handle_invalid(HandleInvalid::Keep));
    categories.add("one_hot_encoder", OneHotEncoder::new());
    let mut pipeline = Pipeline::new();
    let prepare = ColumnTransformer::new()
        .columns("numbers", ["tenure", "monthly_charge"], numbers)
        .columns("categories", ["contract", "region"], categories)
        .passthrough(["support_calls"]);
    pipeline.add("prepare", prepare.build().unwrap());
    pipeline.add("lr", LogisticRegression::new().label_col("churned"));
    let expected = pipeline.fit_frame(&data).unwrap().transform(&data).unwrap();

    let found = model.transform(&data).unwrap();
    assert_eq!(found.schema(), expected.schema());
    assert_eq!(found.vectors("probability").unwrap(), expected.vectors("probability").unwrap());
}

#[test]
fn errors_have_the_line_of_the_part_or_the_stage() {
    let check = |from: &str, to: &str, parts: &[&str]| {
        assert!(CONFIG.contains(from), "{from}");
        let error = fit(&CONFIG.replacen(from, to, 1)).1.unwrap();
        for part in parts {
            assert!(error.contains(part), "no {part:?} in {error}");
        }
    };
    check(
        "\"tenure\"",
        "\"tenur\"",
        &["c.toml:12: stage `prepare.numbers.imputer`", "did you mean `tenure`"],
    );
    check("\"support_calls\"", "\"calls\"", &["c.toml:6: ", "unknown column `calls`"]);
    check("passthrough", "pasthrough", &["c.toml:8: ", "did you mean `passthrough`"]);
    check("columns =", "colums =", &["c.toml:11: ", "did you mean `columns`"]);
    check("with_mean", "wth_mean", &["c.toml:12: ", "did you mean `with_mean`"]);
    check("\"string_indexer\"", "\"string_indxer\"", &["c.toml:17: ", "did you mean `string_indexer`"]);
    check(
        "\"column_transformer\"",
        "\"column_transfomer\"",
        &["c.toml:7: ", "did you mean `column_transformer`"],
    );
    // All types are listed, those of stages that are made of stages too.
    check(
        "\"string_indexer\"",
        "\"no_such\"",
        &["c.toml:17: ", " bucketizer, column_transformer, ", " pipeline, "],
    );
    check(
        "[[stage.part]]",
        "[[part]]",
        &["c.toml:9: ", "`part` belongs to the stage before it: write `[[stage.part]]`"],
    );
    check("handle_invalid = \"keep\"", "output_cols = [\"a\"]", &["c.toml:18: ", "`output_cols` is set by"]);
    check("\"one_hot_encoder\"", "\"linear_regression\"", &["c.toml:20: ", "`categories.linear_regression`"]);
    check("\"categories\"", "\"numbers\"", &["c.toml:14: two stages are named `numbers`"]);
    check("[\"contract\", \"region\"]", "[]", &["c.toml:6: ", "the group `categories` has no columns"]);
    check(
        "\"one_hot_encoder\"",
        "\"column_transformer\"",
        &["c.toml:20: ", "cannot be inside a part of another"],
    );
    check("name = \"categories\"", "", &["c.toml:13: [[part]] has no `name`"]);
    check("\"keep\"", "\"error\"", &["churn.csv:", "c.toml:17: stage `prepare.categories.string_indexer`"]);
}

#[test]
fn stages_tells_how_it_is_written() {
    let told = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_luthier")).args(arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(told(&["stages"]).contains("\ncolumn_transformer "));
    let one = told(&["stages", "column_transformer"]);
    assert!(["[[stage.part]]", "passthrough", "output_col"].iter().all(|part| one.contains(part)), "{one}");
    assert!(one.contains("\"prepare.numbers.imputer.strategy\" is the parameter"), "{one}");
    assert!(told(&["stages", "pipeline"]).contains("[[stage.stage]]"));
    // Tables fit into a line, and every word is still there.
    for name in ["date_parts", "logistic_regression", "linear_regression", "column_transformer"] {
        let table = told(&["stages", name]);
        assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    }
    assert!(told(&["stages"]).lines().all(|line| line.chars().count() <= 100));
    let words = told(&["stages", "date_parts"]).split_whitespace().collect::<Vec<_>>().join(" ");
    for word in ["day_of_week", "is_weekend", "`day_of_week`", "Monday", "days_since"] {
        assert!(words.contains(word), "{words}");
    }
}
