//! Which columns a configuration selects, and that no feature is made of a label.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use luthier::core::Value;
use luthier::prelude::*;
use tempfile::TempDir;

/// 24 rows: `y = 2·xa − xb`, up to what `kind` adds.
fn rows() -> String {
    let mut text = "id,xa,xb,name,kind,part,y\n".to_owned();
    for i in 0..24 {
        let (a, b) = (f64::from(i % 7), f64::from(i * i % 5));
        let kind = ["red", "green", "blue"][i as usize % 3];
        let part = ["k7", "k9"][i as usize % 2];
        text += &format!("{i},{a},{b},n{i},{kind},{part},{}\n", 2.0 * a - b + f64::from(i % 3));
    }
    text
}

/// Runs `luthier fit`, or `luthier tune`, on these rows; gives the model or the error.
fn run(command: &str, config: &str) -> (TempDir, Result<PipelineModel, String>) {
    run_on(&rows(), command, config)
}

fn run_on(rows: &str, command: &str, config: &str) -> (TempDir, Result<PipelineModel, String>) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("d.csv"), rows).unwrap();
    std::fs::write(folder.path().join("c.toml"), config).unwrap();
    let (flag, target) = if command == "fit" { ("--model", "model.json") } else { ("--out", ".") };
    let output = Command::new(env!("CARGO_BIN_EXE_luthier"))
        .current_dir(&folder)
        .args([command, "c.toml", flag, target])
        .output()
        .unwrap();
    let model = match output.status.success() {
        true => Ok(PipelineModel::load(folder.path().join("model.json")).unwrap()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    };
    (folder, model)
}

fn data(folder: &Path) -> DataFrame {
    DataFrame::read_csv(folder.join("d.csv"), &CsvOptions::new()).unwrap()
}

#[track_caller]
fn refused(config: &str, parts: &[&str]) {
    let error = run("fit", config).1.unwrap_err();
    parts.iter().for_each(|part| assert!(error.contains(part), "no {part:?} in {error}"));
}

/// The names of the features in front of the last stage.
#[track_caller]
fn features(config: &str) -> Vec<String> {
    let (folder, model) = run("fit", config);
    let behind = model.unwrap().transform(&data(folder.path())).unwrap();
    behind.schema().require("features").unwrap().feature_names().unwrap()
}

fn with(data: &str, stages: &str) -> String {
    format!(
        "[data]\npath = \"d.csv\"\nlabel = \"y\"\n{data}\n{stages}\n[[stage]]\ntype = \"linear_regression\"\n"
    )
}

const NONE: &str = "features = []";

#[test]
fn a_label_is_no_feature_wherever_it_is_taken() {
    let assembled = |columns: &str| {
        with(NONE, &format!("[[stage]]\ntype = \"vector_assembler\"\ninput_cols = {columns}"))
    };
    refused(
        &with("features = [\"xa\", \"y\"]", ""),
        &["c.toml:4: features", "`y` cannot be a feature, because it is the label"],
    );
    refused(
        &assembled("[\"xa\", \"y\"]"),
        &[
            "c.toml:6: stage `vector_assembler`: the column `y` cannot be a feature, because it is the label",
            "stage `linear_regression` predicts",
        ],
    );
    let transformer = |inner: &str| with(NONE, &format!("[[stage]]\ntype = \"column_transformer\"\n{inner}"));
    refused(
        &transformer("passthrough = [\"xa\", \"y\"]"),
        &["c.toml:7: ", "`y` cannot be a feature, because it is the label"],
    );
    refused(
        &transformer(
            "[[stage.part]]\nname = \"all\"\ncolumns = [\"xa\", \"y\"]\nstage = [{ type = \"imputer\" }]",
        ),
        &["c.toml:9: ", "part `column_transformer.all`", "`y` cannot be a feature, because it is the label"],
    );
    // Through other stages, and not by its own name.
    let imputed = "[[stage]]\ntype = \"imputer\"\ninput_cols = [\"xa\", \"y\"]\noutput_cols = [\"a\", \"b\"]\n\
                   [[stage]]\ntype = \"vector_assembler\"\ninput_cols = [\"a\", \"b\"]";
    refused(
        &with(NONE, imputed),
        &[
            "stage `imputer`: the column `y` cannot be a feature, because it is the label",
            "`features`, which is computed from it",
        ],
    );
    // Of lists of one length each output is made of its own input.
    let paired = imputed.replace("input_cols = [\"a\", \"b\"]", "input_cols = [\"a\"]");
    assert_eq!(features(&with(NONE, &paired)), ["xa"]);
    // What a label is made of tells it.
    let made = "[[stage]]\ntype = \"binarizer\"\ninput_col = \"y\"\noutput_col = \"high\"\n\
                [[stage]]\ntype = \"vector_assembler\"\ninput_cols = [\"xa\", \"y\"]\n\
                [[stage]]\ntype = \"logistic_regression\"\nlabel_col = \"high\"\n";
    refused(
        &format!("[data]\npath = \"d.csv\"\n{NONE}\n{made}"),
        &["`y` cannot be a feature, because it is the source of the label `high`"],
    );
}

