//! Frames, parameters and comparisons that the tests share.

use std::fmt::Debug;

use luthier_core::EstimatorExt;
use luthier_core::frame::{Column, DataFrame};
use luthier_core::params::{ParamType, Value};
use luthier_stages::{Family, LogisticRegression, LogisticRegressionModel};
use ndarray::{Array2, Axis};
use serde_json::Value as Json;

/// Columns `features`, `label` and, if given, `weight`.
pub(crate) fn frame(x: Array2<f64>, y: Vec<f64>, w: Option<Vec<f64>>) -> DataFrame {
    let frame = DataFrame::from_ndarray(x, y).unwrap();
    match w {
        Some(w) => frame.with_column("weight", Column::f64(w)).unwrap(),
        None => frame,
    }
}

fn spark_file(name: &str) -> String {
    let path = format!("{}/tests/data/spark-4.3.0/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// A CSV file with columns `label`, `x…` and perhaps `weight`.
pub(crate) fn read(name: &str) -> DataFrame {
    let text = spark_file(name);
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let values: Vec<f64> = lines.flat_map(|l| l.split(',').map(|v| v.parse().unwrap())).collect();
    let table = Array2::from_shape_vec((values.len() / header.len(), header.len()), values).unwrap();
    let column = |name: &str| Some(table.column(header.iter().position(|h| *h == name)?).to_vec());
    let features: Vec<usize> = (0..header.len()).filter(|&j| header[j].starts_with('x')).collect();
    frame(table.select(Axis(1), &features), column("label").unwrap(), column("weight"))
}

/// The cases of a file.
pub(crate) fn cases(name: &str) -> Vec<Json> {
    let json: Json = serde_json::from_str(&spark_file(name)).unwrap();
    json["cases"].as_array().unwrap().clone()
}

pub(crate) fn numbers(v: &Json) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

pub(crate) fn matrix(v: &Json) -> Vec<Vec<f64>> {
    v.as_array().unwrap().iter().map(numbers).collect()
}

/// The estimator with a case's parameters, by Spark's names. Bounds are a matrix, or the one row of a binomial model.
pub(crate) fn regression(params: &Json) -> LogisticRegression {
    let mut e = LogisticRegression::new();
    for (name, value) in params.as_object().unwrap() {
        let number = || value.as_f64().unwrap();
        let rows = || if value[0].is_array() { matrix(value) } else { vec![numbers(value)] };
        e = match name.as_str() {
            "regParam" => e.reg_param(number()),
            "elasticNetParam" => e.elastic_net_param(number()),
            "tol" => e.tol(number()),
            "maxIter" => e.max_iter(value.as_u64().unwrap() as usize),
            "fitIntercept" => e.fit_intercept(value.as_bool().unwrap()),
            "standardization" => e.standardization(value.as_bool().unwrap()),
            "threshold" => e.threshold(number()),
            "weightCol" => e.weight_col(value.as_str().unwrap()),
            "family" => e.family(Family::from_value(&Value::from(value.as_str().unwrap())).unwrap()),
            "lowerBoundsOnCoefficients" => e.lower_bounds_on_coefficients(rows()),
            "upperBoundsOnCoefficients" => e.upper_bounds_on_coefficients(rows()),
            "lowerBoundsOnIntercepts" => e.lower_bounds_on_intercepts(numbers(value)),
            "upperBoundsOnIntercepts" => e.upper_bounds_on_intercepts(numbers(value)),
            other => panic!("unknown parameter {other}"),
        };
    }
    e
}

pub(crate) fn fit(estimator: &LogisticRegression, data: &DataFrame) -> LogisticRegressionModel {
    estimator.fit_frame(data).unwrap()
}

pub(crate) fn largest<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values.into_iter().fold(0.0, |a, v| v.abs().max(a))
}

#[track_caller]
pub(crate) fn assert_close<'a>(
    found: impl IntoIterator<Item = &'a f64>,
    expected: &[f64],
    tolerance: f64,
    what: &dyn Debug,
) {
    let found: Vec<f64> = found.into_iter().copied().collect();
    assert_eq!(found.len(), expected.len(), "{what:?}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance, "{what:?}: {found:?} instead of {expected:?} (to {tolerance:e})");
    }
}
