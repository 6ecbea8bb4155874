//! The peer process understands what `benches/peers/` asks.

#![allow(clippy::unwrap_used, reason = "in a test")]

use luthier::frame::{Column, DataFrame, ParquetOptions};
use luthier_bench::data;
use luthier_bench::peer::Peer;
use serde_json::{Value, json};

fn ask(peer: &mut Peer, request: Value) -> Value {
    peer.answer(&request.to_string()).unwrap()
}

fn metrics(answer: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(answer["metrics"].clone()).unwrap()
}

/// A peer that has 300 rows of 4 features in 3 folds, as `r`.
fn loaded(shape: &str, grids: Value, hold_out: bool, scan: bool) -> (Peer, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("r.parquet");
    let options = ParquetOptions::new().row_group_rows(100);
    data::frame(300, 4, 3).unwrap().write_parquet(&path, &options).unwrap();
    let mut peer = Peer::default();
    let request = json!({
        "action": "load", "name": "r", "shape": shape, "path": path, "grids": grids,
        "hold_out": hold_out, "scan": scan,
    });
    let answer = ask(&mut peer, request);
    assert_eq!(answer["rows"], 300);
    (peer, directory)
}

#[test]
fn a_search_answers_with_metrics_by_candidate_and_fold() {
    let grids = json!([{ "pca.k": [1, 3], "lr.reg_param": [0.1, 1.0] }]);
    let (mut peer, _directory) = loaded("pca_ridge", grids, false, false);
    let answer = ask(&mut peer, json!({ "action": "search", "name": "r", "options": {} }));
    let shared = metrics(&answer);
    assert_eq!(shared.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 3]);
    assert!(answer["seconds"].as_f64() > answer["refit_seconds"].as_f64());

    let options = json!({ "executor": "serial", "parallelism": 1, "threads": 1, "sharing_off": true });
    let off = ask(&mut peer, json!({ "action": "search", "name": "r", "options": options }));
    for (a, b) in shared.iter().flatten().zip(metrics(&off).iter().flatten()) {
        assert!((a - b).abs() < 1e-12, "{a} differs from {b}");
    }
    assert!(off["work"]["rows_read"].as_u64() > answer["work"]["rows_read"].as_u64());
}

#[test]
fn a_single_fit_scores_the_rows_that_are_held_out() {
    let grids = json!([{ "lr.reg_param": [0.5, 0.1] }]);
    for scan in [false, true] {
        let (mut peer, _directory) = loaded("scaled_ridge", grids.clone(), true, scan);
        let search = ask(&mut peer, json!({ "action": "search", "name": "r", "options": {} }));
        let searched = metrics(&search);
        assert_eq!(searched.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
        for (candidate, penalty) in [0.5, 0.1].into_iter().enumerate() {
            let one = json!([{ "lr.reg_param": [penalty] }]);
            let single = ask(&mut peer, json!({ "action": "single_fit", "name": "r", "grids": one }));
            let difference = single["metric"].as_f64().unwrap() - searched[candidate][0];
            assert!(difference.abs() < 1e-12, "{difference}");
        }
    }
}

#[test]
fn grids_follow_each_other() {
    let grids = json!([{ "spin.millis": [0], "spin.shift": [1.0, 2.0] }, { "spin.millis": [1], "spin.shift": [3.0] }]);
    let (mut peer, _directory) = loaded("spin", grids, true, false);
    let answer =
        ask(&mut peer, json!({ "action": "search", "name": "r", "options": { "parallelism": "auto" } }));
    let metrics = metrics(&answer).concat();
    assert_eq!(metrics.len(), 3);
    assert!(metrics[0] < metrics[1] && metrics[1] < metrics[2], "{metrics:?}");
}

/// 300 rows of two classes that a score tells apart, mostly.
fn classes() -> DataFrame {
    let frame = data::frame(300, 4, 3).unwrap();
    let score = frame.column_f64("label").unwrap();
    let label: Vec<f64> =
        score.iter().enumerate().map(|(i, x)| f64::from((*x > 0.0) ^ (i % 7 == 0))).collect();
    DataFrame::from_columns(vec![
        ("features", Column::vector(frame.vectors("features").unwrap().to_owned())),
        ("score", Column::f64(score)),
        ("label", Column::f64(label)),
        ("weight", Column::f64((0..300).map(|i| f64::from(i % 3) + 0.5).collect())),
        ("fold", Column::i64(frame.column_i64("fold").unwrap())),
    ])
    .unwrap()
}

#[test]
fn classes_are_searched_by_area_and_models_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.parquet");
    classes().write_parquet(&path, &ParquetOptions::new()).unwrap();
    let grids = json!([{ "lr.reg_param": [0.01, 0.1] }]);
    let mut peer = Peer::default();
    ask(
        &mut peer,
        json!({ "action": "load", "name": "c", "shape": "logistic", "path": path, "grids": grids }),
    );
    let areas = metrics(&ask(&mut peer, json!({ "action": "search", "name": "c" })));
    let single = ask(&mut peer, json!({ "action": "single_fit", "name": "c" }))["metric"].as_f64().unwrap();
    assert!((areas[0][0] - single).abs() < 1e-12, "{areas:?} {single}");

    let models = ask(&mut peer, json!({ "action": "models", "name": "c" }))["models"].clone();
    let size = |model: &Value| {
        let coefficients: Vec<f64> = serde_json::from_value(model["coefficients"].clone()).unwrap();
        coefficients.iter().map(|x| x * x).sum::<f64>()
    };
    assert_eq!(models.as_array().unwrap().len(), 2);
    assert!(size(&models[0]) > size(&models[1]), "a larger penalty makes coefficients smaller: {models}");
}

