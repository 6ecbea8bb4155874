//! Bad input is an error that says where it is and what would be right.

use luthier_core::frame::{Column, DataFrame};
use luthier_stages::{
    BinaryClassificationEvaluator, BinaryCurve, BinaryMetric, MulticlassClassificationEvaluator,
    MulticlassMetric,
};
use ndarray::Array2;

use crate::frames::*;

fn assert_says(error: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
}

#[test]
fn scores() {
    let evaluator = BinaryClassificationEvaluator::new();
    let nan = scored(&[0.0, 1.0, 1.0], &[0.1, 0.2, f64::NAN], None).repartition(2).unwrap();
    assert_says(&error(&evaluator, &nan), &["`raw_prediction`, row 2: found NaN", "a score that is not NaN"]);
    let null = Column::f64_nullable(vec![Some(1.0), None]);
    let frame =
        DataFrame::from_columns(vec![("label", Column::f64(vec![0.0, 1.0])), ("raw_prediction", null)]);
    assert_says(&error(&evaluator, &frame.unwrap()), &["`raw_prediction`, row 1: found null"]);
    let label = scored(&[0.0, f64::INFINITY], &[0.1, 0.2], None);
    assert_says(&error(&evaluator, &label), &["`label`, row 1: found inf"]);
    let weight = scored(&[0.0, 1.0], &[0.1, 0.2], Some(&[1.0, -2.0]));
    assert_says(&error(&evaluator.clone().weight_col("weight"), &weight), &["`weight`, row 1: found -2"]);
    for (column, found) in [
        (Column::i64(vec![1, 2]), "i64"),
        (Column::utf8(["a", "b"]), "utf8"),
        (Column::vector(Array2::zeros((2, 3))), "vector(3)"),
        (Column::lists([[1], [2]]), "list"),
    ] {
        let frame =
            DataFrame::from_columns(vec![("label", Column::f64(vec![0.0, 1.0])), ("raw_prediction", column)])
                .unwrap();
        assert_says(&error(&evaluator, &frame), &["`raw_prediction`", found, "vectors of width 2"]);
    }
    assert!(BinaryCurve::new(&[1.0], &[1.0, 0.0], None).is_err());
    assert!(BinaryCurve::new(&[1.0], &[1.0], Some(&[f64::NAN])).is_err());
    assert!(BinaryCurve::new(&[1.0], &[f64::NAN], None).is_err());
    assert!(BinaryCurve::new(&[f64::NAN], &[1.0], None).is_err());
}

#[test]
fn integer_labels_are_labels() {
    let frame = DataFrame::from_columns(vec![
        ("label", Column::i64(vec![0, 1])),
        ("raw_prediction", Column::f64(vec![0.1, 0.2])),
    ]);
    assert_eq!(evaluate(&BinaryClassificationEvaluator::new(), &frame.unwrap()), 1.0);
}

#[test]
fn probabilities() {
    let frame = |label: Vec<f64>, p: Vec<f64>| {
        let rows: Vec<Vec<f64>> = p.iter().map(|p| vec![1.0 - p, *p]).collect();
        DataFrame::from_columns(vec![("label", Column::f64(label)), ("probability", vectors(&rows))]).unwrap()
    };
    let binary = BinaryClassificationEvaluator::new().metric(BinaryMetric::LogLoss);
    let many = MulticlassClassificationEvaluator::new().metric(MulticlassMetric::LogLoss);
    let outside = frame(vec![0.0, 1.0], vec![0.5, 1.5]);
    for error in [error(&binary, &outside), error(&many, &outside)] {
        assert_says(&error, &["`probability`, row 1", "between 0 and 1"]);
    }
    for label in [0.5, -1.0, 2.0] {
        let error = error(&many, &frame(vec![0.0, label], vec![0.5, 0.5]));
        assert_says(&error, &["`label`, row 1", &format!("found {label}"), "the index of a class"]);
    }
    let scalar = scored(&[0.0, 1.0], &[0.1, 0.2], None);
    assert_says(
        &error(&many.probability_col("raw_prediction"), &scalar),
        &["`raw_prediction` is f64", "vectors"],
    );
}

#[test]
fn classes() {
    let frame = DataFrame::from_columns(vec![
        ("label", Column::f64(vec![0.0, 2.0])),
        ("prediction", Column::f64(vec![0.0, f64::NAN])),
    ])
    .unwrap();
    assert_says(
        &error(&MulticlassClassificationEvaluator::new(), &frame),
        &["`prediction`, row 1: found NaN"],
    );
    let by_label =
        MulticlassClassificationEvaluator::new().metric(MulticlassMetric::RecallByLabel).metric_label(3.0);
    let frame =
        frame.drop(&["prediction"]).unwrap().with_column("prediction", Column::i64(vec![0, 3])).unwrap();
    assert_says(&error(&by_label, &frame), &["no row has the label 3", "0, 2"]);
}
