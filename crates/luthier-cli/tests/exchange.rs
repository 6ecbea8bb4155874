//! A grid exchanges stages and leaves them out, and a search says honestly what it found.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

struct Scene(TempDir);

impl Scene {
    fn new(data: &str, config: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("d.csv"), data).unwrap();
        std::fs::write(folder.path().join("c.toml"), config).unwrap();
        Self(folder)
    }

    /// Whether it succeeded, and what it told on standard output and error.
    fn tune(&self) -> (bool, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_luthier"))
            .current_dir(self.0.path())
            .args(["tune", "c.toml", "--out", "out"])
            .output()
            .unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.success(), out, err)
    }

    fn results(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.0.path().join("out/results.json")).unwrap()).unwrap()
    }

    fn has_model(&self) -> bool {
        self.0.path().join("out/model.json").exists()
    }
}

fn numbers() -> String {
    let row = |i: u32| format!("{},{},{},{}\n", i % 7, i * i % 11, i % 5, i % 7 + 2 * (i * i % 11) + i % 3);
    format!("a,b,c,y\n{}", (0..40).map(row).collect::<String>())
}

const PIPELINE: &str = "[data]\npath = \"d.csv\"\nlabel = \"y\"\n\
    [[stage]]\nname = \"front\"\ntype = \"standard_scaler\"\noutput_col = \"front\"\n\
    [[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\nfeatures_col = \"front\"\n\
    [search]\nmethod = \"cross_validator\"\n";

fn params(results: &Value) -> Vec<String> {
    results["candidates"].as_array().unwrap().iter().map(|c| c["params"].to_string()).collect()
}

#[test]
fn a_stage_is_exchanged_or_left_out() {
    let grid = "[grid]\n\"front.type\" = [\"standard_scaler\", \"pca\"]\n\"front.k\" = [1, 2]\n\
        \"front.with_mean\" = [true, false]\n";
    let scene = Scene::new(&numbers(), &format!("{PIPELINE}{grid}"));
    let (done, _, err) = scene.tune();
    assert!(done, "{err}");
    assert_eq!(
        params(&scene.results()),
        [
            r#"{"front.type":"standard_scaler","front.with_mean":true}"#,
            r#"{"front.type":"standard_scaler","front.with_mean":false}"#,
            r#"{"front.type":"pca","front.k":1}"#,
            r#"{"front.type":"pca","front.k":2}"#,
        ]
    );
    let grid = "[grid]\n\"front.enabled\" = [true, false]\n\"front.with_mean\" = [true, false]\n";
    let scene = Scene::new(&numbers(), &format!("{PIPELINE}{grid}"));
    let (done, out, err) = scene.tune();
    assert!(done && out.contains("front.enabled"), "{out}{err}");
    assert_eq!(params(&scene.results()).len(), 3);

    for (grid, parts) in [
        ("\"front.type\" = [\"pcb\"]", ["c.toml:15", "did you mean `pca`?"]),
        ("\"front.type\" = [\"pca\"]\n\"front.k\" = [\"x\"]", ["c.toml:16", "`front.k` = \"x\""]),
        ("\"front.type\" = [\"pca\"]\n\"front.kk\" = [1]", ["c.toml:16", "no parameter `kk`"]),
        ("\"front.enabled\" = [\"no\"]", ["c.toml:15", "expected true or false"]),
    ] {
        let (done, _, err) = Scene::new(&numbers(), &format!("{PIPELINE}[grid]\n{grid}\n")).tune();
        assert!(!done && parts.iter().all(|part| err.contains(part)), "{grid}: {err}");
    }
}

#[test]
fn a_candidate_whose_stages_do_not_suit_each_other_is_a_row() {
    let tune = |grid: &str| Scene::new(&numbers(), &format!("{PIPELINE}[grid]\n{grid}\n"));
    for (grid, failed, why) in [
        ("\"lr.enabled\" = [true, false]", 1, "unknown column `prediction`"),
        (
            "\"front.type\" = [\"string_indexer\", \"min_max_scaler\"]",
            0,
            "parameter `input_cols` is required",
        ),
        ("\"front.type\" = [\"standard_scaler\", \"pca\"]\n\"front.k\" = [2, 11]", 2, "k = 11, but column"),
        ("\"lr.type\" = [\"min_max_scaler\", \"linear_regression\"]", 0, "unknown column `prediction`"),
    ] {
        let scene = tune(grid);
        let (done, _, err) = scene.tune();
        assert!(done && scene.has_model() && err.contains(why), "{grid}: {err}");
        let results = scene.results();
        for (index, candidate) in results["candidates"].as_array().unwrap().iter().enumerate() {
            let error = candidate["folds"][0]["error"]["message"].as_str();
            assert_eq!(error.is_some_and(|error| error.contains(why)), index == failed, "{candidate}");
            assert_eq!(candidate["mean"].is_f64(), index != failed, "{candidate}");
        }
    }
    // If no candidate can be, the first says why.
    let (done, _, err) = tune("\"lr.enabled\" = [false]").tune();
    assert!(
        !done && err.contains("candidate 0 (lr.enabled = false): ") && err.contains("`prediction`"),
        "{err}"
    );
}

