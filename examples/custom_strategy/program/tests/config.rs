//! A configuration names the strategy, which finds the best of the grid with a fraction of the fits.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[track_caller]
fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_acme-strategy")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The configuration with the data at their place, and another strategy.
fn config(folder_of: &Path, strategy: &str) -> String {
    let text = std::fs::read_to_string(folder().join("one_at_a_time.toml")).unwrap();
    let data = folder().join("../data/breast_cancer.csv").display().to_string();
    let text = text.replace("../data/breast_cancer.csv", &data).replace("acme.one_at_a_time", strategy);
    let text = match strategy {
        "grid" => text.replace("strategy_options = { max_sweeps = 5 }", ""),
        _ => text,
    };
    let file = folder_of.join(format!("{strategy}.toml"));
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

/// The parameters and the mean of the best candidate, and the pairs of a candidate and a round that were scored.
fn best(strategy: &str) -> (Value, f64, u64) {
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("out");
    run(&["tune", &config(out.path(), strategy), "--out", target.to_str().unwrap()]);
    let results: Value =
        serde_json::from_str(&std::fs::read_to_string(target.join("results.json")).unwrap()).unwrap();
    let best = &results["candidates"][results["best"].as_u64().unwrap() as usize];
    (best["params"].clone(), best["mean"].as_f64().unwrap(), results["work"]["evaluations"].as_u64().unwrap())
}

#[test]
fn it_finds_the_best_of_the_grid_with_a_fraction_of_the_fits() {
    let (params, mean, pairs) = best("acme.one_at_a_time");
    let (all_params, all_mean, all_pairs) = best("grid");
    assert_eq!(all_pairs, 6 * 5 * 9 * 3);
    assert!(pairs * 5 <= all_pairs, "{pairs} of {all_pairs}");
    assert_eq!(params, all_params);
    assert_eq!(mean.to_bits(), all_mean.to_bits());
}

#[test]
fn the_program_tells_about_it() {
    let out = tempfile::tempdir().unwrap();
    let explained = run(&["tune", &config(out.path(), "acme.one_at_a_time"), "--explain"]);
    assert!(explained.contains("acme.one_at_a_time"), "{explained}");
    assert!(run(&["stages", "acme.one_at_a_time"]).contains("How often each parameter is varied at most"));
}