#[test]
fn areas_count_pairs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.parquet");
    let frame = classes();
    frame.write_parquet(&path, &ParquetOptions::new()).unwrap();
    let mut peer = Peer::default();
    ask(&mut peer, json!({ "action": "load", "name": "c", "shape": "logistic", "path": path, "grids": [] }));
    let column = |name| frame.column_f64(name).unwrap();
    let (score, label, weight) = (column("score"), column("label"), column("weight"));
    for weighted in [false, true] {
        let found = ask(&mut peer, json!({ "action": "area", "name": "c", "weighted": weighted }));
        let (mut right, mut all) = (0.0, 0.0);
        for i in (0..300).filter(|&i| label[i] == 1.0) {
            for j in (0..300).filter(|&j| label[j] == 0.0) {
                let pair = if weighted { weight[i] * weight[j] } else { 1.0 };
                right += pair * f64::from(score[i] > score[j]);
                all += pair;
            }
        }
        assert!((found["metric"].as_f64().unwrap() - right / all).abs() < 1e-12, "{found} {right} {all}");
    }
}

#[test]
fn a_file_of_categories_becomes_a_classifier() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("categories.csv");
    let row = |i: usize| format!("a{},b{},{}\n", i % 3, i % 2, usize::from(i.is_multiple_of(3)));
    std::fs::write(&path, format!("c0,c1,label\n{}", (0..60).map(row).collect::<String>())).unwrap();
    let mut peer = Peer::default();
    let found = ask(&mut peer, json!({ "action": "categorical", "path": path, "reg_param": 0.01 }));
    let coefficient = |name: &str| found["coefficients"][name].as_f64().unwrap();
    assert_eq!(found["coefficients"].as_object().unwrap().len(), 5);
    assert!(coefficient("c0=a0") > 1.0 && coefficient("c0=a1") < 0.0, "{found}");
    assert!(coefficient("c1=b0").abs() < 1e-6, "{found}");
}

#[test]
fn small_questions_are_answered() {
    let (mut peer, directory) = loaded("ridge", json!([{ "lr.reg_param": [0.1] }]), false, false);
    for request in [
        json!({ "action": "moments", "name": "r" }),
        json!({ "action": "gram", "name": "r" }),
        json!({ "action": "factorise", "count": 3, "width": 4 }),
        json!({ "action": "read", "path": directory.path().join("r.parquet") }),
        json!({ "action": "ideal", "fits": 2, "millis": 1 }),
    ] {
        assert!(ask(&mut peer, request.clone())["seconds"].as_f64() > Some(0.0), "{request}");
    }
    if cfg!(target_os = "linux") {
        assert!(ask(&mut peer, json!({ "action": "memory" }))["peak_bytes"].as_u64() > Some(1_000_000));
    }
}

#[test]
fn what_cannot_be_answered_is_an_error() {
    let mut peer = Peer::default();
    for (request, expected) in [
        ("{", "the request"),
        (r#"{"action": "dance"}"#, "unknown variant `dance`"),
        (r#"{"action": "search", "name": "absent"}"#, "`absent` was not loaded"),
        (r#"{"action": "read", "path": "/absent.parquet"}"#, "absent.parquet"),
    ] {
        let error = format!("{:#}", peer.answer(request).unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_floor_is_the_product() {
    let features = data::features(7_000, 3);
    let expected = features.t().dot(&features);
    let values = features.as_slice().unwrap();
    for product in
        [luthier_bench::floor::gram(values, 3), luthier_bench::floor::gram_threads_inside(values, 3)]
    {
        for i in 0..3 {
            for j in 0..=i {
                assert!((product[(i, j)] - expected[[i, j]]).abs() < 1e-9);
            }
        }
    }
    assert!((luthier_bench::floor::read_all(values) - features.sum()).abs() < 1e-9);
}
