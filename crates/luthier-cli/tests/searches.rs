//! Ways to split and to draw candidates, as a configuration names them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

struct Scene(TempDir);

impl Scene {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let row = |i: u32| {
            let (month, class) = (1 + i / 10, if i % 20 == 3 { "rare" } else { ["a", "b"][i as usize % 2] });
            let y = i % 7 + 2 * (i * i % 11) + i % 3;
            format!("2024-{month:02}-01,person {},{class},{},{},{y}\n", i % 9, i % 7, i * i % 11)
        };
        let data = format!("month,person,class,u,v,y\n{}", (0..120).map(row).collect::<String>());
        std::fs::write(folder.path().join("d.csv"), data).unwrap();
        Self(folder)
    }

    fn tune(&self, rest: &str, more: &[&str]) -> (bool, String, String) {
        let config = "[data]\npath = \"d.csv\"\nlabel = \"y\"\nfeatures = [\"u\", \"v\"]\n\
             [[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\n";
        std::fs::write(self.0.path().join("c.toml"), format!("{config}{rest}")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_luthier"));
        let output = command.current_dir(self.0.path()).args(["tune", "c.toml"]).args(more).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.success(), out, err)
    }

    fn results(&self, rest: &str) -> Value {
        let (done, _, err) = self.tune(rest, &["--out", "out"]);
        assert!(done, "{err}");
        serde_json::from_str(&std::fs::read_to_string(self.0.path().join("out/results.json")).unwrap())
            .unwrap()
    }
}

const GRID: &str = "[grid]\n\"lr.reg_param\" = [0.0, 0.1]\n";

#[test]
fn every_way_to_split_is_a_method() {
    let scene = Scene::new();
    for (search, folds, nested) in [
        ("method = \"cross_validator\"\nnum_folds = 4\nstratify = \"class\"\n", 4, 4),
        ("method = \"repeated_k_fold\"\nnum_folds = 3\nnum_repeats = 5\n", 15, 15),
        ("method = \"shuffle_split\"\nnum_splits = 6\ntrain_ratio = 0.7\nstratify = \"y\"\n", 6, 0),
        ("method = \"group_k_fold\"\ngroup_col = \"person\"\nnum_folds = 3\n", 3, 3),
        ("method = \"leave_one_group_out\"\ngroup_col = \"person\"\n", 9, 9),
        (
            "method = \"rolling_origin\"\ntime_col = \"month\"\ninitial = 6\nhorizon = 2\nstep = 1\ngap = 1\n",
            4,
            1,
        ),
        ("method = \"rolling_origin\"\n", 5, 4),
    ] {
        let results = scene.results(&format!("{GRID}[search]\n{search}"));
        assert_eq!(results["candidates"][0]["folds"].as_array().unwrap().len(), folds, "{search}");
        let rounds = results["procedure"]["rounds"].as_array().map_or(0, Vec::len);
        assert_eq!(rounds, nested, "{search}");
        // One pass over the rows, whatever the rounds, but where a summary would lose digits.
        if results["work"]["guarded"] == 0 {
            assert_eq!(results["work"]["rows_read"], 120, "{search}");
        }
    }
    let (done, _, err) =
        scene.tune(&format!("{GRID}[search]\nmethod = \"group_k_fold\"\ngroup_col = \"persn\"\n"), &[]);
    assert!(!done && err.contains("did you mean `person`?"), "{err}");
    let (done, _, err) =
        scene.tune(&format!("{GRID}[search]\nmethod = \"rolling_origin\"\ntime_col = \"class\"\n"), &[]);
    assert!(!done && err.contains("numbers, dates or timestamps"), "{err}");
    let (done, _, err) = scene.tune(&format!("{GRID}[search]\nnested = \"yes\"\n"), &[]);
    assert!(!done && err.contains("c.toml:11") && err.contains("expected true, false or \"auto\""), "{err}");
}

