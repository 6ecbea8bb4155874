//! The program itself on real data: `examples/diabetes.toml`.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use luthier::frame::{CsvOptions, DataFrame};
use serde_json::Value;
use tempfile::TempDir;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn luthier(arguments: &[&str], threads: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_luthier"));
    command.args(arguments).env("RAYON_NUM_THREADS", threads).output().unwrap()
}

#[track_caller]
fn succeed(arguments: &[&str]) -> String {
    let output = luthier(arguments, "2");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn fail(arguments: &[&str]) -> String {
    let output = luthier(arguments, "2");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

/// A directory with the example's configuration, some of it replaced.
struct Scene {
    directory: TempDir,
}

impl Scene {
    #[track_caller]
    fn new(changes: &[(&str, &str)]) -> Self {
        let scene = Self { directory: tempfile::tempdir().unwrap() };
        let mut config = std::fs::read_to_string(examples().join("diabetes.toml")).unwrap();
        let data = examples().join("data/diabetes.csv").canonicalize().unwrap();
        config = config.replace("data/diabetes.csv", data.to_str().unwrap());
        for (from, to) in changes {
            assert!(config.contains(from), "{from}");
            config = config.replace(from, to);
        }
        std::fs::write(scene.directory.path().join("search.toml"), config).unwrap();
        scene
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn tune(&self, more: &[&str], threads: &str) -> Value {
        let (config, out) = (self.path("search.toml"), self.path("out"));
        let arguments: Vec<&str> = ["tune", &config, "--out", &out].iter().chain(more).copied().collect();
        let output = luthier(&arguments, threads);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.json("out/results.json")
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }
}

fn means(results: &Value) -> Vec<f64> {
    let candidates = results["candidates"].as_array().unwrap();
    candidates.iter().map(|candidate| candidate["mean"].as_f64().unwrap()).collect()
}

#[track_caller]
fn assert_close(a: &[f64], b: &[f64], relative: f64) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= relative * b.abs().max(1e-300), "{a} is not {b}");
    }
}

