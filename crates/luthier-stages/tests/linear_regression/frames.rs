//! Frames, parameters and comparisons that the tests share.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use luthier_core::EstimatorExt;
use luthier_core::frame::{Column, DataFrame};
use luthier_stages::{LinearRegression, LinearRegressionModel, Loss, Solver};
use ndarray::{Array2, Axis};
use serde_json::Value;

/// Columns `features`, `label` and, if given, `weight`.
pub(crate) fn frame(x: Array2<f64>, y: Vec<f64>, w: Option<Vec<f64>>) -> DataFrame {
    let frame = DataFrame::from_ndarray(x, y).unwrap();
    match w {
        Some(w) => frame.with_column("weight", Column::f64(w)).unwrap(),
        None => frame,
    }
}

pub(crate) fn spark_data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/spark-4.3.0").join(name)
}

/// A CSV file with columns `label`, `x…` and perhaps `weight`.
pub(crate) fn read(name: &str) -> DataFrame {
    let (header, table) = read_csv(&spark_data(name));
    let column = |name: &str| {
        let j = header.iter().position(|h| h == name)?;
        Some(table.column(j).to_vec())
    };
    let features: Vec<usize> = (0..header.len()).filter(|&j| header[j].starts_with('x')).collect();
    frame(table.select(Axis(1), &features), column("label").unwrap(), column("weight"))
}

/// Header and numbers of a CSV file.
pub(crate) fn read_csv(path: &Path) -> (Vec<String>, Array2<f64>) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header: Vec<String> = lines.next().unwrap().split(',').map(str::to_owned).collect();
    let values: Vec<f64> = lines.flat_map(|l| l.split(',').map(|v| v.parse().unwrap())).collect();
    let rows = values.len() / header.len();
    let table = Array2::from_shape_vec((rows, header.len()), values).unwrap();
    (header, table)
}

pub(crate) fn read_json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

pub(crate) fn matrix(v: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = v.as_array().unwrap().iter().map(numbers).collect();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

/// The estimator with a case's parameters, by Spark's names.
pub(crate) fn regression(params: &Value) -> LinearRegression {
    let number = |key: &str, default: f64| params.get(key).map_or(default, |v| v.as_f64().unwrap());
    let flag = |key: &str| params.get(key).is_none_or(|v| v.as_bool().unwrap());
    let text = |key: &str| params.get(key).and_then(Value::as_str);
    let estimator = LinearRegression::new()
        .reg_param(number("regParam", 0.0))
        .elastic_net_param(number("elasticNetParam", 0.0))
        .fit_intercept(flag("fitIntercept"))
        .standardization(flag("standardization"))
        .epsilon(number("epsilon", 1.35))
        .tol(number("tol", 1e-6))
        .max_iter(number("maxIter", 100.0) as usize)
        .loss(if text("loss") == Some("huber") { Loss::Huber } else { Loss::SquaredError })
        .solver(match text("solver") {
            Some("l-bfgs") => Solver::LBfgs,
            Some("normal") => Solver::Normal,
            _ => Solver::Auto,
        });
    match text("weightCol") {
        Some(column) => estimator.weight_col(column),
        None => estimator,
    }
}

/// The solvers that take the population's deviations, as Spark's `normal` does.
pub(crate) const DIRECT: [Solver; 3] = [Solver::Normal, Solver::Auto, Solver::Qr];

pub(crate) fn fit(estimator: &LinearRegression, data: &DataFrame) -> LinearRegressionModel {
    estimator.fit_frame(data).unwrap()
}

/// Intercept first.
pub(crate) fn estimates(model: &LinearRegressionModel) -> Vec<f64> {
    std::iter::once(model.intercept()).chain(model.coefficients().iter().copied()).collect()
}

pub(crate) fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |a, v| v.abs().max(a))
}

#[track_caller]
pub(crate) fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &dyn Debug) {
    assert_eq!(found.len(), expected.len(), "{what:?}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance, "{what:?}: {found:?} instead of {expected:?} (to {tolerance:e})");
    }
}

#[track_caller]
pub(crate) fn assert_relative(found: &[f64], expected: &[f64], tolerance: f64, what: &dyn Debug) {
    assert_eq!(found.len(), expected.len(), "{what:?}");
    for (f, e) in found.iter().zip(expected) {
        let close = (f - e).abs() <= tolerance * e.abs() + 1e-15;
        assert!(close, "{what:?}: {found:?} instead of {expected:?} (to {tolerance:e})");
    }
}
