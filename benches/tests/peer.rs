//! The peer process understands what `benches/peers/` asks.

#![allow(clippy::unwrap_used, reason = "in a test")]

use luthier::frame::ParquetOptions;
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