#[test]
fn globs_and_exclusions_mean_the_same_everywhere() {
    let transformer = |columns: &str| {
        with(NONE, &format!("[[stage]]\ntype = \"column_transformer\"\npassthrough = {columns}"))
    };
    let assembler = |columns: &str| {
        with(NONE, &format!("[[stage]]\ntype = \"vector_assembler\"\ninput_cols = {columns}"))
    };
    for of in [
        &(|columns: &str| with(&format!("features = {columns}"), "")) as &dyn Fn(&str) -> String,
        &transformer,
        &assembler,
    ] {
        let names = |columns: &str| -> Vec<String> {
            let (folder, model) = run("fit", &of(columns));
            let model = model.unwrap_or_else(|error| panic!("{columns}: {error}"));
            let inputs = model.inputs().unwrap().names().map(str::to_owned).collect::<Vec<_>>();
            match inputs.as_slice() {
                [one] if one == "features" => {
                    let text = std::fs::read_to_string(folder.path().join("model.json")).unwrap();
                    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
                    serde_json::from_value(document["inputs"]["features"].clone()).unwrap()
                }
                _ => inputs,
            }
        };
        assert_eq!(names(r#"["x*"]"#), ["xa", "xb"]);
        assert_eq!(names(r#"["*", "!id"]"#), ["xa", "xb"]);
        assert_eq!(names(r#"["!id"]"#), ["xa", "xb"]);
        assert_eq!(names(r#"["*", "!x?"]"#), ["id"]);
        assert_eq!(names(r#"["x[b]"]"#), ["xb"]);
        let error = |columns: &str| run("fit", &of(columns)).1.unwrap_err();
        assert!(error(r#"["z*"]"#).contains("the glob `z*` matches no"), "{}", error(r#"["z*"]"#));
        assert!(error(r#"["!idd"]"#).contains("did you mean `id`"), "{}", error(r#"["!idd"]"#));
    }
    assert_eq!(
        features(&with(
            "features = []\nexclude = [\"i*\"]",
            "[[stage]]\ntype = \"column_transformer\"\npassthrough = \"*\""
        )),
        ["xa", "xb"]
    );
    refused(
        &with("features = [\"id\"]\nexclude = [\"id\"]", ""),
        &["`id` cannot be a feature, because it is excluded by [data]"],
    );
    refused(&with("exclude = [\"iid\"]", ""), &["c.toml:4: ", "unknown column `iid`", "did you mean `id`"]);
}

#[test]
fn a_glob_names_the_outputs_as_well() {
    let stages = "[[stage]]\ntype = \"imputer\"\ninput_cols = [\"*\", \"!id\"]\noutput_cols = [\"*_filled\"]\n\
                  [[stage]]\ntype = \"vector_assembler\"\ninput_cols = [\"*_filled\"]";
    assert_eq!(features(&with(NONE, stages)), ["xa", "xb"]);
    let (_, model) = run("fit", &with(NONE, stages));
    let model = model.unwrap();
    let params = model.stage_by_name("imputer").unwrap().values();
    let outputs = params.iter().find(|(name, _)| *name == "output_cols").unwrap().1.clone();
    assert_eq!(outputs, Value::from(vec!["xa_filled".to_owned(), "xb_filled".to_owned()]));
}

#[test]
fn categories_are_indicators_beside_the_numbers() {
    let config = with("exclude = [\"id\"]\ncategories = [\"kind\"]", "");
    assert_eq!(features(&config), ["kind=blue", "kind=green", "kind=red", "xa", "xb"]);
    let (folder, model) = run("fit", &config);
    let model = model.unwrap();
    assert_eq!(model.inputs().unwrap().to_string(), "xa: i64, xb: i64, kind: utf8");
    // `y` is exactly a function of them.
    let frame = data(folder.path());
    let predicted = model.transform(&frame).unwrap().column_f64("prediction").unwrap();
    for (predicted, y) in predicted.iter().zip(frame.column_f64("y").unwrap()) {
        assert!((predicted - y).abs() < 1e-6, "{predicted} {y}");
    }
    // A number among them is a code; a text named among the features is one of them.
    let config = with("features = [\"xa\", \"kind\"]\ncategories = [\"kind\", \"xb\"]", "");
    let names = features(&config);
    assert_eq!(names.iter().filter(|name| name.starts_with("xb=")).count(), 3);
    assert_eq!(names.last().map(String::as_str), Some("xa"));
    refused(
        &with("categories = [\"y\"]", ""),
        &["c.toml:4: categories: the column `y` cannot be a feature, because it is the label"],
    );
    refused(&with("categories = [\"kindd\"]", ""), &["c.toml:4: ", "did you mean `kind`"]);
    // Blocks that lack a category are no error: an unknown one has no indicator.
    let grid = "[grid]\n\"linear_regression.reg_param\" = [0.1, 1.0]\n[search]\nmethod = \"cross_validator\"\nnum_folds = 8\n";
    let (_, tuned) = run("tune", &(with("categories = [\"name\"]\nfeatures = [\"x*\"]", "") + grid));
    assert!(tuned.is_ok(), "{tuned:?}");
}

#[test]
fn a_glob_of_categories_takes_dates() {
    let rows = "day,x,y\n2024-02-28,0.5,1\n2024-02-29,1.5,2\n2024-02-28,2.5,2\n2024-02-29,0.1,4\n";
    let (folder, model) = run_on(rows, "fit", &with("categories = [\"*\"]", ""));
    let behind = model.unwrap().transform(&data(folder.path())).unwrap();
    let names = behind.schema().require("features").unwrap().feature_names().unwrap();
    assert_eq!(names, ["day=2024-02-28", "day=2024-02-29", "x"]);
}

#[test]
fn predictions_are_scored_whatever_they_are_called() {
    let stage = "[[stage]]\ntype = \"linear_regression\"\nfeatures_col = \"x\"\nprediction_col = \"guess\"\n";
    let config = format!(
        "[data]\npath = \"d.csv\"\nfeatures = []\n[[stage]]\ntype = \"vector_assembler\"\ninput_cols = [\"x*\"]\n\
         output_col = \"x\"\n{stage}label_col = \"y\"\n[grid]\n\"linear_regression.reg_param\" = [0.0, 1.0]\n[search]\n\
         method = \"cross_validator\"\n[evaluator]\ntype = \"regression\"\nmetric = \"r2\"\n"
    );
    let (folder, model) = run("tune", &config);
    assert!(model.is_ok(), "{model:?}");
    let output = Command::new(env!("CARGO_BIN_EXE_luthier"))
        .current_dir(&folder)
        .args(["evaluate", "model.json", "d.csv", "--metric", "r2"])
        .output()
        .unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("r2"), "{table}{}", String::from_utf8_lossy(&output.stderr));
}
