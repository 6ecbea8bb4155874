//! What is known of shards: read, searched, merged with rows, and written again.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use luthier::prelude::*;
use luthier::tune::{KFold, Search, Shards};

/// The bytes before those that the checksum is of.
const HEAD: usize = 16;

static ROWS: LazyLock<DataFrame> = LazyLock::new(|| {
    let numbers = |step: usize| (0..40).map(|i| ((i * step) % 13) as f64).collect::<Vec<f64>>();
    let columns = vec![("x", Column::f64(numbers(7))), ("z", Column::f64(numbers(5))), ("label", Column::f64(numbers(11)))];
    DataFrame::from_columns(columns).unwrap().with_vector("features", &["x", "z"]).unwrap()
});

fn search() -> Search {
    let pipeline = Pipeline::new()
        .stage("scale", StandardScaler::new())
        .stage("lr", LinearRegression::new().features_col("scaled_features"));
    let grid = ParamGrid::new().add_by_name("lr.reg_param", [0.0, 1.0]);
    Search::new(Box::new(pipeline), grid, Box::new(RegressionEvaluator::new()), Arc::new(KFold::new()))
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    // Nothing would be found behind a checksum that is wrong.
    if bytes.len() >= HEAD {
        let checksum = crc32c::crc32c(&bytes[HEAD..]);
        bytes[12..HEAD].copy_from_slice(&checksum.to_le_bytes());
    }
    let Ok(mut shards) = Shards::from_bytes(&bytes) else { return };
    let again = shards.to_bytes().expect("what was read can be written");
    assert_eq!(Shards::from_bytes(&again).is_ok(), true, "what was written can be read");
    let _ = search().fit_shards(&mut shards);
    if shards.append("more", &ROWS).is_ok() {
        let _ = search().fit_shards(&mut shards);
    }
});