#[test]
fn candidates_are_drawn_from_ranges() {
    let scene = Scene::new();
    let space =
        "[space]\n\"lr.reg_param\" = { log = [0.001, 10.0] }\n[grid]\n\"lr.fit_intercept\" = [true, false]\n";
    let drawn = |rest: &str| {
        let results = scene.results(&format!("{space}{rest}"));
        let of = |candidate: &Value| candidate["params"].to_string();
        results["candidates"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let twenty = drawn("");
    assert_eq!(twenty.len(), 20);
    assert!(
        twenty.iter().any(|params| params.contains("true")) && twenty.iter().any(|p| p.contains("false"))
    );
    let fifty = drawn("[search]\nmax_candidates = 50\n");
    assert_eq!(fifty[..20], twenty);
    let (done, out, err) = scene
        .tune("[grid]\n\"lr.reg_param\" = [0.1, 0.2, 0.3]\n[search]\nmax_candidates = 2\n", &["--explain"]);
    assert!(done && out.starts_with("2 candidates x 3 folds"), "{out}{err}");
    for (range, expected) in [
        ("{ log = [0.0, 1.0] }", "must begin above 0"),
        ("{ uniform = [2.0, 1.0] }", "empty or not finite"),
        ("{ uniform = [2.0] }", "has 1 numbers, expected the lowest and the highest"),
        ("{ normal = [0.0, 1.0] }", "no parameter `reg_param.normal`"),
        ("{ log = [-1.0, \"a\"] }", "expected a number"),
        ("{ uniform = [-5.0, 1.0] }", "`reg_param`"),
    ] {
        let (done, _, err) = scene.tune(&format!("[space]\n\"lr.reg_param\" = {range}\n"), &[]);
        assert!(!done && err.contains("c.toml:") && err.contains(expected), "{range}: {err}");
    }
}

#[test]
fn the_windows_of_time_are_explained() {
    let scene = Scene::new();
    let search = "[search]\nmethod = \"rolling_origin\"\ntime_col = \"month\"\ninitial = 6\nhorizon = 2\nstep = 1\ngap = 1\n";
    let (done, plan, err) = scene.tune(&format!("{GRID}{search}"), &["--explain"]);
    assert!(done, "{err}");
    let line = "\nrows used  the first fold trains on 60 and validates on 20, the last trains on 90 and validates on 20\n";
    assert!(plan.contains(line), "{plan}");
    // Where every fold uses all rows, there is nothing to tell.
    let (_, plan, _) = scene.tune(GRID, &["--explain"]);
    assert!(!plan.contains("rows used"), "{plan}");
}

#[test]
fn what_is_wrong_with_the_column_of_a_splitter() {
    let scene = Scene::new();
    let path = scene.0.path().join("d.csv");
    let data = std::fs::read_to_string(&path).unwrap();
    let by_time = format!("{GRID}[search]\nmethod = \"rolling_origin\"\ntime_col = \"month\"\n");
    let by_group = format!("{GRID}[search]\nmethod = \"group_k_fold\"\ngroup_col = \"person\"\n");
    // An empty cell.
    let row = data.lines().nth(4).unwrap().to_owned();
    let cells: Vec<&str> = row.split(',').collect();
    std::fs::write(&path, data.replacen(&row, &format!(",,{}", cells[2..].join(",")), 1)).unwrap();
    for (search, column) in [(&by_time, "month"), (&by_group, "person")] {
        let (done, _, err) = scene.tune(search, &[]);
        let expected = format!(
            "d.csv:5: column `{column}` is missing, expected a value: fill it, or leave such rows out with `drop_nulls = \
             [\"{column}\"]` under [data]"
        );
        assert!(!done && err.contains(&expected), "{err}");
    }
    // Dates in another form are not taken for numbers with other separators.
    std::fs::write(&path, data.replace("2024-", "26.01.20").replace("-01,", ",")).unwrap();
    let (done, _, err) = scene.tune(&by_time, &[]);
    assert!(!done && !err.contains("decimal"), "{err}");
    assert!(
        err.contains("column `month` is utf8, expected numbers, dates or timestamps, in the order of time; text is read as dates if"),
        "{err}"
    );
    // The column of the groups is no feature.
    std::fs::write(&path, data.replace("person ", "")).unwrap();
    let stage = "[[stage]]\nname = \"more\"\ntype = \"vector_assembler\"\ninput_cols = [\"u\", \"person\"]\noutput_col = \"more\"\n[[stage]]\n\
                 name = \"by\"\ntype = \"linear_regression\"\nfeatures_col = \"more\"\nprediction_col = \"p\"\n";
    let (done, _, err) = scene.tune(&format!("{stage}{by_group}"), &[]);
    assert!(
        !done
            && err.contains(
                "the column `person` cannot be a feature, because it is the `group_col` of [search]"
            )
            && err.contains("leave it out of the columns that the stage reads"),
        "{err}"
    );
}

#[test]
fn a_gap_in_a_feature_names_the_remedies() {
    let scene = Scene::new();
    let path = scene.0.path().join("d.csv");
    let data = std::fs::read_to_string(&path).unwrap();
    let row = data.lines().nth(9).unwrap().to_owned();
    let cells: Vec<&str> = row.split(',').collect();
    let gap = format!("{},{},{},,{},{}", cells[0], cells[1], cells[2], cells[4], cells[5]);
    std::fs::write(&path, data.replacen(&row, &gap, 1)).unwrap();
    let config = "[data]\npath = \"d.csv\"\nlabel = \"y\"\nfeatures = []\n[[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\n\
                  features_col = \"u\"\n[grid]\n\"lr.reg_param\" = [0.0, 0.1]\n";
    std::fs::write(scene.0.path().join("gap.toml"), config).unwrap();
    let tune = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_luthier"));
        let output = command.current_dir(scene.0.path()).args(["tune", "gap.toml"]).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(!output.status.success() && out.is_empty(), "{out}");
        err
    };
    let err = tune();
    assert!(err.contains("d.csv:10: ") && !err.contains("row 8"), "{err}");
    assert!(
        err.contains("column `u`: found null, expected a finite number: leave such rows out (`drop_nulls`), or fill the gaps with an `imputer`"),
        "{err}"
    );
}
