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
    let note = "the training rows of fold 0 have no class 2: use fewer folds, or a fold column that spreads";
    let scene = Scene::new(&rare(), &config.replace("METRIC", "accuracy"));
    let (done, _, err) = scene.tune();
    assert!(done && err.contains(note), "{err}");

    let scene = Scene::new(&rare(), &config.replace("METRIC", "log_loss"));
    let (done, out, err) = scene.tune();
    assert!(err.contains(note), "{err}");
    if !done {
        assert!(err.contains("all 2 candidates failed: candidates 0, 1 on fold 0 (2 times): "), "{err}");
        assert!(out.contains("2 of 3") && out.contains("fold 1") && !scene.has_model(), "{out}");
        let results = scene.results();
        let folds = &results["candidates"][0]["folds"];
        assert!(folds[0]["error"].is_string() && folds[1]["metric"].is_f64() && folds[2]["metric"].is_f64());
        assert_eq!(results["candidates"][0]["mean"], "NaN");
    }
}
