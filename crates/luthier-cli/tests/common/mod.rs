//! A folder, the program that runs in it, and what it leaves there.
#![allow(dead_code, reason = "not every test program uses all of it")]

use std::process::Command;

use tempfile::TempDir;

/// Runs the program; whether it succeeded, and what it wrote to its standard output and error.
#[track_caller]
pub(crate) fn luthier(folder: &TempDir, arguments: &str) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_luthier"))
        .current_dir(folder)
        .args(arguments.split(' '))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// Runs the program, which must succeed; what it wrote to its standard output.
#[track_caller]
pub(crate) fn done(folder: &TempDir, arguments: &str) -> String {
    let (success, out, error) = luthier(folder, arguments);
    assert!(success, "{arguments}: {error}");
    out
}

/// Writes a file, and the folders that it lies in.
pub(crate) fn write(folder: &TempDir, name: &str, text: &str) {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub(crate) fn read(folder: &TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}
