//! What `luthier tune` does where the configuration is silent.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

const DATA: &str =
    "[data]\npath = \"d.csv\"\nlabel = \"y\"\n[[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\n";

fn tune(folder: &Path, configuration: &str) -> (String, String) {
    std::fs::write(folder.join("c.toml"), configuration).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_luthier"))
        .current_dir(folder)
        .args(["tune", "c.toml", "--out", "out"])
        .output()
        .unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{told}");
    (std::fs::read_to_string(folder.join("out/results.csv")).unwrap(), told)
}

/// Without `[search]` three folds are cross-validated, and without `[grid]` the pipeline itself is the candidate.
#[test]
fn a_file_a_label_and_a_stage_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..30).map(|i| format!("{i},{},{}\n", (i * 7) % 5, i + 2 * (i * i % 13))).collect();
    std::fs::write(folder.path().join("d.csv"), format!("a,b,y\n{rows}")).unwrap();
    let metrics = |results: &str| -> Vec<String> {
        let lines: Vec<Vec<&str>> = results.lines().map(|line| line.split(',').collect()).collect();
        let wanted: Vec<usize> = (0..lines[0].len()).filter(|&i| lines[0][i].starts_with("fold_")).collect();
        assert_eq!(wanted.len(), 3, "{results}");
        wanted.iter().map(|&i| lines[1][i].to_owned()).collect()
    };

    let (results, told) = tune(folder.path(), DATA);
    assert!(told.contains("the configuration has no [grid]"), "{told}");
    assert_eq!(results.lines().count(), 2, "{results}");

    let written = format!(
        "{DATA}[grid]\n\"lr.reg_param\" = [0.0]\n[search]\nmethod = \"cross_validator\"\nnum_folds = 3\n"
    );
    let (same, told) = tune(folder.path(), &written);
    assert!(!told.contains("[grid]"), "{told}");
    assert_eq!(metrics(&results), metrics(&same));
    let (same, _) =
        tune(folder.path(), &format!("{DATA}[grid]\n\"lr.reg_param\" = [0.0]\n[search]\nparallelism = 2\n"));
    assert_eq!(metrics(&results), metrics(&same));
}
