//! Files that are damaged, or made to do harm: whatever is in them, the program ends with a result or an error.
//!
//! For each kind of file there are good ones, which the program makes itself. They are changed in thousands of ways that
//! depend on nothing but a number, and given to the commands that read them. These run in a child process with a
//! limited address space, so that a request for too much memory, or a stack that overflows, ends the child and is found here.
//!
//! `LUTHIER_MUTATIONS=100000 cargo test -p luthier-cli --test hostile` tries as many changes of each kind, and
//! `LUTHIER_MUTATIONS_FROM` skips the first of them. A file that does harm is kept, and the message names it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod chance;
mod child;
mod document;
mod kind;
mod memory;
mod mutation;
mod parent;
mod parquet_seeds;
mod seeds;

use kind::Kind;

#[global_allocator]
static COUNTED: memory::Counted = memory::Counted;

#[test]
fn models() {
    parent::run(Kind::Model, 600);
}

#[test]
fn configurations() {
    parent::run(Kind::Configuration, 400);
}

#[test]
fn csv_files() {
    parent::run(Kind::Csv, 400);
}

#[test]
fn parquet_files() {
    parent::run(Kind::Parquet, 600);
}

#[test]
fn results() {
    parent::run(Kind::Results, 300);
}

#[test]
fn events() {
    parent::run(Kind::Events, 300);
}

#[test]
fn summaries() {
    parent::run(Kind::Summaries, 300);
}

#[test]
fn journals() {
    parent::run(Kind::Journal, 200);
}

#[test]
fn pages() {
    parent::run(Kind::Page, 300);
}

#[test]
fn what_the_address_space_does_not_hold_is_refused_before() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("d.csv"), "x,y\n1,0\n2,1\n3,0\n4,1\n").unwrap();
    let config = "[data]\npath = \"d.csv\"\nlabel = \"y\"\nfeatures = []\n[[stage]]\nname = \"q\"\n\
                  type = \"quantile_discretizer\"\ninput_col = \"x\"\nnum_buckets = 300000000\n[[stage]]\n\
                  name = \"lr\"\ntype = \"linear_regression\"\nfeatures_col = \"bucket\"\n";
    std::fs::write(folder.path().join("c.toml"), config).unwrap();
    let output = std::process::Command::new("sh")
        .args([
            "-c",
            "ulimit -v 4000000; exec \"$0\" fit c.toml --model m.json",
            env!("CARGO_BIN_EXE_luthier"),
        ])
        .current_dir(&folder)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("`num_buckets` = 300000000 would take about 7200 MB of memory, but only"),
        "{error}"
    );
}

/// What a child process does; by itself, nothing.
#[test]
#[ignore = "started by the others"]
fn child() {
    child::run();
}
