//! Files that cannot be read or written: the error says what was tried, which file, and what to do.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use tempfile::TempDir;

const CONFIG: &str = "[data]\nlabel = \"y\"\npath = \"d.csv\"\n[[stage]]\ntype = \"linear_regression\"\n";
const SEARCH: &str =
    "[grid]\n\"linear_regression.reg_param\" = [0, 1]\n[search]\nmethod = \"cross_validator\"\n";

/// A folder with `fit.toml`, `tune.toml`, their data, the folder `folder.csv` and a model.
fn scene() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("fit.toml", CONFIG);
    write("tune.toml", &format!("{CONFIG}{SEARCH}"));
    write("d.csv", "y,x\n1,2\n2,3\n3,5\n5,8\n8,13\n13,21\n");
    for name in ["folder.csv", "full", "full/results.csv"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    assert_eq!(error_of(&folder, "fit fit.toml --model m.json"), "");
    folder
}

/// The error of a run, without the system's own words.
#[track_caller]
fn error_of(folder: &TempDir, arguments: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_luthier"))
        .current_dir(folder)
        .args(arguments.split(' '))
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!error.contains("os error"), "{error}");
    error
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = scene();
    let check = |arguments: &str, expected: &str| {
        assert_eq!(error_of(&folder, arguments), format!("error: {expected}\n"), "{arguments}");
    };
    check("tune none.toml", "cannot read the configuration none.toml: the file does not exist");
    check("tune folder.csv", "cannot read the configuration folder.csv: it is a folder; name a file");
    std::fs::write(folder.path().join("binary.toml"), [0xff, 0xfe, 0x00]).unwrap();
    check("tune binary.toml", "cannot read the configuration binary.toml: not valid UTF-8");
    std::fs::write(folder.path().join("large.toml"), "# rows\n".repeat(300_000)).unwrap();
    let expected =
        "large.toml: the file is larger than 1 MB, expected a configuration, which is a short text in TOML";
    check("tune large.toml", expected);
    check("inspect none.json", "cannot read none.json: the file does not exist");
    check("inspect folder.csv", "cannot read folder.csv: it is a folder; name a file");
    check("predict m.json none.csv --out o.csv", "cannot read none.csv: the file does not exist");
    check("predict m.json none.parquet --out o.csv", "cannot read none.parquet: the file does not exist");
    let empty =
        "folder.csv: the folder has no files, except hidden ones and those whose names begin with `_`";
    check("predict m.json folder.csv --out o.csv", empty);
    for (data, expected) in [
        ("none.csv", "cannot read none.csv: the file does not exist"),
        ("none/d.csv", "cannot read none/d.csv: the folder none does not exist"),
        ("folder.csv", empty),
    ] {
        std::fs::write(folder.path().join("c.toml"), CONFIG.replace("d.csv", data)).unwrap();
        check("fit c.toml --model m.json", &format!("c.toml:3: {expected}"));
    }
}

#[test]
fn what_cannot_be_written_is_told_before_the_work() {
    let folder = scene();
    // With these rows a fit would fail, too.
    std::fs::write(folder.path().join("d.csv"), "y,x\n1,\n").unwrap();
    let check = |arguments: &str, expected: &str| {
        assert_eq!(error_of(&folder, arguments), format!("error: cannot {expected}\n"), "{arguments}");
    };
    let no_folder = "the folder none does not exist";
    check("fit fit.toml --model none/m.json", &format!("write none/m.json: {no_folder}"));
    check("fit fit.toml --model folder.csv", "write folder.csv: it is a folder; name a file");
    check("predict m.json d.csv --out none/o.csv", &format!("write none/o.csv: {no_folder}"));
    check("predict m.json d.csv --out folder.csv", "write folder.csv: it is a folder; name a file");
    let in_the_way =
        "a part of the path is a file instead of a folder; name another folder, or remove the file";
    std::fs::write(folder.path().join("d.csv"), "y,x\n1,2\n2,3\n3,5\n5,8\n").unwrap();
    check("tune tune.toml --out m.json", &format!("create the folder m.json: {in_the_way}"));
    check("tune tune.toml --out m.json/out", &format!("create the folder m.json/out: {in_the_way}"));
    check("tune tune.toml --out full", "write full/results.csv: it is a folder; name a file");
}

#[cfg(unix)]
#[test]
fn a_socket_or_device_is_not_replaced_by_a_model() {
    let folder = scene();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("s.json")).unwrap();
    let error = error_of(&folder, "fit fit.toml --model s.json");
    assert_eq!(error, "error: cannot write s.json: it is not a regular file; name another file\n");
}

/// Threads that cannot be started are no fault of a stage. Under a limit on memory, a thread that was started may also end the process before it
/// runs any of our code, so several limits are tried.
#[cfg(target_os = "linux")]
#[test]
fn threads_that_cannot_be_started_are_named() {
    let config = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/diabetes.toml");
    let mut named = 0;
    for kilobytes in [600_000, 1_000_000, 1_400_000, 2_000_000, 2_600_000, 3_200_000] {
        let program = env!("CARGO_BIN_EXE_luthier");
        let command = format!("ulimit -v {kilobytes}; exec {program} tune {} --quiet", config.display());
        let mut shell = Command::new("sh");
        let done = shell.args(["-c", &command]).env("RAYON_NUM_THREADS", "8000").output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(!done.status.success() && !said.contains("stage `"), "{said}");
        if said.contains("threads for data parallelism cannot be started") {
            assert!(done.status.code() == Some(1) && said.contains("RAYON_NUM_THREADS"), "{said}");
            named += 1;
        }
    }
    assert!(named > 0, "no error names the threads");
}
