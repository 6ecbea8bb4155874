//! What a search prints and writes.

use super::{SEARCH, Scene};
use serde_json::{Value, json};

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn without_times(mut results: Value) -> Value {
    for key in ["search_seconds", "load_seconds"] {
        assert!(results[key].as_f64().unwrap() >= 0.0);
        results[key] = Value::Null;
    }
    for candidate in results["candidates"].as_array_mut().unwrap() {
        for fold in candidate["folds"].as_array_mut().unwrap() {
            for key in ["fit_seconds", "score_seconds"] {
                assert!(fold[key].as_f64().unwrap() >= 0.0);
                fold[key] = Value::Null;
            }
        }
    }
    results
}

#[test]
fn results_have_the_documented_keys_in_order() {
    let scene = Scene::new(SEARCH);
    let stdout = scene.succeed(&["tune", "search.toml", "--out", "deep/out"]);
    assert!(stdout.contains("rank  candidate  shift.by"), "{stdout}");
    assert!(stdout.contains("planned  done") && stdout.contains("recomputed for accuracy"), "{stdout}");
    assert!(stdout.contains("best: candidate 1, off = ") && stdout.contains("shift.by = 0.5"), "{stdout}");
    let results = scene.json("deep/out/results.json");
    let top = [
        "format",
        "version",
        "metric",
        "larger_is_better",
        "also",
        "best",
        "selection",
        "strategy",
        "seed",
        "pipelines",
        "candidates",
        "notes",
        "ended_early",
        "procedure",
        "overlap",
        "search_seconds",
        "work",
        "planned",
        "load_seconds",
    ];
    assert_eq!(keys(&results), top);
    assert_eq!(results["metric"], "off");
    assert_eq!(results["larger_is_better"], false);
    assert_eq!(results["best"], 1);
    let candidates = results["candidates"].as_array().unwrap();
    let params: Vec<&Value> = candidates.iter().map(|c| &c["params"]).collect();
    assert_eq!(params, [&json!({"shift.by": 2.0}), &json!({"shift.by": 0.5}), &json!({"shift.by": 1})]);
    for (index, candidate) in candidates.iter().enumerate() {
        assert_eq!(
            keys(candidate),
            [
                "index",
                "pipeline",
                "params",
                "mean",
                "std",
                "std_error",
                "scored_folds",
                "rank",
                "probability_best",
                "folds"
            ]
        );
        assert_eq!(candidate["index"], index);
        let folds = candidate["folds"].as_array().unwrap();
        for (number, fold) in folds.iter().enumerate() {
            let expected = ["fold", "outcome", "metric", "fit_seconds", "score_seconds", "reused_fits"];
            assert_eq!(keys(fold), expected);
            assert_eq!((&fold["fold"], &fold["outcome"]), (&json!(number), &json!("scored")));
        }
        let metrics: Vec<f64> = folds.iter().map(|fold| fold["metric"].as_f64().unwrap()).collect();
        assert_eq!(candidate["mean"].as_f64().unwrap(), (metrics[0] + metrics[1]) / 2.0);
    }
    let ranks: Vec<u64> = candidates.iter().map(|c| c["rank"].as_u64().unwrap()).collect();
    assert_eq!(ranks, [3, 1, 2]);
    for key in ["rows_read", "summaries", "factorisations", "fits"] {
        assert!(results["work"][key].is_u64(), "{key}");
    }
    assert!(scene.json("deep/out/events.json").as_array().unwrap().len() >= 6);

    let csv = std::fs::read_to_string(scene.path("deep/out/results.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "index,rank,shift.by,mean,std,std_error,probability_best,fold_0,fold_1,scored_folds,fit_seconds,score_seconds,error"
    );
    assert_eq!(lines.len(), 4);
    let mean = candidates[1]["mean"].as_f64().unwrap();
    assert!(lines[2].starts_with(&format!("1,1,0.5,{mean:?},")), "{}", lines[2]);
}

#[test]
fn nothing_but_times_depends_on_the_executor() {
    let scene = Scene::new(SEARCH);
    let mut all = Vec::new();
    let runs = [["serial", "1"], ["rayon", "2"], ["thread_pool", "3"], ["thread_pool", "auto"]];
    for [executor, parallelism] in runs {
        scene.succeed(&[
            "tune",
            "search.toml",
            "--out",
            "out",
            "--executor",
            executor,
            "--parallelism",
            parallelism,
        ]);
        all.push(without_times(scene.json("out/results.json")).to_string());
    }
    assert!(all.iter().all(|one| *one == all[0]), "{all:#?}");
}

#[test]
fn candidates_that_fail_are_rows() {
    let scene = Scene::new(&SEARCH.replace("[2.0, 0.5, 1]", "[13, 0.5, 14]"));
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    let results = scene.json("out/results.json");
    let candidate = |index: usize| &results["candidates"][index];
    assert_eq!(candidate(0)["mean"], "NaN");
    assert_eq!(candidate(0)["rank"], 2);
    assert!(candidate(0)["folds"][0]["error"]["message"].as_str().unwrap().contains("thirteen is bad luck"));
    assert!(candidate(2)["folds"][1]["error"]["message"].as_str().unwrap().contains("fourteen is too many"));
    assert_eq!(candidate(1)["rank"], 1);
    let csv = std::fs::read_to_string(scene.path("out/results.csv")).unwrap();
    assert!(csv.contains("NaN") && csv.contains("fourteen is too many"), "{csv}");
}

#[test]
fn if_all_fail_so_does_the_search() {
    let scene = Scene::new(&SEARCH.replace("[2.0, 0.5, 1]", "[14]"));
    let error = scene.fail(&["tune", "search.toml", "--out", "out"]);
    assert!(error.contains("fourteen is too many") && error.contains("on folds 0, 1 (2 times)"), "{error}");
    // The table is there, a model is not.
    assert_eq!(scene.json("out/results.json")["best"], Value::Null);
    assert!(scene.path("out/results.csv").exists() && !scene.path("out/model.json").exists());
}

#[test]
fn a_refit_that_fails_leaves_results() {
    let scene = Scene::new(SEARCH);
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    assert!(scene.path("out/model.json").exists());
    scene.write("search.toml", &SEARCH.replace("[2.0, 0.5, 1]", "[15]"));
    let error = scene.fail(&["tune", "search.toml", "--out", "out"]);
    assert!(error.contains("not on all rows"), "{error}");
    assert_eq!(error.matches("not on all rows").count(), 1, "{error}");
    assert_eq!(scene.json("out/results.json")["best"], 0);
    assert!(scene.path("out/results.csv").exists() && !scene.path("out/model.json").exists());
}

#[test]
fn explain_runs_nothing() {
    let scene = Scene::new(&SEARCH.replace("[2.0, 0.5, 1]", "[14]"));
    let stdout = scene.succeed(&["tune", "search.toml", "--out", "out", "--explain"]);
    assert!(stdout.contains("1 candidate x 2 folds"), "{stdout}");
    assert!(!scene.path("out").exists());
}

#[test]
fn grids_are_united_and_may_be_written_as_tables() {
    let two =
        "[[grid]]\n\"shift.by\" = [3.0]\n[[grid]]\nshift.by = [1.0]\nshift.label_col = [\"label\", \"x0\"]";
    let scene = Scene::new(&SEARCH.replace("[grid]\n\"shift.by\" = [2.0, 0.5, 1]", two));
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    let results = scene.json("out/results.json");
    let params: Vec<&Value> =
        results["candidates"].as_array().unwrap().iter().map(|c| &c["params"]).collect();
    let expected = [
        json!({"shift.by": 3.0}),
        json!({"shift.by": 1.0, "shift.label_col": "label"}),
        json!({"shift.by": 1.0, "shift.label_col": "x0"}),
    ];
    assert_eq!(params, expected.iter().collect::<Vec<_>>());
}

#[test]
fn data_gives_the_default_columns_and_explicit_keys_win() {
    let fit = |data: &str, stage: &str| {
        let scene = Scene::new(&format!(
            "[data]\npath = \"data.csv\"\nfeatures = \"x1\"\n{data}\n[[stage]]\ntype = \"test.shift\"\nby = 0\n{stage}\n"
        ));
        scene.succeed(&["fit", "search.toml", "--model", "model.json"]);
        let stdout = scene.succeed(&["inspect", "model.json", "--json"]);
        let from = stdout.find('{').unwrap();
        let json = serde_json::Deserializer::from_str(&stdout[from..]).into_iter().next().unwrap();
        let json: Value = json.unwrap();
        assert_eq!(keys(&json), ["type", "stages", "inputs", "evaluators", "reading"]);
        assert_eq!(keys(&json["stages"][0]), ["name", "type", "params", "state", "description"]);
        assert_eq!(json["stages"][0]["name"], "shift");
        (json["stages"][0].clone(), json["inputs"].clone())
    };
    let (stage, inputs) = fit("label = \"x0\"\nweight = \"w\"", "");
    assert_eq!(stage["params"]["label_col"], "x0");
    assert_eq!(stage["params"]["weight_col"], "w");
    assert_eq!(stage["state"]["value"], 3.5);
    assert_eq!(stage["state"]["never"], "NaN");
    let expected = json!({
        "features": ["x1"], "num_features": 1, "label": "x0", "weight": "w", "fold": null, "missing_label": "error"
    });
    assert_eq!(inputs, expected);
    let (stage, _) = fit("label = \"x0\"\nweight = \"w\"", "weight_col = \"\"\nlabel_col = \"label\"");
    assert_eq!(stage["params"]["weight_col"], Value::Null);
    assert_eq!(stage["params"]["label_col"], "label");
}

#[test]
fn an_empty_column_in_a_grid_is_none() {
    let scene = Scene::new(&SEARCH.replace("[2.0, 0.5, 1]", "[1.0]\n\"shift.weight_col\" = [\"w\", \"\"]"));
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    let results = scene.json("out/results.json");
    assert_eq!(results["candidates"][0]["params"]["shift.weight_col"], "w");
    assert_eq!(results["candidates"][1]["params"]["shift.weight_col"], Value::Null);
}

#[test]
fn the_fold_column_of_the_data_is_that_of_the_search() {
    let with_fold = SEARCH.replace("partitions = 2", "partitions = 2\nfold = \"part\"");
    let metrics = |config: &str| {
        let scene = Scene::new(config);
        scene.succeed(&["tune", "search.toml", "--out", "out"]);
        let results = scene.json("out/results.json");
        results["candidates"][0]["folds"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fold| fold["metric"].as_f64().unwrap())
            .collect::<Vec<_>>()
    };
    // Fold 0 has the labels 1, 3, 5 and is predicted as 4 + 2; fold 1 has 2, 4, 6 and is predicted as 3 + 2.
    let expected = [3.0, 5.0 / 3.0];
    assert_eq!(metrics(&with_fold), expected);
    assert_eq!(metrics(&with_fold.replace("num_folds = 2\n", "")), expected);
    assert_eq!(metrics(&SEARCH.replace("num_folds = 2", "fold_col = \"part\"")), expected);
    assert_eq!(metrics(&with_fold.replace("num_folds = 2", "fold_col = \"\"\nnum_folds = 6")).len(), 6);
    assert_eq!(
        metrics(&with_fold.replace("cross_validator\"", "k_fold\"").replace("_folds = 2", "_folds = 3"))
            .len(),
        3
    );
    let split = "train_validation_split\"\ntrain_ratio = 0.5";
    assert_eq!(metrics(&with_fold.replace("cross_validator\"\nnum_folds = 2", split)).len(), 1);
}

#[test]
fn predictions_need_no_label() {
    let scene = Scene::new(&SEARCH.replace("[2.0, 0.5, 1]", "[0.1]"));
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    scene.write("new.csv", "x1,more,x0\n1,a,2\n3,\"b,c\",4\n");
    scene.succeed(&["predict", "out/model.json", "new.csv", "--out", "p.csv"]);
    let predictions = std::fs::read_to_string(scene.path("p.csv")).unwrap();
    // 3.6 is not what 3.5 + 0.1 gives in binary for nothing: bits survive the model file.
    let value = 3.5 + 0.1;
    assert_eq!(predictions, format!("x1,more,x0,prediction\n1,a,2,{value:?}\n3,\"b,c\",4,{value:?}\n"));
    scene.succeed(&["predict", "out/model.json", "new.csv", "--out", "p.parquet"]);
    let frame = luthier::frame::DataFrame::read_parquet(scene.path("p.parquet")).unwrap();
    assert_eq!(frame.column_f64("prediction").unwrap(), [value, value]);

    scene.write("short.csv", "x1\n1\n");
    let error = scene.fail(&["predict", "out/model.json", "short.csv", "--out", "p.csv"]);
    assert!(error.contains("short.csv") && error.contains("`x0`"), "{error}");
    scene.write("hole.csv", "x0,x1\n1,2\n3,\n");
    let error = scene.fail(&["predict", "out/model.json", "hole.csv", "--out", "p.csv"]);
    assert!(error.contains("hole.csv:3: column `x1` is missing"), "{error}");
    for name in ["p.xlsx", "p.txt", "p.tsv", "p"] {
        let error = scene.fail(&["predict", "out/model.json", "new.csv", "--out", name]);
        assert!(
            error.contains(&format!("{name}: ")) && error.contains(".csv.zst), .parquet or .pq"),
            "{error}"
        );
    }
    scene.write("semi.csv", "x0;x1\n1;NA\n");
    let error = scene.fail(&[
        "predict",
        "out/model.json",
        "semi.csv",
        "--out",
        "p.csv",
        "--delimiter",
        ";",
        "--null-value",
        "NA",
    ]);
    assert!(error.contains("semi.csv:2: column `x1`"), "{error}");
}

#[test]
fn a_model_of_another_version_is_refused() {
    let scene = Scene::new(SEARCH);
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    // Who edits a model deletes its checksum.
    let mut model = scene.json("out/model.json");
    model.as_object_mut().unwrap().remove("checksum");
    let text = serde_json::to_string_pretty(&model).unwrap();
    let change = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        scene.write("changed.json", &text.replacen(from, to, 1));
        scene.fail(&["inspect", "changed.json"])
    };
    let error = change("\"version\": 1", "\"version\": 99");
    assert!(error.contains("changed.json") && error.contains("99"), "{error}");
    let error = change("test.shift", "test.shaft");
    assert!(error.contains("did you mean `test.shift`"), "{error}");
    let error = change("\"format\": \"luthier\"", "\"format\": \"other\"");
    assert!(error.contains("not a saved model"), "{error}");
    let error = scene.fail(&["inspect", "nothing.json"]);
    assert!(error.contains("nothing.json"), "{error}");
}

