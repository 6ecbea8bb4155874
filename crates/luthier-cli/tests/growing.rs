//! Rows are added to a search, and rows of several sites are searched together, without being read again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

struct Scene(TempDir);

const CONFIG: &str = r#"
seed = 7
[data]
path = "PATH"
label = "y"
MORE
[[stage]]
name = "scale"
type = "standard_scaler"
with_mean = true
[[stage]]
name = "lr"
type = "linear_regression"
features_col = "scaled_features"
[grid]
"lr.reg_param" = [0.01, 0.1, 1.0]
[search]
num_folds = 4
nested = true
"#;

/// Rows `from..to` of a table.
fn csv(from: usize, to: usize) -> String {
    let mut text = String::from("a,b,c,y\n");
    for i in from..to {
        let wave = |scale: f64| (scale * (i as f64 + 0.7)).sin();
        let (a, b) = (wave(0.31), wave(1.17) * 3.0);
        let c = i % 5;
        let _ = writeln!(text, "{a},{b},{c},{}", 2.0 * a - b + c as f64 + 0.3 * wave(5.3));
    }
    text
}

impl Scene {
    fn new() -> Self {
        let scene = Self(TempDir::new().unwrap());
        scene.write("c.toml", &config("a.csv", ""));
        scene.write("a.csv", &csv(0, 120));
        scene.write("b.csv", &csv(120, 170));
        scene
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, args: &[&str]) -> (bool, String, String) {
        let program = env!("CARGO_BIN_EXE_luthier");
        let done = Command::new(program).current_dir(self.0.path()).args(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.success(), text(done.stdout), text(done.stderr))
    }

    fn succeed(&self, args: &[&str]) -> (String, String) {
        let (done, out, error) = self.run(args);
        assert!(done, "{error}");
        (out, error)
    }

    fn fail(&self, args: &[&str]) -> String {
        let (done, _, error) = self.run(args);
        assert!(!done && error.contains("error: "), "{error}");
        error
    }

    fn results(&self, out: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.path(&format!("{out}/results.json"))).unwrap())
            .unwrap()
    }

    fn rows_read(&self, out: &str) -> u64 {
        self.results(out)["work"]["rows_read"].as_u64().unwrap()
    }

    /// The results apart from times and the work, planned and done, and the model without how its file is read.
    fn found(&self, out: &str) -> (Value, Value) {
        let mut results = self.results(out);
        forget(&mut results);
        let model = std::fs::read_to_string(self.path(&format!("{out}/model.json"))).unwrap();
        let model: Value = serde_json::from_str(&model).unwrap();
        (results, model["state"].clone())
    }
}

fn config(path: &str, more: &str) -> String {
    CONFIG.replace("PATH", path).replace("MORE", more)
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.retain(|key, _| {
                !key.ends_with("seconds") && !matches!(key.as_str(), "work" | "forecast" | "planned")
            });
            entries.values_mut().for_each(forget);
        }
        Value::Array(values) => values.iter_mut().for_each(forget),
        _ => {}
    }
}

#[test]
fn appended_rows_are_read_and_earlier_ones_are_not() {
    let scene = Scene::new();
    scene.succeed(&["tune", "c.toml", "--out", "run"]);
    // Predictions for held-out rows are not counted.
    assert_eq!(scene.rows_read("run"), 120);
    // The earlier rows need not be there.
    std::fs::rename(scene.path("a.csv"), scene.path("gone")).unwrap();
    let (plan, _) = scene.succeed(&["tune", "c.toml", "--out", "run", "--append", "b.csv", "--explain"]);
    assert!(plan.contains("170 rows") && plan.contains("summaries of 120 rows"), "{plan}");
    scene.succeed(&["tune", "c.toml", "--out", "run", "--append", "b.csv"]);
    assert_eq!(scene.rows_read("run"), 50);
    std::fs::rename(scene.path("gone"), scene.path("a.csv")).unwrap();

    scene.write("all/a.csv", &csv(0, 120));
    scene.write("all/b.csv", &csv(120, 170));
    scene.write("all.toml", &config("all/*.csv", "shards = true"));
    scene.succeed(&["tune", "all.toml", "--out", "whole"]);
    assert_eq!(scene.rows_read("whole"), 170);
    assert_eq!(scene.found("run"), scene.found("whole"));

    // Other rows in a file of the same name are rows all the same.
    std::fs::create_dir(scene.path("copy")).unwrap();
    for entry in std::fs::read_dir(scene.path("run")).unwrap().map(Result::unwrap) {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), scene.path("copy").join(entry.file_name())).unwrap();
        }
    }
    scene.write("b.csv", &csv(170, 200));
    scene.succeed(&["tune", "c.toml", "--out", "copy", "--append", "b.csv"]);
    assert_eq!(scene.rows_read("copy"), 30);
    scene.write("b.csv", &csv(120, 170));
    let other = config("a.csv", "where = \"a > -0.9\"");
    scene.write("other.toml", &other);
    let error = scene.fail(&["tune", "other.toml", "--out", "copy", "--append", "b.csv"]);
    assert!(error.contains("other.toml: [data] is not what it was when a.csv was summarised"), "{error}");

    // The same command once more adds nothing.
    let (_, said) = scene.succeed(&["tune", "c.toml", "--out", "run", "--append", "b.csv"]);
    assert!(said.contains("b.csv: these rows are there already"), "{said}");
    assert_eq!(scene.found("run"), scene.found("whole"));
}

