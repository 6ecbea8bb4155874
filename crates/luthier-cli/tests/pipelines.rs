//! Several pipelines of one configuration compete in a search.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

struct Scene(TempDir);

impl Scene {
    fn new(config: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let row =
            |i: u32| format!("{},{},{},{}\n", i % 7, i * i % 11, i % 5, i % 7 + 2 * (i * i % 11) + i % 3);
        let data = format!("a,b,c,y\n{}", (0..40).map(row).collect::<String>());
        std::fs::write(folder.path().join("d.csv"), data).unwrap();
        std::fs::write(folder.path().join("c.toml"), config).unwrap();
        Self(folder)
    }

    /// Whether it succeeded, and what it told on standard output and error.
    fn run(&self, args: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_luthier"));
        let output = command.current_dir(self.0.path()).args(args).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.success(), out, err)
    }

    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.path().join(file)).unwrap()
    }
}

const DATA: &str = "[data]\npath = \"d.csv\"\nlabel = \"y\"\n[search]\nmethod = \"cross_validator\"\n";

const SCALED: &str = "[[stage]]\nname = \"scaler\"\ntype = \"standard_scaler\"\noutput_col = \"scaled\"\n";

const COMPONENTS: &str = "[[pipeline]]\nname = \"components\"\n\
    [[pipeline.stage]]\nname = \"pca\"\ntype = \"pca\"\ninput_col = \"scaled\"\noutput_col = \"few\"\n\
    [[pipeline.stage]]\nname = \"lr\"\ntype = \"linear_regression\"\nfeatures_col = \"few\"\n\
    [pipeline.grid]\n\"pca.k\" = [1, 2]\n";

const RIDGE: &str = "[[pipeline]]\nname = \"ridge, all\"\n\
    [[pipeline.stage]]\nname = \"lr\"\ntype = \"linear_regression\"\nfeatures_col = \"scaled\"\n\
    [pipeline.grid]\n\"lr.reg_param\" = [0.01, 1.0]\n";

#[test]
fn pipelines_compete_and_results_say_which_is_which() {
    let scene = Scene::new(&format!("{DATA}{SCALED}{COMPONENTS}{RIDGE}"));
    let (done, plan, err) = scene.run(&["tune", "c.toml", "--explain"]);
    assert!(done && plan.contains("4 candidates x 3 folds"), "{plan}{err}");
    assert!(
        plan.contains("pipelines  components with 2 candidates, ridge, all with 2 candidates\n"),
        "{plan}"
    );

    let (done, out, err) = scene.run(&["tune", "c.toml", "--out", "out"]);
    assert!(done && out.contains("rank  candidate  pipeline"), "{out}{err}");
    assert!(out.contains("  pipeline = ridge, all\n  lr.reg_param = 0.01\n"), "{out}");
    // The scaler of both is fitted once on each fold: with it two components, four regressions, and the refit's two. The score of
    // the procedure takes six further rounds, two and two of which have the same training rows.
    let results: Value = serde_json::from_str(&scene.text("out/results.json")).unwrap();
    assert_eq!(results["work"]["fits"], (3 + 3) * (1 + 2 + 2 + 2) + 2);
    assert!(out.contains("score to expect on new rows: rmse = "), "{out}");
    assert_eq!(results["procedure"]["rounds"].as_array().unwrap().len(), 3);
    let name =
        |candidate: &Value| results["pipelines"][candidate["pipeline"].as_u64().unwrap() as usize].as_str();
    let of: Vec<&str> = results["candidates"].as_array().unwrap().iter().filter_map(name).collect();
    assert_eq!(of, ["components", "components", "ridge, all", "ridge, all"]);
    let csv = scene.text("out/results.csv");
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().starts_with("index,rank,pipeline,pca.k,lr.reg_param,mean,"), "{csv}");
    assert!(lines.next().unwrap().contains(",components,1,,"), "{csv}");
    assert!(lines.nth(2).unwrap().contains(",\"ridge, all\",,1.0,"), "{csv}");

    let (_, shown, _) = scene.run(&["inspect", "out/model.json"]);
    assert!(shown.starts_with("pipeline: ridge, all\n"), "{shown}");
    let (_, shown, _) = scene.run(&["inspect", "out/model.json", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["name"], "ridge, all");
    let (done, _, err) = scene.run(&["predict", "out/model.json", "d.csv", "--out", "p.csv"]);
    assert!(done && scene.text("p.csv").lines().count() == 41, "{err}");
}

#[test]
fn a_candidate_has_the_scores_that_it_has_alone() {
    let scene = Scene::new(&format!("{DATA}{SCALED}{COMPONENTS}{RIDGE}"));
    scene.run(&["tune", "c.toml", "--out", "out"]);
    let all: Value = serde_json::from_str(&scene.text("out/results.json")).unwrap();
    for (first, pipeline) in [(0, COMPONENTS), (2, RIDGE)] {
        let alone = Scene::new(&format!("{DATA}{SCALED}{pipeline}"));
        alone.run(&["tune", "c.toml", "--out", "out"]);
        let results: Value = serde_json::from_str(&alone.text("out/results.json")).unwrap();
        for place in 0..2 {
            let [among, alone] =
                [(&all, first + place), (&results, place)].map(|(of, at)| of["candidates"][at].clone());
            assert_eq!(among["params"], alone["params"]);
            let [a, b] = [among, alone].map(|candidate| candidate["mean"].as_f64().unwrap());
            assert!((a - b).abs() <= 1e-12 * b.abs(), "{a} {b}");
        }
    }
}

