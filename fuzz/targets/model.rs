//! A saved model: loaded without its checksum, described, and applied to rows.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use luthier::core::{PipelineModel, persist};
use luthier::prelude::*;
use serde_json::Value;

static ROWS: LazyLock<DataFrame> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/luthier/tests/golden/v1/rows.csv");
    let rows = DataFrame::read_csv(path, &CsvOptions::new()).unwrap();
    VectorAssembler::new().input_cols(["x0", "x1", "x2"]).transform(&rows).unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut document) = serde_json::from_slice::<Value>(bytes) else { return };
    if let Some(entries) = document.as_object_mut() {
        entries.shift_remove("checksum");
    }
    let Ok(model) = persist::model_from_json(&document) else { return };
    let _ = model.describe();
    let _ = model.transform(&ROWS);
    let pipeline = PipelineModel::from(model);
    let _ = pipeline.notes();
    if let Ok(predictor) = pipeline.predictor() {
        let _ = predictor.inputs();
    }
});
