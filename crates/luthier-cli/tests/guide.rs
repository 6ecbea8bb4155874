//! The configurations in the guides are accepted.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not know as such")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn configurations(text: &str) -> Vec<&str> {
    let blocks = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.filter(|block| block.contains("[data]")).collect()
}

#[test]
fn every_configuration_can_be_explained() {
    let mut pages = vec![root().join("README.md")];
    pages.extend(std::fs::read_dir(root().join("docs/guide")).unwrap().map(|page| page.unwrap().path()));
    let directory = tempfile::tempdir().unwrap();
    let examples = root().join("examples").display().to_string();
    let mut explained = 0;
    for page in pages {
        for configuration in configurations(&std::fs::read_to_string(&page).unwrap()) {
            let file = directory.path().join("guide.toml");
            std::fs::write(&file, configuration.replace("\"data/", &format!("\"{examples}/data/"))).unwrap();
            let output = Command::new(env!("CARGO_BIN_EXE_luthier"))
                .args(["tune", "--explain"])
                .arg(&file)
                .output()
                .unwrap();
            let message = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {message}", page.display());
            explained += 1;
        }
    }
    assert!(explained > 0, "no guide has a configuration");
}

#[test]
fn the_first_configurations_are_examples() {
    let guide = std::fs::read_to_string(root().join("docs/guide/getting-started.md")).unwrap();
    for (shown, example) in configurations(&guide).into_iter().zip(["diabetes.toml", "competing.toml"]) {
        let example = std::fs::read_to_string(root().join("examples").join(example)).unwrap();
        assert!(example.ends_with(shown), "the guide shows\n{shown}\nthe example is\n{example}");
    }
}
