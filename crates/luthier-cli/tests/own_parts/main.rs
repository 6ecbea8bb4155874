//! The program with parts of another crate, run in a process of its own.

#![allow(clippy::unwrap_used)]

mod bad_input;
mod isolation;
mod parts;
mod search;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, exit};

use serde_json::Value;
use tempfile::TempDir;

const ARGUMENTS: &str = "LUTHIER_TEST_ARGUMENTS";

/// Not a test of its own: what the other tests run as the program.
#[test]
fn program() {
    if let Ok(arguments) = std::env::var(ARGUMENTS) {
        let arguments: Vec<String> = serde_json::from_str(&arguments).unwrap();
        let code = luthier_cli::run(arguments);
        exit(if format!("{code:?}") == format!("{:?}", std::process::ExitCode::SUCCESS) { 0 } else { 1 });
    }
}

const DATA: &str =
    "label,w,part,x0,x1,text\n1,1,0,1,2,a\n2,1,1,2,3,b\n3,1,0,3,4,c\n4,2,1,4,5,d\n5,2,0,5,6,e\n6,2,1,6,7,f\n";

/// A directory with `data.csv` and `search.toml`.
struct Scene {
    directory: TempDir,
}

impl Scene {
    fn new(config: &str) -> Self {
        let scene = Self { directory: tempfile::tempdir().unwrap() };
        scene.write("data.csv", DATA);
        scene.write("search.toml", config);
        scene
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs `luthier` in the directory.
    fn luthier(&self, arguments: &[&str]) -> Output {
        let arguments: Vec<&str> = ["luthier"].iter().chain(arguments).copied().collect();
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "program", "--nocapture", "--quiet"])
            .env(ARGUMENTS, serde_json::to_string(&arguments).unwrap())
            .current_dir(self.directory.path())
            .output()
            .unwrap()
    }

    /// Runs `luthier`, which must succeed; its standard output.
    #[track_caller]
    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.luthier(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `luthier`, which must fail with 1; its error.
    #[track_caller]
    fn fail(&self, arguments: &[&str]) -> String {
        let output = self.luthier(arguments);
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("error: "), "{stderr}");
        stderr
    }

    fn json(&self, name: &str) -> Value {
        read_json(&self.path(name))
    }
}

fn read_json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A search that works; tests change a line of it.
const SEARCH: &str = r#"
seed = 7
[data]
path = "data.csv"
label = "label"
features = ["x*"]
partitions = 2
[[stage]]
name = "shift"
type = "test.shift"
[grid]
"shift.by" = [2.0, 0.5, 1]
[search]
method = "cross_validator"
num_folds = 2
parallelism = 2
executor = "thread_pool"
[evaluator]
type = "test.off"
"#;