#[test]
fn inspect_prints_what_was_learned() {
    let scene = Scene::new(SEARCH);
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    let text = scene.succeed(&["inspect", "out/model.json"]);
    for part in
        ["2 features: x0, x1", "label: label", "stage shift (test.shift)", "by", "value = 4.0", "never = NaN"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn stages_are_listed_with_their_parameters() {
    let scene = Scene::new(SEARCH);
    let list = scene.succeed(&["stages"]);
    for line in [
        "test.shift",
        "estimator",
        "test.off",
        "evaluator",
        "cross_validator",
        "k_fold",
        "splitter",
        "thread_pool",
        "executor",
    ] {
        assert!(list.contains(line), "{line}: {list}");
    }
    let one = scene.succeed(&["stages", "test.shift"]);
    for part in ["by", "number", ">= 0", "required", "What to add to the mean", "prediction_col", "string"] {
        assert!(one.contains(part), "{part}: {one}");
    }
    let error = scene.fail(&["stages", "test.shif"]);
    assert!(error.contains("did you mean `test.shift`"), "{error}");
}

#[test]
fn a_vector_column_called_features_is_used_as_it_is() {
    use luthier::frame::{Column, DataFrame, ParquetOptions};
    let scene = Scene::new(&SEARCH.replace("data.csv", "data.parquet").replace("[\"x*\"]", "[\"*\"]"));
    let matrix = ndarray::Array2::from_shape_fn((6, 2), |(row, column)| (row + column) as f64);
    let label = Column::i64((1..7).collect());
    let write = |columns: Vec<(&str, Column)>| {
        let frame = DataFrame::from_columns(columns).unwrap();
        frame.write_parquet(scene.path("data.parquet"), &ParquetOptions::new()).unwrap();
    };
    let (vectors, name) = (Column::vector(matrix), Column::utf8(["a", "b", "c", "d", "e", "f"]));
    write(vec![("label", label.clone()), ("features", vectors.clone()), ("name", name)]);
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    assert_eq!(scene.json("out/model.json")["inputs"]["features"], json!(["features"]));
    assert_eq!(scene.json("out/model.json")["inputs"]["num_features"], 2);
    scene.succeed(&["predict", "out/model.json", "data.parquet", "--out", "p.csv"]);
    let predictions = std::fs::read_to_string(scene.path("p.csv")).unwrap();
    assert!(
        predictions.starts_with("label,features_0,features_1,name,prediction\n1,0.0,1.0,a,"),
        "{predictions}"
    );

    write(vec![("label", label.clone()), ("features", vectors.clone()), ("x", label.clone())]);
    let error = scene.fail(&["tune", "search.toml"]);
    assert!(error.contains("select this column only, or rename it"), "{error}");

    write(vec![("label", label.clone()), ("v", vectors), ("x", label)]);
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    assert_eq!(scene.json("out/model.json")["inputs"]["features"], json!(["v", "x"]));
    assert_eq!(scene.json("out/model.json")["inputs"]["num_features"], 3);
}

#[test]
fn pipelines_nest() {
    let nested = "name = \"outer\"\ntype = \"pipeline\"\n[[stage.stage]]\ntype = \"test.shift\"";
    let config = SEARCH
        .replace("name = \"shift\"\ntype = \"test.shift\"", nested)
        .replace("\"shift.by\"", "\"outer.shift.by\"");
    let scene = Scene::new(&config);
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    assert_eq!(scene.json("out/results.json")["candidates"][1]["params"], json!({"outer.shift.by": 0.5}));
    let text = scene.succeed(&["inspect", "out/model.json"]);
    assert!(text.contains("stage outer.shift (test.shift)"), "{text}");
    let error = Scene::new(&config.replace("[[stage.stage]]", "k = 1\n[[stage.stage]]"))
        .fail(&["tune", "search.toml"]);
    assert!(error.contains("search.toml:11") && error.contains("no key `k`"), "{error}");
}

#[test]
fn sharing_can_be_switched_off() {
    let scene = Scene::new(SEARCH);
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    let shared = scene.json("out/results.json");
    scene.write("search.toml", &SEARCH.replace("num_folds = 2", "num_folds = 2\nsharing = false"));
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    let alone = scene.json("out/results.json");
    for index in 0..3 {
        assert_eq!(shared["candidates"][index]["mean"], alone["candidates"][index]["mean"]);
    }
    assert!(alone["work"]["rows_read"].as_u64() >= shared["work"]["rows_read"].as_u64());
}

#[test]
fn a_glob_passes_over_text_and_says_so() {
    let scene = Scene::new(&SEARCH.replace("[\"x*\"]", "[\"*\"]"));
    let output = scene.luthier(&["tune", "search.toml", "--out", "out"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && stderr.contains("note: ") && stderr.contains("text: utf8"),
        "{stderr}"
    );
    assert_eq!(scene.json("out/model.json")["inputs"]["features"], json!(["w", "part", "x0", "x1"]));
}

#[test]
fn predictions_may_be_some_columns() {
    let scene = Scene::new(SEARCH);
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    let predict = ["predict", "out/model.json", "data.csv", "--out", "p.csv", "--columns"];
    let with = |columns| [&predict[..], &[columns]].concat();
    scene.succeed(&with("prediction,text"));
    let predictions = std::fs::read_to_string(scene.path("p.csv")).unwrap();
    assert!(predictions.starts_with("prediction,text\n4.0,a\n4.0,b\n"), "{predictions}");
    let error = scene.fail(&with("text,predicton"));
    assert!(error.contains("--columns") && error.contains("did you mean `prediction`"), "{error}");
}

/// The features of a search that selects all columns.
#[track_caller]
fn all_features(changes: &[(&str, &str)]) -> Value {
    let config = SEARCH.replace("label = \"label\"\nfeatures = [\"x*\"]", "features = [\"*\"]");
    let config = changes.iter().fold(config, |config, (from, to)| {
        assert!(config.contains(from), "{from}");
        config.replace(from, to)
    });
    let scene = Scene::new(&config);
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    scene.json("out/model.json")["inputs"]["features"].clone()
}

#[test]
fn a_glob_leaves_out_what_any_part_takes_as_label_weight_or_fold() {
    // No [data] label: by default stage and evaluator take `label`.
    assert_eq!(all_features(&[]), json!(["w", "part", "x0", "x1"]));
    let stage = ("type = \"test.shift\"", "type = \"test.shift\"\nlabel_col = \"x1\"\nweight_col = \"w\"");
    assert_eq!(all_features(&[stage]), json!(["part", "x0"]), "the evaluator takes `label` all the same");
    let evaluator = ("type = \"test.off\"", "type = \"test.off\"\nlabel_col = \"x1\"");
    assert_eq!(all_features(&[stage, evaluator]), json!(["label", "part", "x0"]));
    let grid =
        ("[grid]", "[grid]\n\"shift.label_col\" = [\"label\", \"x0\"]\n\"shift.weight_col\" = [\"\", \"w\"]");
    assert_eq!(all_features(&[grid]), json!(["part", "x1"]));
    let folds = ("num_folds = 2", "fold_col = \"part\"");
    assert_eq!(all_features(&[folds]), json!(["w", "x0", "x1"]));
    let data = ("features = ", "label = \"x1\"\nfeatures = ");
    assert_eq!(all_features(&[data]), json!(["label", "w", "part", "x0"]), "the default of every label_col");
    let nested =
        "type = \"pipeline\"\n[[stage.stage]]\nname = \"inner\"\ntype = \"test.shift\"\nlabel_col = \"x0\"";
    let nested = [("type = \"test.shift\"", nested), ("\"shift.by\"", "\"shift.inner.by\"")];
    assert_eq!(all_features(&nested), json!(["w", "part", "x1"]));
}

#[test]
fn a_named_feature_cannot_be_the_label_of_a_part() {
    let config = SEARCH
        .replace("label = \"label\"\n", "")
        .replace("[\"x*\"]", "[\"x0\", \"x1\"]")
        .replace("type = \"test.shift\"", "type = \"test.shift\"\nlabel_col = \"x1\"");
    let error = Scene::new(&config).fail(&["tune", "search.toml"]);
    assert!(
        error.contains("search.toml:5: features: the column `x1` cannot be a feature, because it is the label of stage `shift`"),
        "{error}"
    );
}

#[test]
fn parquet_columns_are_read_when_they_are_needed_to_the_same_bits() {
    use luthier::frame::{Column, DataFrame, ParquetOptions};
    let parquet = SEARCH.replace("data.csv", "data.parquet");
    let scene = Scene::new(&parquet);
    let frame = DataFrame::read_csv(scene.path("data.csv"), &luthier::frame::CsvOptions::new()).unwrap();
    let write = |frame: &DataFrame| {
        frame.write_parquet(scene.path("data.parquet"), &ParquetOptions::new().row_group_rows(4)).unwrap();
    };
    write(&frame);
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    scene.write("search.toml", SEARCH);
    let metrics = |json: serde_json::Value| {
        json["candidates"].as_array().unwrap().iter().map(|c| c["mean"].clone()).collect::<Vec<_>>()
    };
    let scanned = metrics(scene.json("out/results.json"));
    scene.succeed(&["tune", "search.toml", "--out", "out"]);
    assert_eq!(scanned, metrics(scene.json("out/results.json")));

    scene.write("search.toml", &parquet);
    let x2 = vec![Some(1.0), Some(1.0), Some(1.0), Some(1.0), None, Some(1.0)];
    write(&frame.with_column("x2", Column::f64_nullable(x2)).unwrap());
    let error = scene.fail(&["tune", "search.toml"]);
    assert!(error.contains("data.parquet, row group 1, row 0: column `x2` is missing"), "{error}");
}

#[test]
fn several_evaluators_are_reported_and_the_first_decides() {
    let others = "[[evaluator]]\ntype = \"test.off\"\n[[evaluator]]\ntype = \"regression\"\nmetric = \"mae\"\n\
        [[evaluator]]\ntype = \"multiclass_classification\"\nmetric = \"recall_by_label\"\nmetric_label = 1e9\n";
    let alone = Scene::new(SEARCH);
    alone.succeed(&["tune", "search.toml", "--out", "out"]);
    let scene = Scene::new(&SEARCH.replace("[evaluator]\ntype = \"test.off\"\n", others));
    let shown = scene.succeed(&["tune", "search.toml", "--out", "out"]);
    assert!(shown.contains("mae") && shown.contains("recall_by_label(1000000000): "), "{shown}");
    let (alone, results) = (alone.json("out/results.json"), scene.json("out/results.json"));
    assert_eq!((&results["best"], &results["metric"]), (&alone["best"], &alone["metric"]));
    assert_eq!(results["also"][0], json!({"metric": "mae", "larger_is_better": false}));
    for (with, without) in
        results["candidates"].as_array().unwrap().iter().zip(alone["candidates"].as_array().unwrap())
    {
        assert_eq!((&with["mean"], &with["rank"]), (&without["mean"], &without["rank"]));
        // The evaluator of another crate is the same metric.
        let close = |a: &Value, b: &Value| (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-12;
        assert!(close(&with["also"][0]["mean"], &with["mean"]));
        assert_eq!(with["also"][1]["mean"], "NaN");
        for fold in with["folds"].as_array().unwrap() {
            assert!(close(&fold["also"][0]["metric"], &fold["metric"]) && fold["also"][0]["error"].is_null());
            assert!(
                fold["also"][1]["error"]["message"]
                    .as_str()
                    .unwrap()
                    .contains("a class, which is an integer")
            );
            assert!(fold["error"].is_null());
        }
    }
    let csv = std::fs::read_to_string(scene.path("out/results.csv")).unwrap();
    let header = csv.lines().next().unwrap();
    assert!(
        header.contains(
            "fold_1,scored_folds,mae_mean,mae_std,mae_fold_0,mae_fold_1,mae_scored_folds,recall_by_label"
        ),
        "{header}"
    );

    let typo = others.replace("metric = \"mae\"", "metric = \"mad\"");
    scene.write("search.toml", &SEARCH.replace("[evaluator]\ntype = \"test.off\"\n", &typo));
    let error = scene.fail(&["tune", "search.toml"]);
    assert!(error.contains("search.toml:22") && error.contains("mae"), "{error}");
}
