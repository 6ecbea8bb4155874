//! Stages that make features, and the summaries they learn from.

// Helpers are not tests by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod by_hand;
mod dates;
mod hostile;
mod names;
mod pca;
mod sparse;
mod summaries;
mod unseen;

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Estimator, EstimatorExt, Transformer};
use ndarray::Array2;

fn of_vectors(rows: Array2<f64>) -> DataFrame {
    DataFrame::from_columns(vec![("features", Column::vector(rows))]).unwrap()
}

fn of_numbers(name: &str, values: &[f64]) -> DataFrame {
    DataFrame::from_columns(vec![(name, Column::f64(values.to_vec()))]).unwrap()
}

/// The frame behind the fitted stage.
fn through<E: Estimator>(stage: &E, frame: &DataFrame) -> DataFrame {
    stage.fit_frame(frame).unwrap().transform(frame).unwrap()
}

fn has(error: impl std::fmt::Display, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "`{message}` lacks `{part}`");
    }
}