#[test]
fn a_changed_file_is_read_alone() {
    let scene = Scene::new();
    for (name, rows) in [("a", 0..90), ("b", 90..130), ("c", 130..190)] {
        scene.write(&format!("all/{name}.csv"), &csv(rows.start, rows.end));
    }
    scene.write("c.toml", &config("all/*.csv", "shards = true"));
    scene.succeed(&["tune", "c.toml", "--out", "run"]);
    let first = scene.found("run");
    // A larger grid over the same data reads nothing.
    let larger = config("all/*.csv", "shards = true").replace("1.0]", "1.0, 10.0]");
    scene.write("larger.toml", &larger);
    scene.succeed(&["tune", "larger.toml", "--out", "run"]);
    assert_eq!(scene.rows_read("run"), 0);

    scene.write("all/b.csv", &csv(300, 345));
    scene.succeed(&["tune", "c.toml", "--out", "run"]);
    assert_eq!(scene.rows_read("run"), 45);
    scene.succeed(&["tune", "c.toml", "--out", "anew"]);
    assert_eq!(scene.found("run"), scene.found("anew"));
    assert_ne!(scene.found("run"), first);

    std::fs::remove_file(scene.path("all/c.csv")).unwrap();
    scene.succeed(&["tune", "c.toml", "--out", "run"]);
    scene.succeed(&["tune", "c.toml", "--out", "fewer"]);
    assert_eq!(scene.found("run"), scene.found("fewer"));
}

#[test]
fn sites_are_searched_together_without_their_rows() {
    let scene = Scene::new();
    for (site, file) in [("oslo", "a.csv"), ("bergen", "b.csv")] {
        let (said, _) = scene.succeed(&["summarize", "c.toml", file, "--out", &format!("{site}.lsum")]);
        assert!(said.contains("it holds no row"), "{said}");
    }
    scene.write("all/a.csv", &csv(0, 120));
    scene.write("all/b.csv", &csv(120, 170));
    scene.write("all.toml", &config("all/*.csv", "shards = true"));
    scene.succeed(&["tune", "all.toml", "--out", "pooled"]);
    std::fs::remove_file(scene.path("a.csv")).unwrap();
    std::fs::remove_file(scene.path("b.csv")).unwrap();
    let both = ["tune", "c.toml", "oslo.lsum", "bergen.lsum"];
    scene.succeed(&[&both[..], &["--out", "sites"]].concat());
    assert_eq!(scene.found("sites"), scene.found("pooled"));
    assert_eq!(scene.rows_read("sites"), 0);
    assert!(std::fs::read_to_string(scene.path("sites/report.html")).unwrap().contains("lr.reg_param"));

    let by_site = config("a.csv", "").replace("num_folds = 4", "method = \"leave_one_shard_out\"");
    scene.write("c.toml", &by_site.replace("nested = true", "nested = false"));
    scene.succeed(&[&both[..], &["--out", "held"]].concat());
    assert_eq!(scene.results("held")["candidates"][0]["folds"].as_array().unwrap().len(), 2);
}

