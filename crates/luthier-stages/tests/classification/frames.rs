//! Frames and comparisons that the tests share.

use std::path::{Path, PathBuf};

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Dataset, Evaluator};
use ndarray::Array2;
use serde_json::Value;

pub(crate) fn spark_data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/spark-4.3.0").join(name)
}

pub(crate) fn json(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(spark_data(name)).unwrap()).unwrap()
}

pub(crate) fn floats(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

pub(crate) fn rows(values: &Value) -> Vec<Vec<f64>> {
    values.as_array().unwrap().iter().map(floats).collect()
}

pub(crate) fn lists(values: &Value) -> Vec<Vec<i64>> {
    rows(values).iter().map(|row| row.iter().map(|x| *x as i64).collect()).collect()
}

pub(crate) fn vectors(rows: &[Vec<f64>]) -> Column {
    Column::vector(Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j]))
}

/// Label, score and perhaps weight.
pub(crate) fn scored(label: &[f64], score: &[f64], weight: Option<&[f64]>) -> DataFrame {
    let mut columns =
        vec![("label", Column::f64(label.to_vec())), ("raw_prediction", Column::f64(score.to_vec()))];
    columns.extend(weight.map(|weight| ("weight", Column::f64(weight.to_vec()))));
    DataFrame::from_columns(columns).unwrap()
}

pub(crate) fn evaluate(evaluator: &impl Evaluator, frame: &DataFrame) -> f64 {
    let data = Dataset::new(frame.clone());
    evaluator.check_schema(data.schema()).unwrap();
    evaluator.evaluate(&data).unwrap()
}

pub(crate) fn error(evaluator: &impl Evaluator, frame: &DataFrame) -> String {
    let data = Dataset::new(frame.clone());
    match evaluator.check_schema(data.schema()) {
        Ok(()) => evaluator.evaluate(&data).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    }
}

pub(crate) fn assert_close(a: f64, b: f64, tolerance: f64, what: &str) {
    let same = a == b || (a.is_nan() && b.is_nan());
    assert!(same || (a - b).abs() <= tolerance * a.abs().max(b.abs()), "{what}: {a} differs from {b}");
}