#[test]
fn a_metric_that_is_defined_on_no_fold_leaves_no_model() {
    let rows: String = (0..6).map(|i| format!("{i},{},{i}\n", i * i)).collect();
    let config = "[data]\npath = \"d.csv\"\nlabel = \"y\"\nfeatures = [\"x\"]\nfold = \"f\"\n\
        [[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\n\
        [search]\nmethod = \"cross_validator\"\nfold_col = \"f\"\n\
        [evaluator]\ntype = \"regression\"\nmetric = \"r2\"\n[grid]\n\"lr.reg_param\" = [0.01, 0.1]\n";
    let scene = Scene::new(&format!("x,y,f\n{rows}"), config);
    let (done, out, err) = scene.tune();
    assert!(!done && !out.contains("best:") && !scene.has_model(), "{out}");
    let expected = "no candidate has a metric: r2 is not defined (NaN) on any of the 6 folds (1 row each): it needs at \
        least two rows with different labels";
    assert!(err.contains(expected), "{err}");
    assert_eq!(scene.results()["best"], Value::Null);
}

/// Rows of three classes; all rows of class 2 are in fold 0.
fn rare() -> String {
    let row = |i: u32| {
        let class = if i < 3 { 2 } else { u32::from(i % 5 > 2) };
        format!("{},{class},{}\n", i % 5 + class, if i < 3 { 0 } else { i % 3 })
    };
    format!("x,y,f\n{}", (0..30).map(row).collect::<String>())
}

#[test]
fn a_class_of_one_fold_is_named_and_the_other_folds_have_their_scores() {
    let config = "[data]\npath = \"d.csv\"\nlabel = \"y\"\nfeatures = [\"x\"]\nfold = \"f\"\n\
        [[stage]]\nname = \"lr\"\ntype = \"logistic_regression\"\n\
        [search]\nmethod = \"cross_validator\"\nfold_col = \"f\"\n\
        [evaluator]\ntype = \"multiclass_classification\"\nmetric = \"METRIC\"\n\
        [grid]\n\"lr.reg_param\" = [0.01, 0.1]\n";
    let note = "the training rows of fold 0 have no class 2: use fewer folds, or `stratify` by the classes";
    let scene = Scene::new(&rare(), &config.replace("METRIC", "accuracy"));
    let (done, _, err) = scene.tune();
    assert!(done && err.contains(note), "{err}");

    let scene = Scene::new(&rare(), &config.replace("METRIC", "log_loss"));
    let (done, out, err) = scene.tune();
    assert!(done && err.contains(note) && scene.has_model(), "{err}");
    let why = "fold 0: log_loss is not defined: the training rows have no class 2";
    assert!(err.contains(&format!("{why}; the means are over the other 2 folds")), "{err}");
    assert!(out.contains("2 of 3") && out.contains("fold 1") && out.contains(why), "{out}");
    assert!(out.contains("(smallest, mean over 2 of 3 folds)"), "{out}");
    let results = scene.results();
    let best = &results["candidates"][results["best"].as_u64().unwrap() as usize];
    let folds = [0, 1, 2].map(|fold| best["folds"][fold]["metric"].as_f64());
    assert_eq!(folds[0], None);
    assert_eq!(best["mean"].as_f64(), Some((folds[1].unwrap() + folds[2].unwrap()) / 2.0));
    assert_eq!(best["folds"][0]["error"], Value::Null);
    assert_eq!(best["folds"][0]["undefined"], why.split_once(": ").unwrap().1);
}

/// A label in which the rows of `rare` are all in fold 0, coded by `name`, and a stage in front that may index it.
fn coded(name: impl Fn(u32) -> &'static str, classes: u32, rare: u32) -> String {
    let row = |i: u32| {
        let class = i % classes;
        let fold = if class == rare { 0 } else { i / classes % 3 };
        format!("{},{},{fold}\n", i * 7 % 5 + class, name(class))
    };
    format!("x,y,f\n{}", (0..36).map(row).collect::<String>())
}