#[test]
fn what_cannot_be_answered_is_said_before_anything_is_done() {
    let scene = Scene::new();
    let error = scene.fail(&["tune", "c.toml", "--out", "run", "--append", "b.csv"]);
    assert!(
        error.contains("summaries.lsum does not exist") && error.contains("luthier tune c.toml --out run"),
        "{error}"
    );
    scene.succeed(&["summarize", "c.toml", "--out", "a.lsum"]);

    let mae = format!("{}[evaluator]\ntype = \"regression\"\nmetric = \"mae\"\n", config("a.csv", ""));
    scene.write("mae.toml", &mae);
    for args in [&["tune", "mae.toml", "a.lsum"][..], &["summarize", "mae.toml", "--out", "m.lsum"]] {
        let error = scene.fail(args);
        assert!(error.contains("mae needs predicted rows"), "{error}");
    }
    assert!(!scene.path("m.lsum").exists());
    let error = scene.fail(&["tune", "c.toml", "a.lsum", "--out-of-fold", "p.csv"]);
    assert!(error.contains("predictions need the rows of a"), "{error}");

    scene.write("other.toml", &config("a.csv", "").replace("num_folds = 4", "num_folds = 5"));
    let error = scene.fail(&["tune", "other.toml", "a.lsum"]);
    assert!(error.contains("num_folds: 4") && error.contains("num_folds: 5"), "{error}");
    scene.write("other.toml", &config("a.csv", "features = [\"a\"]"));
    let error = scene.fail(&["tune", "other.toml", "a.lsum"]);
    assert!(error.contains("[data] is not what it was when a was summarised"), "{error}");
    scene.write("test.toml", &config("a.csv", "test = 0.2"));
    assert!(scene.fail(&["tune", "test.toml", "a.lsum"]).contains("name a file of test rows"));

    assert!(scene.fail(&["tune", "c.toml", "a.lsum", "a.lsum"]).contains("`a.lsum`"));
    std::fs::copy(scene.path("a.lsum"), scene.path("b.lsum")).unwrap();
    assert!(scene.fail(&["tune", "c.toml", "a.lsum", "b.lsum"]).contains("the same rows"));
    let mut bytes = std::fs::read(scene.path("a.lsum")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(scene.path("a.lsum"), &bytes).unwrap();
    assert!(scene.fail(&["tune", "c.toml", "a.lsum"]).contains("a.lsum: the file is damaged"));
    assert!(scene.fail(&["tune", "c.toml", "b.csv"]).contains("b.csv: this is not a file of summaries"));

    // An appended file has the columns of the first one.
    scene.succeed(&["tune", "c.toml", "--out", "run"]);
    scene.write("d.csv", "a,b,y\n1,2,3\n2,3,5\n3,4,1\n4,2,2\n5,5,5\n");
    let error = scene.fail(&["tune", "c.toml", "--out", "run", "--append", "d.csv"]);
    assert!(error.contains("d.csv"), "{error}");
}

#[test]
fn integers_in_one_file_are_numbers_in_another() {
    let scene = Scene::new();
    scene.succeed(&["tune", "c.toml", "--out", "run"]);
    let text = csv(120, 170).replace(",1,", ",1.5,");
    scene.write("b.csv", &text);
    scene.succeed(&["tune", "c.toml", "--out", "run", "--append", "b.csv"]);
    scene.write("all/a.csv", &csv(0, 120));
    scene.write("all/b.csv", &text);
    scene.write("all.toml", &config("all/*.csv", "shards = true"));
    scene.succeed(&["tune", "all.toml", "--out", "whole"]);
    assert_eq!(scene.found("run"), scene.found("whole"));
}

#[test]
fn columns_of_an_appended_file_may_be_in_any_order() {
    let scene = Scene::new();
    scene.succeed(&["tune", "c.toml", "--out", "run"]);
    let turned = |line: &str| line.split(',').rev().collect::<Vec<_>>().join(",");
    let lines: Vec<String> = csv(120, 170).lines().map(|line| format!("{},0.5", turned(line))).collect();
    scene.write("d.csv", &lines.join("\n").replacen("0.5", "more", 1));
    let (_, said) = scene.succeed(&["tune", "c.toml", "--out", "run", "--append", "d.csv"]);
    assert!(said.contains("d.csv: not used, because the rows before do not have it: more"), "{said}");
    scene.write("all/a.csv", &csv(0, 120));
    scene.write("all/b.csv", &csv(120, 170));
    scene.write("all.toml", &config("all/*.csv", "shards = true"));
    scene.succeed(&["tune", "all.toml", "--out", "whole"]);
    assert_eq!(scene.found("run").0, scene.found("whole").0);
    // A search over the first rows alone says what it leaves out.
    let (_, said) = scene.succeed(&["tune", "c.toml", "--out", "run"]);
    assert!(said.contains("also had the rows of d.csv, which this one leaves out"), "{said}");
}

#[test]
fn too_few_digits_end_the_search_and_leave_its_model() {
    let scene = Scene::new();
    // A number of days, and a label that follows from it almost exactly.
    let far = |from: usize, to: usize| {
        let rows = (from..to)
            .map(|i| format!("{},{},{}\n", 20_000 + i, i % 5, i as f64 + 1e-3 * ((i * 7) % 11) as f64));
        format!("a,b,y\n{}", rows.collect::<String>())
    };
    scene.write("a.csv", &far(0, 120));
    scene.write("b.csv", &far(120, 170));
    scene.succeed(&["tune", "c.toml", "--out", "run"]);
    let before = scene.found("run");
    let error = scene.fail(&["tune", "c.toml", "--out", "run", "--append", "b.csv"]);
    assert!(
        error.contains("less than 11 digits") && error.contains("the rows of a.csv are not here"),
        "{error}"
    );
    assert_eq!(scene.found("run"), before);
}
