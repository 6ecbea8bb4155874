//! Outcomes on degenerate rows, as documented.

use luthier_core::EstimatorExt;
use luthier_core::frame::{Column, DataFrame};
use luthier_stages::{LinearRegression, Loss, Solver};
use ndarray::{Array2, array};

use crate::frames::*;

fn rows() -> (Array2<f64>, Vec<f64>, Vec<f64>) {
    let x = Array2::from_shape_fn((6, 2), |(i, j)| ((i * i + 3 * j * i) % 7) as f64);
    (x, vec![1.0, 3.0, 2.0, 5.0, 4.0, 7.0], vec![1.0, 2.0, 1.0, 0.0, 1.0, 3.0])
}

fn message(estimator: &LinearRegression, data: &DataFrame) -> String {
    estimator.fit_frame(data).unwrap_err().to_string()
}

#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| message.contains(part)), "{message} (expected {parts:?})");
}

/// Every estimator that reads rows in a way of its own.
fn kinds() -> Vec<LinearRegression> {
    let base = LinearRegression::new().weight_col("weight");
    vec![base.clone(), base.clone().solver(Solver::Qr), base.loss(Loss::Huber)]
}

#[test]
fn values_that_are_not_finite_are_named_by_column_and_row() {
    for estimator in kinds() {
        for (bad, text) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
            let (mut x, y, w) = rows();
            x[[4, 1]] = bad;
            let data = frame(x, y, Some(w)).repartition(2).unwrap();
            assert_says(&message(&estimator, &data), &["`features`", "row 4", text]);
            let (x, mut y, w) = rows();
            y[3] = bad;
            assert_says(&message(&estimator, &frame(x, y, Some(w))), &["`label`", "row 3", text]);
            let (x, y, mut w) = rows();
            w[5] = bad;
            assert_says(&message(&estimator, &frame(x, y, Some(w))), &["`weight`", "row 5", text]);
        }
        let (x, y, mut w) = rows();
        w[1] = -0.5;
        assert_says(
            &message(&estimator, &frame(x, y, Some(w))),
            &["`weight`", "row 1", "-0.5", "at least 0"],
        );
    }
}

#[test]
fn nulls_are_named_by_column_and_row() {
    for estimator in kinds() {
        for column in ["label", "weight"] {
            let (x, y, w) = rows();
            let values = [1.0, 2.0, 3.0, 1.0, 2.0, 4.0];
            let nulls = (0..6).map(|i| (i != 2).then_some(values[i])).collect();
            let data = frame(x, y, Some(w)).with_column("holes", Column::f64_nullable(nulls)).unwrap();
            let data = data.drop(&[column]).unwrap().rename("holes", column).unwrap();
            assert_says(&message(&estimator, &data), &[&format!("`{column}`"), "row 2", "null"]);
        }
    }
}

#[test]
fn evaluation_names_bad_rows_too() {
    let (x, y, w) = rows();
    let model = fit(&LinearRegression::new().weight_col("weight"), &frame(x, y, Some(w)));
    let (x, mut y, w) = rows();
    y[2] = f64::NAN;
    let error = model.evaluate(&frame(x, y, Some(w))).unwrap_err().to_string();
    assert_says(&error, &["`label`", "row 2", "NaN"]);
    let (x, y, _) = rows();
    let error = model.evaluate(&frame(x, y, Some(vec![0.0; 6]))).unwrap_err().to_string();
    assert_says(&error, &["no row has a positive weight"]);
}

#[test]
fn wrong_types_and_missing_columns_are_named() {
    let (x, y, _) = rows();
    let text = Column::utf8(["a", "b", "c", "d", "e", "f"]);
    let data = frame(x, y, None).with_column("text", text).unwrap();
    let base = LinearRegression::new();
    for estimator in
        [base.clone().label_col("text"), base.clone().weight_col("text"), base.clone().features_col("text")]
    {
        assert_says(&message(&estimator, &data), &["`text`", "numeric"]);
    }
    assert_says(&message(&base.clone().label_col("features"), &data), &["`features`", "is the label"]);
    for estimator in [base.clone().label_col("absent"), base.weight_col("absent")] {
        assert_says(&message(&estimator, &data), &["`absent`"]);
    }
}

#[test]
fn there_must_be_something_to_fit() {
    let empty = frame(Array2::zeros((0, 2)), Vec::new(), Some(Vec::new()));
    let (x, y, _) = rows();
    let weightless = frame(x, y, Some(vec![0.0; 6]));
    for estimator in kinds() {
        assert_says(&message(&estimator, &empty), &["nothing to fit", "0 rows"]);
        assert_says(&message(&estimator, &weightless), &["nothing to fit", "6 rows", "total weight of 0"]);
    }
}

#[test]
fn constant_labels() {
    let (x, _, _) = rows();
    let data = frame(x.clone(), vec![0.1; 6], None).repartition(3).unwrap();
    for solver in [Solver::Auto, Solver::Normal, Solver::Qr, Solver::LBfgs] {
        let base = LinearRegression::new().solver(solver);
        for reg_param in [0.0, 1.0] {
            let model = fit(&base.clone().reg_param(reg_param), &data);
            assert_eq!((model.coefficients(), model.intercept()), ([0.0, 0.0].as_slice(), 0.1));
        }
        let without = base.fit_intercept(false);
        assert!(fit(&without, &data).coefficients().iter().any(|b| *b != 0.0));
        let message = message(&without.clone().reg_param(0.5), &data);
        assert_says(&message, &["the label is 0.1 in every row", "reg_param = 0.5", "fit_intercept"]);
        // All zeros need no deviation.
        let zeros = frame(x.clone(), vec![0.0; 6], None);
        assert_eq!(fit(&without.reg_param(0.5), &zeros).coefficients(), [0.0, 0.0]);
    }
}

#[test]
fn constant_features_get_no_coefficient_beside_an_intercept_or_a_penalty_in_deviations() {
    let x = array![[0.1, 1.0], [0.1, 2.0], [0.1, 4.0], [0.1, 3.0]];
    let data = frame(x, vec![1.0, 3.0, 2.0, 5.0], None).repartition(2).unwrap();
    for solver in [Solver::Auto, Solver::Normal, Solver::Qr, Solver::LBfgs] {
        for fit_intercept in [true, false] {
            for elastic_net_param in [0.0, 0.5] {
                let estimator = LinearRegression::new()
                    .solver(solver)
                    .fit_intercept(fit_intercept)
                    .elastic_net_param(elastic_net_param)
                    .reg_param(elastic_net_param / 10.0);
                let model = fit(&estimator, &data);
                let is_used = !fit_intercept && elastic_net_param == 0.0;
                assert_eq!(model.coefficients()[0] != 0.0, is_used);
                assert!(model.coefficients()[1] > 0.0);
                let is_direct = elastic_net_param == 0.0 && solver != Solver::LBfgs;
                let known = model.standard_errors().map(|errors| errors.iter().map(|e| e.is_nan()).collect());
                let expected = match fit_intercept {
                    true => vec![true, false, false],
                    false => vec![false, false],
                };
                assert_eq!(known, is_direct.then_some(expected));
            }
        }
    }
}
