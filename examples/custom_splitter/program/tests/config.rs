//! A configuration names the splitter.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[track_caller]
fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_acme-splitter")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn results(config: &str) -> Value {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("c.toml");
    let data = folder().join("returns.csv").display().to_string();
    std::fs::write(&file, config.replace("returns.csv", &data)).unwrap();
    let target = out.path().join("out");
    run(&["tune", file.to_str().unwrap(), "--out", target.to_str().unwrap()]);
    serde_json::from_str(&std::fs::read_to_string(target.join("results.json")).unwrap()).unwrap()
}

#[test]
fn the_example_runs() {
    let config = std::fs::read_to_string(folder().join("purged.toml")).unwrap();
    let purged = results(&config);
    assert_eq!(purged["candidates"][0]["folds"].as_array().unwrap().len(), 5);
    // Summaries of few blocks serve all rounds.
    assert_eq!(purged["work"]["rows_read"], 300);
    let plain = results(&config.replace("horizon = 5", "horizon = 0").replace("embargo = 15", "embargo = 0"));
    assert_ne!(purged["candidates"][0]["mean"], plain["candidates"][0]["mean"]);
    let tested = results(&config.replace("features =", "test = 0.2\nfeatures ="));
    assert_eq!(tested["test"]["rows"], 60);
    assert!(run(&["stages", "acme.purged_k_fold"]).contains("Number of times that a label looks ahead"));
}

/// The label is what the other columns say of the days behind.
#[test]
fn the_labels_look_five_days_ahead() {
    let text = std::fs::read_to_string(folder().join("returns.csv")).unwrap();
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect())
        .collect();
    for (row, ahead) in rows.iter().zip(rows.windows(5).skip(1)) {
        let sum: f64 = ahead.iter().map(|row| row[0]).sum();
        assert!((row[4] - sum).abs() < 1e-9 && (ahead[4][1] - sum).abs() < 1e-9);
    }
}
