//! A segment of a journal: a search goes on from there, and its result is that of one without a journal.
//!
//! In the input, `{"crc":"` at the start of a line is followed by eight characters that are replaced by the checksum of the line, and
//! `KEY0`, `KEY1`, … by the keys of the cells of the search.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use luthier::prelude::*;
use luthier_fuzz::Scratch;
use serde_json::Value;

static ROWS: LazyLock<DataFrame> = LazyLock::new(|| {
    let x = Column::f64((0..12).map(|i| f64::from(i * i % 7)).collect());
    let rows =
        DataFrame::from_columns(vec![("x", x), ("label", Column::f64((0..12).map(f64::from).collect()))]);
    VectorAssembler::new().input_cols(["x"]).transform(&rows.unwrap()).unwrap()
});

/// The keys of the cells.
static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    search(folder.path()).unwrap();
    let text = std::fs::read_to_string(folder.path().join("cells-0001.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter_map(|line| Some(line.get("metric").and(line.get("key"))?.as_str()?.to_owned())).collect()
});

fn search(folder: &Path) -> Result<usize, luthier::tune::Error> {
    let pipeline = Pipeline::new().stage("lr", LinearRegression::new());
    let grid = ParamGrid::new().add_by_name("lr.reg_param", [0.0, 1.0]);
    let search = CrossValidator::new(pipeline, grid, RegressionEvaluator::new());
    let tuned = search.num_folds(2).executor(Serial::new()).journal(folder).fit(&ROWS)?;
    Ok(tuned.result().candidates.len())
}

/// The line with the checksum of what comes behind it.
fn signed(line: &[u8]) -> Vec<u8> {
    const BEFORE: &[u8] = b"{\"crc\":\"";
    match line
        .strip_prefix(BEFORE)
        .and_then(|rest| rest.split_at_checked(8))
        .and_then(|(_, rest)| rest.strip_prefix(b"\","))
    {
        Some(rest) => [BEFORE, format!("{:08x}\",", crc32c::crc32c(rest)).as_bytes(), rest].concat(),
        None => line.to_vec(),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    for (i, key) in KEYS.iter().enumerate() {
        text = text.replace(&format!("KEY{i}"), key);
    }
    let lines: Vec<Vec<u8>> = text.as_bytes().split(|byte| *byte == b'\n').map(signed).collect();
    let scratch = Scratch::of("cells-0001.jsonl", &lines.join(&b'\n'));
    if let Ok(candidates) = search(scratch.path().parent().unwrap()) {
        assert_eq!(candidates, 2);
    }
});