fn without_times(mut results: Value) -> String {
    for key in ["search_seconds", "load_seconds"] {
        results[key] = Value::Null;
    }
    for candidate in results["candidates"].as_array_mut().unwrap() {
        for fold in candidate["folds"].as_array_mut().unwrap() {
            fold["fit_seconds"] = Value::Null;
            fold["score_seconds"] = Value::Null;
        }
    }
    results.to_string()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn diabetes() -> DataFrame {
    DataFrame::read_csv(examples().join("data/diabetes.csv"), &CsvOptions::new()).unwrap()
}

fn features(frame: &DataFrame) -> Vec<Vec<f64>> {
    (0..10).map(|column| frame.column_f64(&format!("x{column}")).unwrap()).collect()
}

#[test]
fn the_main_job() {
    let scene = Scene::new(&[]);
    let results = scene.tune(&[], "2");
    assert_eq!(results["metric"], "rmse");
    assert_eq!(results["candidates"].as_array().unwrap().len(), 16);
    assert_eq!(results["candidates"][1]["params"].to_string(), r#"{"pca.k":2,"lr.reg_param":0.003}"#);
    assert_eq!(results["work"]["rows_read"], 442);
    let best = results["best"].as_u64().unwrap() as usize;
    let means = means(&results);
    assert!(means.iter().all(|&mean| mean >= means[best] && mean > 40.0 && mean < 80.0), "{means:?}");

    // The predictions are what the state of the model says.
    let model = scene.path("out/model.json");
    let stages: Value = serde_json::from_str(&succeed(&["inspect", &model, "--json"])).unwrap();
    let stages = stages["stages"].as_array().unwrap();
    let names: Vec<&str> = stages.iter().map(|stage| stage["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["pca", "lr"]);
    let components: Vec<Vec<f64>> =
        stages[0]["state"]["components"].as_array().unwrap().iter().map(floats).collect();
    let coefficients = floats(&stages[1]["state"]["coefficients"]);
    let intercept = stages[1]["state"]["intercept"].as_f64().unwrap();
    assert_eq!(components.len(), 10);
    assert_eq!(floats(&stages[0]["state"]["explained_variance"]).len(), coefficients.len());
    let (data, out) = (examples().join("data/diabetes.csv"), scene.path("p.parquet"));
    succeed(&["predict", &model, data.to_str().unwrap(), "--out", &out]);
    let predicted = DataFrame::read_parquet(&out).unwrap();
    let columns = features(&diabetes());
    let weights: Vec<f64> =
        components.iter().map(|row| row.iter().zip(&coefficients).map(|(v, b)| v * b).sum()).collect();
    let expected: Vec<f64> = (0..442)
        .map(|row| intercept + columns.iter().zip(&weights).map(|(column, w)| column[row] * w).sum::<f64>())
        .collect();
    assert_close(&predicted.column_f64("prediction").unwrap(), &expected, 1e-9);

    let text = succeed(&["inspect", &model]);
    assert!(text.contains("stage lr (linear_regression)") && text.contains("  x9"), "{text}");
    assert!(text.contains("  pc1 "), "coefficients are named after the components: {text}");
}

#[test]
fn nothing_but_times_depends_on_who_runs_it() {
    let scene = Scene::new(&[]);
    let reference = without_times(scene.tune(&["--executor", "serial"], "1"));
    let runs =
        [("rayon", "2", "1"), ("rayon", "8", "3"), ("thread_pool", "1", "2"), ("thread_pool", "auto", "3")];
    for (executor, parallelism, threads) in runs {
        let results = scene.tune(&["--executor", executor, "--parallelism", parallelism], threads);
        assert_eq!(without_times(results), reference, "{executor} {parallelism} {threads}");
    }
}

#[test]
fn partitions_and_sharing_change_no_metric() {
    let reference = means(&Scene::new(&[]).tune(&[], "2"));
    for partitions in ["1", "5"] {
        let to = format!("partitions = {partitions}");
        assert_close(&means(&Scene::new(&[("partitions = 2", &to)]).tune(&[], "2")), &reference, 1e-12);
    }
    let off = Scene::new(&[("parallelism = 3", "parallelism = 3\nsharing = false")]);
    assert_close(&means(&off.tune(&[], "2")), &reference, 1e-9);
}

#[test]
fn a_fit_leaves_residuals_that_no_feature_explains() {
    let scene = Scene::new(&[]);
    let config = format!(
        "[data]\npath = {:?}\nlabel = \"label\"\nfeatures = [\"x*\"]\n[[stage]]\ntype = \"linear_regression\"\n",
        examples().join("data/diabetes.csv").canonicalize().unwrap()
    );
    std::fs::write(scene.path("search.toml"), config).unwrap();
    let (model, data) = (scene.path("m.json"), examples().join("data/diabetes.csv"));
    succeed(&["fit", &scene.path("search.toml"), "--model", &model]);
    succeed(&["predict", &model, data.to_str().unwrap(), "--out", &scene.path("p.csv")]);
    let predicted = DataFrame::read_csv(scene.path("p.csv"), &CsvOptions::new()).unwrap();
    let (label, prediction) =
        (predicted.column_f64("label").unwrap(), predicted.column_f64("prediction").unwrap());
    let residuals: Vec<f64> = label.iter().zip(&prediction).map(|(l, p)| l - p).collect();
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    for column in features(&predicted).iter().chain([&vec![1.0; 442]]) {
        let product: f64 = column.iter().zip(&residuals).map(|(x, r)| x * r).sum();
        assert!(product.abs() < 1e-9 * norm(column) * norm(&residuals), "{product}");
    }
    let stages: Value = serde_json::from_str(&succeed(&["inspect", &model, "--json"])).unwrap();
    assert_eq!(floats(&stages["stages"][0]["state"]["coefficients"]).len(), 10);
    assert_eq!(stages["inputs"]["num_features"], 10);

    let text = succeed(&["inspect", &model]);
    let errors = floats(&stages["stages"][0]["state"]["standard_errors"]);
    assert_eq!(errors.len(), 11);
    let last = text
        .lines()
        .rfind(|line| line.trim_start().starts_with("intercept ") && !line.contains('='))
        .unwrap();
    let shown: f64 = last.split_whitespace().nth(2).unwrap().parse().unwrap();
    assert!((shown - errors[10]).abs() < 1e-4 * errors[10], "{text}");
}

#[test]
fn unknown_names_do_not_advise_to_link_a_crate() {
    let error = fail(&["tune", &Scene::new(&[("type = \"pca\"", "type = \"pcb\"")]).path("search.toml")]);
    assert!(error.contains("did you mean `pca`") && !error.contains("use the_crate"), "{error}");
    let error = fail(&["stages", "pcb"]);
    assert!(error.contains("did you mean `pca`") && !error.contains("use the_crate"), "{error}");
}

#[test]
fn more_components_than_features_are_refused_before_any_fit() {
    let scene = Scene::new(&[("[2, 4, 6, 8]", "[2, 11]")]);
    let error = fail(&["tune", &scene.path("search.toml"), "--out", &scene.path("out")]);
    assert!(error.contains("pca") && error.contains("11") && error.contains("10"), "{error}");
    assert!(!Path::new(&scene.path("out/results.json")).exists());
}

#[test]
fn a_feature_that_is_not_a_number_has_its_line() {
    let scene = Scene::new(&[]);
    let data = std::fs::read_to_string(examples().join("data/diabetes.csv")).unwrap();
    let lines: Vec<String> = data
        .lines()
        .enumerate()
        .map(|(at, line)| match at {
            19 => format!("{},NaN", line.rsplit_once(',').unwrap().0),
            _ => line.to_owned(),
        })
        .collect();
    std::fs::write(scene.path("nan.csv"), lines.join("\n")).unwrap();
    let config = std::fs::read_to_string(scene.path("search.toml")).unwrap();
    let path = config.lines().find(|line| line.starts_with("path = ")).unwrap();
    // By default such a cell is a missing value; where it is not one of those, it is a number that no stage takes.
    for (null_values, expected) in [("", "column `x9` is missing"), ("\nnull_values = [\"\"]", "NaN")] {
        let data = format!("path = \"nan.csv\"{null_values}");
        std::fs::write(scene.path("search.toml"), config.replace(path, &data)).unwrap();
        let error = fail(&["tune", &scene.path("search.toml")]);
        assert!(error.contains("nan.csv:20: ") && error.contains(expected), "{error}");
    }
}

#[test]
fn the_evaluator_checks_its_metric() {
    let scene = Scene::new(&[("metric = \"rmse\"", "metric = \"rsme\"")]);
    let error = fail(&["tune", &scene.path("search.toml")]);
    assert!(error.contains("search.toml:") && error.contains("did you mean `rmse`"), "{error}");
}

#[test]
fn regression_by_rmse_is_the_default_evaluator() {
    let with = means(&Scene::new(&[]).tune(&[], "2"));
    let without = Scene::new(&[("[evaluator]\ntype = \"regression\"\nmetric = \"rmse\"", "")]);
    let results = without.tune(&[], "2");
    assert_eq!(results["metric"], "rmse");
    assert_eq!(means(&results), with);
}

#[test]
fn the_given_weights_and_folds_are_used() {
    let roles = "label = \"label\"\nweight = \"weight\"\nfold = \"fold\"";
    let cross = "method = \"cross_validator\" # or";
    let scene = Scene::new(&[
        ("label = \"label\"", roles),
        ("method = \"train_validation_split\" # or", cross),
        ("train_ratio = 0.8\n", ""),
        ("[2, 4, 6, 8]", "[10]"),
        ("[0.001, 0.003, 0.01, 0.03]", "[0.0]"),
    ]);
    let weighted = scene.tune(&[], "2");
    assert_eq!(weighted["candidates"][0]["folds"].as_array().unwrap().len(), 3);
    let config = std::fs::read_to_string(scene.path("search.toml")).unwrap();
    let none = config.replace("type = \"regression\"", "type = \"regression\"\nweight_col = \"\"");
    std::fs::write(scene.path("search.toml"), none).unwrap();
    let scored_without = scene.tune(&[], "2");
    // In every fold of this data all weights are equal, so they matter when fitting, not when scoring.
    assert_close(&means(&scored_without), &means(&weighted), 1e-12);
    let none = config.replace("features_col =", "weight_col = \"\"\nfeatures_col =");
    std::fs::write(scene.path("search.toml"), none).unwrap();
    let fitted_without = scene.tune(&[], "2");
    assert!((means(&fitted_without)[0] - means(&weighted)[0]).abs() > 1e-6);
}

#[test]
fn wrong_usage_exits_with_2() {
    assert_eq!(luthier(&["tune"], "1").status.code(), Some(2));
    assert_eq!(luthier(&["tunes"], "1").status.code(), Some(2));
    assert_eq!(luthier(&["tune", "a.toml", "--parallelism", "0"], "1").status.code(), Some(2));
    let help = luthier(&["--help"], "1");
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8(help.stdout).unwrap().contains("luthier predict"));
}
