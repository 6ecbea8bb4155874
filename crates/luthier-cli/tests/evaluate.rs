//! `evaluate`: labels other than 0 and 1, classes that are missing, weights, and what is told of each class.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn output(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_luthier")).current_dir(folder).args(arguments).output().unwrap()
}

/// The standard output and error of a run that must succeed.
#[track_caller]
fn run(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = output(folder, arguments);
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{err}");
    (out, err)
}

struct Scene {
    folder: TempDir,
}

impl Scene {
    /// A logistic regression that is fitted to rows of `x` and the label `y`.
    fn new(rows: &[(f64, String)], more: &str) -> Self {
        let scene = Self { folder: TempDir::new().unwrap() };
        scene.write("d.csv", rows);
        let config = format!(
            "[data]\npath = \"d.csv\"\nlabel = \"y\"\n{more}[[stage]]\nname = \"lr\"\ntype = \"logistic_regression\"\n\
             reg_param = 0.01\n"
        );
        std::fs::write(scene.folder.path().join("c.toml"), config).unwrap();
        scene
    }

    fn write(&self, name: &str, rows: &[(f64, String)]) {
        let lines = rows.iter().map(|(x, rest)| format!("{x},{rest}\n"));
        let text = format!("x,y,w\n{}", lines.collect::<String>());
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> (String, String) {
        run(self.folder.path(), arguments)
    }
}

fn x(i: usize) -> f64 {
    (i as f64 * 1.3).sin() + (i % 7) as f64 / 4.0
}

/// Two classes that overlap.
fn is_positive(i: usize) -> bool {
    x(i) + (i as f64 * 2.9).cos() > 0.8
}

fn two(labels: [&str; 2], rows: std::ops::Range<usize>) -> Vec<(f64, String)> {
    rows.map(|i| (x(i), format!("{},{}", labels[usize::from(is_positive(i))], 1 + i % 3))).collect()
}

/// The value in the line of a metric.
#[track_caller]
fn value(text: &str, metric: &str) -> String {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(metric));
    line.unwrap_or_else(|| panic!("{metric}: {text}")).split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn labels_are_any_two_numbers() {
    let (known, new) = (0..80, 80..140);
    // One feature: scores are ranked as it is.
    let (mut right, mut pairs) = (0.0, 0.0);
    for i in new.clone().filter(|i| is_positive(*i)) {
        for j in new.clone().filter(|j| !is_positive(*j)) {
            pairs += 1.0;
            right += if x(i) > x(j) {
                1.0
            } else if x(i) == x(j) {
                0.5
            } else {
                0.0
            };
        }
    }
    for labels in [["0", "1"], ["1", "2"], ["-1", "1"], ["2", "4"], ["0", "100"]] {
        let scene = Scene::new(&two(labels, known.clone()), "features = [\"x\"]\n");
        let (_, fit) = scene.run(&["fit", "c.toml", "--model", "m.json"]);
        assert_eq!(
            fit.contains(&format!("{} is the positive class", labels[1])),
            labels != ["0", "1"],
            "{fit}"
        );
        scene.write("new.csv", &two(labels, new.clone()));
        let (told, _) = scene.run(&["evaluate", "m.json", "new.csv"]);
        let area: f64 = value(&told, "area_under_roc").parse().unwrap();
        assert!((area - right / pairs).abs() < 1e-12, "{told}");
        let accuracy: f64 = value(&told, "accuracy").parse().unwrap();
        assert!(accuracy > 0.6 && accuracy < 1.0, "{told}");
        scene.run(&["predict", "m.json", "new.csv", "--out", "p.csv"]);
        let predicted = std::fs::read_to_string(scene.folder.path().join("p.csv")).unwrap();
        let header = predicted.lines().next().unwrap();
        assert!(header.contains(&format!("probability_{},probability_{}", labels[0], labels[1])), "{header}");
        for line in predicted.lines().skip(1) {
            let class: f64 = line.split(',').next_back().unwrap().parse().unwrap();
            assert!(labels.iter().any(|label| label.parse::<f64>().unwrap() == class), "{line}");
        }
        // One class alone: what is not defined says why.
        let one: Vec<_> = two(labels, new.clone())
            .into_iter()
            .filter(|(_, rest)| rest.starts_with(&format!("{},", labels[0])))
            .collect();
        scene.write("one.csv", &one);
        let (told, _) = scene.run(&["evaluate", "m.json", "one.csv"]);
        assert_eq!(value(&told, "area_under_roc"), "NaN");
        let why = format!("note: area_under_roc is not defined: no row in `y` is of the class {}", labels[1]);
        assert!(told.contains(&why), "{told}");
        assert!(value(&told, "log_loss").parse::<f64>().unwrap() > 0.0, "{told}");
        let (told, _) = scene.run(&["evaluate", "m.json", "one.csv", "--set", "undefined=spark"]);
        assert_eq!(value(&told, "area_under_roc"), "0");
        // A class that the model does not know.
        scene.write("third.csv", &[(0.1, format!("{},1", labels[1])), (0.2, "7,1".to_owned())]);
        let (told, _) = scene.run(&["evaluate", "m.json", "third.csv"]);
        assert_eq!(value(&told, "area_under_roc"), "missing");
        assert!(told.contains("third.csv:3") && told.contains("found 7, while the classes are"), "{told}");
        assert_eq!(value(&told, "accuracy").parse::<f64>().unwrap().fract() * 2.0 % 1.0, 0.0, "{told}");
        assert!(told.contains("the model does not know the class 7: its rows count as errors"), "{told}");
    }
}

fn three(rows: std::ops::Range<usize>) -> Vec<(f64, String)> {
    rows.map(|i| {
        let class = i % 3;
        (class as f64 + (i as f64 * 1.7).sin(), format!("{class},1"))
    })
    .collect()
}

#[test]
fn what_is_defined_is_given() {
    let scene = Scene::new(&three(0..90), "features = [\"x\"]\n");
    scene.run(&["fit", "c.toml", "--model", "m.json"]);
    let without: Vec<_> = three(90..150).into_iter().filter(|(_, rest)| !rest.starts_with('0')).collect();
    scene.write("new.csv", &without);
    let (told, _) = scene.run(&["evaluate", "m.json", "new.csv"]);
    for metric in ["f1", "accuracy", "weighted_precision", "log_loss", "hamming_loss"] {
        assert!(value(&told, metric).parse::<f64>().unwrap() > 0.0, "{told}");
    }
    for metric in ["true_positive_rate", "false_positive_rate", "precision", "recall", "f_measure"] {
        assert_eq!(value(&told, &format!("{metric}_by_label(0)")), "missing");
    }
    assert!(told.contains("no row has the label 0: the labels are 1, 2"), "{told}");
    let (told, _) = scene.run(&["evaluate", "m.json", "new.csv", "--metric", "accuracy,log_loss"]);
    assert!(
        value(&told, "accuracy").parse::<f64>().is_ok() && value(&told, "log_loss").parse::<f64>().is_ok()
    );
    assert!(!told.contains("note:") && !told.contains("precision"), "{told}");
    // Nothing is defined: an error.
    let failed =
        output(scene.folder.path(), &["evaluate", "m.json", "new.csv", "--metric", "recall_by_label"]);
    assert!(
        !failed.status.success()
            && String::from_utf8(failed.stderr).unwrap().contains("no row has the label 0")
    );
}

#[test]
fn weights_of_the_configuration_count() {
    let scene = Scene::new(&two(["0", "1"], 0..80), "features = [\"x\"]\nweight = \"w\"\n");
    scene.run(&["fit", "c.toml", "--model", "m.json"]);
    let rows = two(["0", "1"], 80..140);
    scene.write("new.csv", &rows);
    let (told, _) = scene.run(&["evaluate", "m.json", "new.csv"]);
    // The same as rows that are repeated.
    let weight = |rest: &str| rest.split(',').nth(1).unwrap().parse::<usize>().unwrap();
    let label = |rest: &str| rest.split(',').next().unwrap().to_owned();
    let again = rows.iter().flat_map(|(x, rest)| vec![(*x, format!("{},1", label(rest))); weight(rest)]);
    scene.write("again.csv", &again.collect::<Vec<_>>());
    let (repeated, _) = scene.run(&["evaluate", "m.json", "again.csv"]);
    let (unweighted, _) = scene.run(&["evaluate", "m.json", "new.csv", "--set", "weight_col="]);
    let mut differ = 0;
    for metric in ["area_under_roc", "log_loss", "accuracy", "f1"] {
        let [a, b, c] =
            [&told, &repeated, &unweighted].map(|text| value(text, metric).parse::<f64>().unwrap());
        assert!((a - b).abs() < 1e-12, "{metric}: {a} {b}");
        differ += usize::from((a - c).abs() > 1e-6);
    }
    assert!(differ >= 3, "{told} {unweighted}");
    let text =
        std::fs::read_to_string(scene.folder.path().join("new.csv")).unwrap().replace("x,y,w", "x,y,v");
    std::fs::write(scene.folder.path().join("without.csv"), text).unwrap();
    let (without, note) = scene.run(&["evaluate", "m.json", "without.csv"]);
    assert_eq!(value(&without, "f1"), value(&unweighted, "f1"));
    assert!(note.contains("weights in `w`") && note.contains("every row has weight 1"), "{note}");
}

#[test]
fn the_evaluator_of_the_configuration_counts() {
    let scene = Scene::new(&two(["0", "1"], 0..80), "features = [\"x\"]\n");
    let path = scene.folder.path().join("c.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let evaluator = "[evaluator]\ntype = \"multiclass_classification\"\nmetric = \"f_measure_by_label\"\nmetric_label = 1.0\n";
    std::fs::write(&path, config + evaluator).unwrap();
    scene.run(&["tune", "c.toml", "--out", "out"]);
    let (text, _) = scene.run(&["evaluate", "out/model.json", "d.csv"]);
    let first = text.lines().nth(2).unwrap();
    assert!(first.starts_with("f_measure_by_label(1) "), "{text}");
    // The others are there as well, and the command line goes first.
    assert!(text.contains("area_under_roc") && text.contains("accuracy"), "{text}");
    let (text, _) = scene.run(&["evaluate", "out/model.json", "d.csv", "--set", "metric_label=0.0"]);
    assert!(text.lines().nth(2).unwrap().starts_with("f_measure_by_label(0) "), "{text}");
    let (text, _) = scene.run(&["inspect", "out/model.json"]);
    let line = "evaluator: multiclass_classification, metric = f_measure_by_label, metric_label = 1.0\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn classes_are_reported_by_name() {
    let folder = TempDir::new().unwrap();
    let names = ["no", "yes"];
    let rows = (0..60).map(|i| format!("{},{}\n", x(i), names[usize::from(is_positive(i))]));
    std::fs::write(folder.path().join("d.csv"), format!("x,churned\n{}", rows.collect::<String>())).unwrap();
    let config = "[data]\npath = \"d.csv\"\nlabel = \"churned\"\nfeatures = [\"x\"]\n[[stage]]\ntype = \"string_indexer\"\n\
                  input_cols = [\"churned\"]\noutput_cols = [\"class\"]\nstring_order_type = \"alphabet_asc\"\n[[stage]]\n\
                  name = \"lr\"\ntype = \"logistic_regression\"\nlabel_col = \"class\"\n";
    std::fs::write(folder.path().join("c.toml"), config).unwrap();
    run(folder.path(), &["fit", "c.toml", "--model", "m.json"]);
    let (told, _) = run(folder.path(), &["evaluate", "m.json", "d.csv"]);
    let positives = (0..60).filter(|i| is_positive(*i)).count();
    let report = told.split("precision  recall").nth(1).unwrap();
    let yes = report.lines().find(|line| line.starts_with("yes")).unwrap();
    assert!(yes.ends_with(&format!(" {positives}")), "{told}");
    let matrix = told.split("true class").nth(1).unwrap();
    assert!(matrix.lines().next().unwrap().contains("no  yes"), "{told}");
    run(folder.path(), &["predict", "m.json", "d.csv", "--out", "p.csv"]);
    let predicted = std::fs::read_to_string(folder.path().join("p.csv")).unwrap();
    assert!(predicted.lines().next().unwrap().contains("probability_no,probability_yes"), "{predicted}");
    // Standard errors and p values stand beside the coefficients.
    let (shown, _) = run(folder.path(), &["inspect", "m.json"]);
    let header = shown.lines().find(|line| line.contains("standard_error")).unwrap();
    assert_eq!(
        header.split_whitespace().collect::<Vec<_>>(),
        ["feature", "coefficient", "standard_error", "z_value", "p_value"]
    );
    let (json, _) = run(folder.path(), &["inspect", "m.json", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let vectors = json["stages"][1]["description"]["vectors"].as_array().unwrap();
    let p = vectors.iter().find(|vector| vector["name"] == "p_value").unwrap();
    assert_eq!(p["names"], serde_json::json!(["x", "intercept"]));
    assert!(p["values"][0].as_f64().unwrap() < 0.05);
}

#[test]
fn a_damaged_model_is_refused() {
    let scene = Scene::new(&two(["0", "1"], 0..40), "features = [\"x\"]\n");
    scene.run(&["fit", "c.toml", "--model", "m.json"]);
    let path = scene.folder.path().join("m.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut model: serde_json::Value = serde_json::from_str(&text).unwrap();
    // As somebody leaves it who edits it.
    assert!(model.as_object_mut().unwrap().remove("checksum").is_some());
    model["inputs"]["num_features"] = 1_000_000_000_000_000_000_u64.into();
    std::fs::write(&path, model.to_string()).unwrap();
    let failed = output(scene.folder.path(), &["inspect", "m.json"]);
    let told = String::from_utf8(failed.stderr).unwrap();
    assert!(
        failed.status.code() == Some(1) && told.contains("num_features is 1000000000000000000"),
        "{told}"
    );
    // A width that a column can have, but this model has not.
    model["inputs"]["num_features"] = 2_000_000_000.into();
    std::fs::write(&path, model.to_string()).unwrap();
    scene.run(&["inspect", "m.json"]);
    assert_eq!(output(scene.folder.path(), &["evaluate", "m.json", "d.csv"]).status.code(), Some(1));
    model["state"]["stages"][0]["state"]["intercepts"] = serde_json::json!([]);
    std::fs::write(&path, model.to_string()).unwrap();
    let failed = output(scene.folder.path(), &["inspect", "m.json"]);
    let told = String::from_utf8(failed.stderr).unwrap();
    assert!(failed.status.code() == Some(1) && told.contains("`intercepts` has 0"), "{told}");
}
