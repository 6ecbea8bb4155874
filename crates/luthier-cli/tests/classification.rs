//! The program on data of classes: the examples as they are.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use luthier::frame::{CsvOptions, DataFrame};
use serde_json::Value;

#[allow(dead_code, unreachable_pub)]
#[path = "../../../examples/churn_data.rs"]
mod churn_data;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

#[track_caller]
fn luthier(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_luthier")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether it did what it was asked for, and all that it said.
fn run(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_luthier")).args(arguments).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

/// Tunes an example into a folder.
fn tune(example: &str) -> (tempfile::TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    let config = examples().join(example);
    luthier(&["tune", config.to_str().unwrap(), "--out", folder.path().to_str().unwrap()]);
    let results = std::fs::read_to_string(folder.path().join("results.json")).unwrap();
    (folder, serde_json::from_str(&results).unwrap())
}

fn best(results: &Value) -> f64 {
    let best = usize::try_from(results["best"].as_u64().unwrap()).unwrap();
    results["candidates"][best]["mean"].as_f64().unwrap()
}

fn read(path: &Path) -> DataFrame {
    DataFrame::read_csv(path, &CsvOptions::new()).unwrap()
}

#[test]
fn the_customers_are_those_that_the_generator_makes() {
    for (name, text) in churn_data::files() {
        let there = std::fs::read_to_string(examples().join("data").join(name)).unwrap();
        assert!(there == text, "{name}: run `cargo run -p luthier --example churn_data -- examples/data`");
    }
}

#[test]
fn from_raw_columns_to_predictions_of_unseen_rows() {
    let (folder, results) = tune("churn.toml");
    assert_eq!(results["candidates"].as_array().unwrap().len(), 10);
    let area = best(&results);
    assert!((0.80..0.83).contains(&area), "{area}");

    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let new = examples().join("data/churn_new.csv");
    let (model, out) = (path("model.json"), path("new.csv"));
    let columns = "region,probability,prediction";
    luthier(&["predict", &model, new.to_str().unwrap(), "--out", &out, "--columns", columns]);
    let predicted = read(Path::new(&out));
    assert_eq!(predicted.num_rows(), 12);
    let regions = predicted.column_utf8("region").unwrap();
    assert!(regions.iter().filter(|region| *region == "Atlantis").count() == 4);
    let chances = predicted.column_f64("probability_1").unwrap();
    for (chance, class) in chances.iter().zip(predicted.column_f64("prediction").unwrap()) {
        assert_eq!(class, f64::from(u8::from(*chance > 0.5)));
    }

    let known = examples().join("data/churn.csv");
    let curves = path("curves");
    let evaluator = ["--curves", &curves];
    let told = luthier(&[&["evaluate", &model, known.to_str().unwrap()][..], &evaluator].concat());
    for metric in ["area_under_roc", "area_under_pr", "average_precision", "log_loss", "brier_score"] {
        assert!(told.contains(metric), "{told}");
    }
    let roc = read(&folder.path().join("curves/roc.csv"));
    let (x, y) =
        (roc.column_f64("false_positive_rate").unwrap(), roc.column_f64("true_positive_rate").unwrap());
    assert_eq!((x[0], y[0], x[x.len() - 1], y[y.len() - 1]), (0.0, 0.0, 1.0, 1.0));
    let area: f64 = (1..x.len()).map(|i| (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2.0).sum();
    assert!(told.contains(&format!("{area:.10}")[..11]), "{area}: {told}");
    let thresholds = read(&folder.path().join("curves/thresholds.csv")).column_f64("threshold").unwrap();
    assert!(thresholds.iter().all(|p| (0.0..=1.0).contains(p)), "probabilities");
    assert!(read(&folder.path().join("curves/calibration.csv")).num_rows() > 3);
    assert!(read(&folder.path().join("curves/pr.csv")).num_rows() > 100);

    let shown = luthier(&["inspect", &model]);
    assert!(shown.contains("contract=monthly") && shown.contains("tenure"), "{shown}");
}

#[test]
fn two_classes_of_numbers() {
    let (folder, results) = tune("breast_cancer.toml");
    assert!(best(&results) > 0.9957, "{}", best(&results));
    let model = folder.path().join("model.json");
    let data = examples().join("data/breast_cancer.csv");
    let told = luthier(&[
        "evaluate",
        model.to_str().unwrap(),
        data.to_str().unwrap(),
        "--evaluator",
        "binary_classification",
        "--metric",
        "log_loss",
        "--set",
        "weight_col=weight",
    ]);
    assert!(told.contains("log_loss") && told.contains("smaller") && !told.contains("area"), "{told}");
}

#[test]
fn three_classes() {
    let (folder, results) = tune("iris.toml");
    assert!(best(&results) < 0.07, "{}", best(&results));
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let model = path("model.json");
    let shown = luthier(&["inspect", &model]);
    assert!(shown.contains("multinomial = true"), "{shown}");
    let coefficients = shown.split("coefficients: 4 x 3").nth(1).unwrap();
    assert!(coefficients.contains("versicolor") && coefficients.contains("petal_width"), "{shown}");

    // With as many features as classes it is still the classes that have intercepts. Their coefficients add up to 0.
    let known = examples().join("data/iris.csv");
    let text = std::fs::read_to_string(examples().join("iris.toml")).unwrap();
    let text = text.replace("data/iris.csv", known.to_str().unwrap());
    let three = text
        .replace("[\"sepal_*\", \"petal_*\"]", "[\"sepal_*\", \"petal_length\"]")
        .replace("[0.0, 0.5, 1.0]", "[0.0]");
    std::fs::write(path("three.toml"), three).unwrap();
    luthier(&["tune", &path("three.toml"), "--out", &path("three")]);
    let shown = luthier(&["inspect", &path("three/model.json")]);
    assert!(!shown.split("coefficients: 3 x 3").next().unwrap().contains("petal_length  "), "{shown}");
    let coefficients = shown.split("coefficients: 3 x 3").nth(1).unwrap();
    let of_petals = coefficients.lines().find(|line| line.trim().starts_with("petal_length")).unwrap();
    let sum: f64 = of_petals.split_whitespace().skip(1).map(|x| x.parse::<f64>().unwrap()).sum();
    assert!(sum.abs() < 1e-4, "{shown}");

    // Rows to predict have no species; rows to evaluate on do.
    let (new, out) = (path("new.csv"), path("out.csv"));
    let rows = read(&known);
    rows.drop(&["species"]).unwrap().write_csv(&new).unwrap();
    luthier(&["predict", &model, &new, "--out", &out]);
    let predicted = read(Path::new(&out));
    assert!(predicted.schema().field("class").is_none());
    let species = rows.column_utf8("species").unwrap();
    let right = predicted.column_utf8("predicted_species").unwrap();
    let right = right.iter().zip(&species).filter(|(predicted, species)| predicted == species).count();
    assert!(right > 140, "{right}");
    let blank = rows.drop(&["species"]).unwrap();
    let blank = blank.with_column("species", luthier::frame::Column::utf8((0..150).map(|_| "?"))).unwrap();
    blank.write_csv(path("blank.csv")).unwrap();
    luthier(&["predict", &model, &path("blank.csv"), "--out", &path("same.csv")]);
    let same = read(Path::new(&path("same.csv")));
    assert_eq!(
        same.column_utf8("predicted_species").unwrap(),
        predicted.column_utf8("predicted_species").unwrap()
    );

    let told = luthier(&["evaluate", &model, known.to_str().unwrap(), "--metric", "accuracy"]);
    assert!(told.contains(&(right as f64 / 150.0).to_string()), "{right}: {told}");
    let (done, told) = run(&["evaluate", &model, &new]);
    assert!(!done && told.contains("no column `species`"), "{told}");

    // Text where numbers are asked for says what to do.
    let text = text.replace("label_col = \"class\"\n", "");
    std::fs::write(path("text.toml"), text).unwrap();
    let (done, told) = run(&["tune", &path("text.toml")]);
    assert!(!done && told.contains("the label `species` is text"), "{told}");
    assert!(told.contains("`input_cols = [\"species\"]` and `output_cols = [\"class\"]`"), "{told}");
    assert!(told.contains("`label_col = \"class\"` in the stage `lr` and in every evaluator"), "{told}");
}

#[test]
fn wrong_usage_says_what_is_wrong() {
    let fail = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_luthier")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let (folder, _) = tune("iris.toml");
    let model = folder.path().join("model.json");
    let data = examples().join("data/iris.csv");
    let run = |more: &[&str]| {
        fail(&[&["evaluate", model.to_str().unwrap(), data.to_str().unwrap()][..], more].concat())
    };
    assert!(run(&["--evaluator", "binary"]).contains("binary_classification"));
    assert!(run(&["--curves", "x"]).contains("two classes only"));
    assert!(run(&["--evaluator", "regression", "--metric", "rsme"]).contains("rmse"));
    assert!(run(&["--metric", "log_los"]).contains("log_loss"));
    assert!(run(&["--set", "weight_col"]).contains("NAME=VALUE"));
    assert!(run(&["--set", "wight_col=w"]).contains("weight_col"));
    let told = run(&["--label", "clas"]);
    assert!(told.contains("--label") && told.contains("did you mean `class`"), "{told}");
}

#[test]
fn skipped_rows_are_told_and_stages_are_called_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let config = |handle_invalid: &str, evaluator: &str| {
        let text = std::fs::read_to_string(examples().join("churn.toml")).unwrap();
        let data = examples().join("data/churn.csv").canonicalize().unwrap();
        let text = text
            .replace("data/churn.csv", data.to_str().unwrap())
            .replace("\"keep\"", &format!("{handle_invalid:?}"))
            .replace(
                "[evaluator]\ntype = \"binary_classification\"\nmetric = \"area_under_roc\"\n",
                evaluator,
            );
        std::fs::write(folder.path().join("search.toml"), text).unwrap();
    };
    let evaluator = "[evaluator]\ntype = \"binary_classification\"\n";
    config("skip", evaluator);
    luthier(&["tune", &path("search.toml"), "--out", &path("out")]);
    let new = examples().join("data/churn_new.csv");
    let told =
        luthier(&["predict", &path("out/model.json"), new.to_str().unwrap(), "--out", &path("new.csv")]);
    assert!(told.contains("of 12 rows are left out"), "{told}");
    let (done, told) =
        run(&["predict", &path("out/model.json"), &path("new.csv"), "--out", &path("new.csv")]);
    assert!(!done && told.contains("this would overwrite the data"), "{told}");
    let (done, told) = run(&["evaluate", &path("out/model.json"), new.to_str().unwrap()]);
    assert!(!done && told.contains("--label"), "{told}");

    config("error", evaluator);
    let (done, told) = run(&["tune", &path("search.toml")]);
    assert!(!done && told.contains("stage `index`") && told.contains("handle_invalid"), "{told}");
    config("keep", "");
    let (done, told) = run(&["tune", &path("search.toml")]);
    assert!(!done && told.contains("the configuration has no [evaluator]"), "{told}");
}