#[test]
fn whatever_the_classes_are_called_the_search_goes_on_and_names_the_one_that_is_missing() {
    let config = |label: &str, stage: &str, label_col: &str, evaluator: &str, metric: &str| {
        format!(
            "[data]\npath = \"d.csv\"\n{label}features = [\"x\"]\nfold = \"f\"\n{stage}\
             [[stage]]\nname = \"lr\"\ntype = \"logistic_regression\"\nreg_param = 0.1\n{label_col}\
             [search]\nmethod = \"cross_validator\"\nfold_col = \"f\"\n\
             [evaluator]\ntype = \"{evaluator}\"\nmetric = \"{metric}\"\n"
        )
    };
    let indexer = |handle: &str| {
        format!(
            "[[stage]]\nname = \"index\"\ntype = \"string_indexer\"\ninput_cols = [\"y\"]\noutput_cols = \
             [\"label\"]\nhandle_invalid = \"{handle}\"\n"
        )
    };
    let names: [[&'static str; 3]; 5] =
        [["0", "1", "2"], ["1", "2", "3"], ["-1", "1", ""], ["a", "b", "c"], ["no", "yes", ""]];
    let is_text = |names: [&str; 3]| names[0].parse::<f64>().is_err();
    let mut tried = 0;
    for names in names {
        for classes in if names[2].is_empty() { 2..3 } else { 2..4 } {
            for rare in 0..classes {
                let data = coded(|class| names[class as usize], classes, rare);
                let (evaluator, metrics) = match classes {
                    2 => ("binary_classification", ["log_loss", "brier_score"]),
                    _ => ("multiclass_classification", ["log_loss", "accuracy"]),
                };
                for metric in metrics {
                    for handle in if is_text(names) { &["error", "keep"][..] } else { &[""] } {
                        let config = match is_text(names) {
                            true => {
                                config("", &indexer(handle), "label_col = \"label\"\n", evaluator, metric)
                            }
                            false => config("label = \"y\"\n", "", "", evaluator, metric),
                        };
                        let scene = Scene::new(&data, &config);
                        let (done, out, err) = scene.tune();
                        let context = format!("{names:?} {classes} {rare} {metric} {handle}: {out}{err}");
                        assert!(done && scene.has_model(), "{context}");
                        let class = names[rare as usize];
                        let note = format!(
                            "note: the training rows of fold 0 have no class {class}: use fewer folds"
                        );
                        assert!(err.contains(&note), "{context}");
                        let folds = &scene.results()["candidates"][0]["folds"];
                        assert!(folds[1]["metric"].is_f64() && folds[2]["metric"].is_f64(), "{context}");
                        let is_there = metric == "accuracy" && *handle != "error";
                        let why = format!("{metric} is not defined: the training rows have no class {class}");
                        assert_eq!(folds[0]["metric"].is_f64(), is_there, "{context}");
                        let undefined = if is_there { Value::Null } else { why.as_str().into() };
                        assert_eq!(folds[0]["undefined"], undefined, "{context}");
                        tried += 1;
                    }
                }
            }
        }
    }
    assert_eq!(tried, 2 * (5 + 5 + 2 + 2 * 5 + 2 * 2));
}

#[test]
fn what_an_evaluator_says_is_told_with_its_folds() {
    let config = "[data]\npath = \"d.csv\"\nlabel = \"y\"\nfeatures = [\"x\"]\nfold = \"f\"\n\
        [[stage]]\nname = \"lr\"\ntype = \"logistic_regression\"\n\
        [search]\nmethod = \"cross_validator\"\nfold_col = \"f\"\n\
        [evaluator]\ntype = \"binary_classification\"\n";
    let row = |i: u32| format!("{},{},{}\n", i * 7 % 5 + i % 2, 1 + i % 2, i / 2 % 3);
    let data = format!("x,y,f\n{}", (0..36).map(row).collect::<String>());
    let scene = Scene::new(&data, config);
    let (done, _, err) = scene.tune();
    assert!(done && err.contains("note: the labels in `y` are 1 and 2: 2 is the positive class\n"), "{err}");

    // Fold 2 has one class alone.
    let row = |i: u32| {
        let folds = if i % 2 == 1 { 2 } else { 3 };
        format!("{},{},{}\n", i * 7 % 5 + i % 2, 1 + i % 2, i / 2 % folds)
    };
    let data = format!("x,y,f\n{}", (0..36).map(row).collect::<String>());
    let scene = Scene::new(&data, config);
    let (done, out, err) = scene.tune();
    let why = "fold 2: area_under_roc is not defined: no row in `y` is of the class 2";
    assert!(done && err.contains(&format!("{why}; the means are over the other 2 folds")), "{err}");
    assert!(out.contains(why), "{out}");
    let notes = scene.results()["notes"].clone();
    assert!(notes.as_array().unwrap().iter().all(|note| note["folds"].is_array()), "{notes}");
}