#[test]
fn a_grid_outside_is_combined_with_that_of_each() {
    let grid = "[grid]\n\"scaler.with_mean\" = [true, false]\n\"lr.reg_param\" = [0.5]\n";
    let scene = Scene::new(&format!("{DATA}{SCALED}{grid}{COMPONENTS}{RIDGE}"));
    let (done, _, err) = scene.run(&["tune", "c.toml", "--out", "out"]);
    assert!(done, "{err}");
    let results: Value = serde_json::from_str(&scene.text("out/results.json")).unwrap();
    let params: Vec<String> =
        results["candidates"].as_array().unwrap().iter().map(|c| c["params"].to_string()).collect();
    let components =
        |mean: bool, k: u32| format!("{{\"scaler.with_mean\":{mean},\"lr.reg_param\":0.5,\"pca.k\":{k}}}");
    let ridge = |mean: bool, reg: &str| format!("{{\"scaler.with_mean\":{mean},\"lr.reg_param\":{reg}}}");
    let expected = [
        components(true, 1),
        components(true, 2),
        components(false, 1),
        components(false, 2),
        ridge(true, "0.01"),
        ridge(true, "1.0"),
        ridge(false, "0.01"),
        ridge(false, "1.0"),
    ];
    assert_eq!(params, expected);
}

#[test]
fn a_pipeline_without_a_grid_is_one_candidate_and_fit_takes_a_single_one() {
    let plain = "[[pipeline]]\nname = \"plain\"\n[[pipeline.stage]]\ntype = \"linear_regression\"\n";
    let scene = Scene::new(&format!("{DATA}{SCALED}{RIDGE}{plain}"));
    let (done, out, err) = scene.run(&["tune", "c.toml"]);
    assert!(done && out.contains("plain") && !err.contains("there is no [grid]"), "{out}{err}");
    let (done, _, err) = scene.run(&["fit", "c.toml", "--model", "m.json"]);
    assert!(!done && err.contains("`luthier fit` fits one pipeline, but the configuration has 2"), "{err}");
    let scene = Scene::new(&format!("{DATA}{plain}"));
    let (done, _, err) = scene.run(&["fit", "c.toml", "--model", "m.json"]);
    assert!(done, "{err}");
    assert!(scene.run(&["inspect", "m.json"]).1.starts_with("pipeline: plain\n"));
}

#[test]
fn mistakes_are_told_with_their_line_and_pipeline() {
    let with = |text: &str| format!("{DATA}{SCALED}{COMPONENTS}{text}");
    for (config, parts) in [
        (
            with(&COMPONENTS.replace("pca.k", "pca.center")),
            &["c.toml:24", "two pipelines are named `components`", "c.toml:11"][..],
        ),
        (
            with("[[pipeline]]\nname = \"x\"\n"),
            &["c.toml:23", "[[pipeline]] has no `stage`: write `[[pipeline.stage]]`"],
        ),
        (
            with("[[pipeline]]\n[[pipeline.stage]]\ntype = \"pca\"\n"),
            &["c.toml:23", "[[pipeline]] has no `name`"],
        ),
        (
            with(&RIDGE.replace("name = \"lr\"", "name = \"scaler\"")),
            &["c.toml:26", "two stages are named `scaler`", "c.toml:7"],
        ),
        (with(&format!("{RIDGE}\"lr.rig_param\" = [1.0]\n")), &["c.toml:31", "did you mean `reg_param`?"]),
        (
            with(&RIDGE.replace("\"scaled\"", "\"few\"")),
            &["c.toml:26", "candidate 2 of pipeline `ridge, all`", "`few`"],
        ),
        (with(&format!("{RIDGE}prediction_col = [\"p\"]\n")), &["c.toml:31"]),
        (
            with(&RIDGE.replace("[pipeline.grid]", "prediction_col = \"p\"\n[pipeline.grid]")),
            &[
                "c.toml:24",
                "the prediction is `p` in the pipeline `ridge, all` and `prediction` in `components`",
            ],
        ),
        (with("[pipelines]\nname = \"x\"\n"), &["c.toml:23", "did you mean `pipeline`?"]),
        (format!("{DATA}{SCALED}pipeline = 3\n"), &["c.toml:10", "has no parameter `pipeline`"]),
    ] {
        let (done, _, err) = Scene::new(&config).run(&["tune", "c.toml"]);
        assert!(!done && parts.iter().all(|part| err.contains(part)), "{config}\n{parts:?}: {err}");
    }
}
