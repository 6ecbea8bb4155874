//! Documented outcomes of awkward rows, and errors that say where.

use luthier_core::json;
use luthier_core::{EstimatorExt, Params, Transformer};
use luthier_stages::{Family, LogisticRegression, LogisticRegressionModel};
use ndarray::{Array2, array};

use crate::draw::Draw;
use crate::frames::*;

#[test]
fn separated_classes_stop_at_the_tolerance() {
    let data = frame(array![[1.0], [2.0], [3.0], [4.0]], vec![0.0, 0.0, 1.0, 1.0], None);
    let model = fit(&LogisticRegression::new(), &data);
    let summary = model.summary();
    assert!(summary.separated && summary.converged && summary.accuracy == 1.0);
    assert!(summary.log_loss < 1e-10 && summary.inference.is_none());
    assert!(model.coefficients().unwrap()[0] > 20.0);
    let penalised = fit(&LogisticRegression::new().reg_param(0.01), &data);
    assert!(penalised.summary().converged && penalised.coefficients().unwrap()[0] < 20.0);
    let few = fit(&LogisticRegression::new().max_iter(3), &data);
    assert_eq!((few.summary().total_iterations, few.summary().converged), (3, false));
}

#[test]
fn a_class_without_rows_is_impossible() {
    let data = read("iris.csv");
    let labels: Vec<f64> =
        data.column_f64("label").unwrap().iter().map(|y| if *y == 2.0 { 3.0 } else { *y }).collect();
    let data = frame(data.vectors("features").unwrap(), labels, None);
    for (reg_param, alpha) in [(0.1, 0.0), (0.05, 0.5), (0.1, 1.0)] {
        let e = LogisticRegression::new().reg_param(reg_param).elastic_net_param(alpha).tol(1e-10);
        let model = fit(&e, &data);
        assert_eq!(model.intercepts()[2], f64::NEG_INFINITY);
        assert!(model.coefficient_matrix().row(2).iter().all(|b| *b == 0.0));
        let without = fit(
            &e,
            &frame(data.vectors("features").unwrap(), read("iris.csv").column_f64("label").unwrap(), None),
        );
        for (row, other) in [(0, 0), (1, 1), (3, 2)] {
            let expected = without.coefficient_matrix().row(other).to_vec();
            assert_close(model.coefficient_matrix().row(row), &expected, 1e-9, &alpha);
        }
        let p = model.transform(&data).unwrap().vectors("probability").unwrap();
        assert!(p.column(2).iter().all(|p| *p == 0.0));
        assert!(p.iter().all(|p| p.is_finite()));
        let document = json::to_value(&model).unwrap();
        assert_eq!(json::from_value::<LogisticRegressionModel>(&document).unwrap(), model);
    }
    // Without an intercept nothing can be infinite, and the class keeps some probability.
    let model = fit(&LogisticRegression::new().reg_param(0.1).fit_intercept(false), &data);
    assert_eq!(model.intercepts(), [0.0; 4]);
    assert!(model.summary().converged);
}

#[test]
fn standard_errors_are_those_of_fishers_information() {
    // One binary feature: the log odds of each group and their exact standard errors.
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for (group, positive, count) in [(0.0, 3, 10), (1.0, 14, 20)] {
        for i in 0..count {
            x.push(group);
            y.push(f64::from(u8::from(i < positive)));
        }
    }
    let data = frame(Array2::from_shape_vec((30, 1), x).unwrap(), y, None);
    let model = fit(&LogisticRegression::new().tol(1e-12), &data);
    let log_odds = |p: f64, n: f64| (p / (n - p)).ln();
    assert_close(model.intercepts(), &[log_odds(3.0, 10.0)], 1e-9, &"intercept");
    let slope = log_odds(14.0, 20.0) - log_odds(3.0, 10.0);
    assert_close(model.coefficients().unwrap(), &[slope], 1e-9, &"slope");
    let inference = model.summary().inference.as_ref().unwrap();
    let errors =
        [(1.0 / 3.0 + 1.0 / 7.0 + 1.0 / 14.0 + 1.0 / 6.0_f64).sqrt(), (1.0 / 3.0 + 1.0 / 7.0_f64).sqrt()];
    assert_close(&inference.standard_errors, &errors, 1e-9, &"errors");
    assert_close(&inference.z_values, &[slope / errors[0], log_odds(3.0, 10.0) / errors[1]], 1e-8, &"z");
    // P(|Z| ≥ 1.9599639845400545) is 0.05.
    assert!(inference.p_values.iter().zip(&inference.z_values).all(|(p, z)| (*p < 0.05) == (z.abs() > 1.96)));
    assert!(fit(&LogisticRegression::new().reg_param(0.1), &data).summary().inference.is_none());
}

#[test]
fn constant_features_have_no_coefficient() {
    let data = read("iris.csv");
    let x = data.vectors("features").unwrap();
    let mut wider = Array2::from_elem((x.nrows(), 6), 7.25);
    wider.slice_mut(ndarray::s![.., 1..5]).assign(&x);
    let wide = frame(wider, data.column_f64("label").unwrap(), None);
    let narrow = frame(x, data.column_f64("label").unwrap(), None);
    let e = LogisticRegression::new().reg_param(0.1);
    let (a, b) = (fit(&e, &wide).coefficient_matrix(), fit(&e, &narrow).coefficient_matrix());
    assert!(a.column(0).iter().chain(&a.column(5)).all(|b| *b == 0.0));
    assert_eq!(a.slice(ndarray::s![.., 1..5]), b);
    let nothing = frame(Array2::ones((4, 1)), vec![0.0, 1.0, 1.0, 1.0], None);
    let model = fit(&LogisticRegression::new(), &nothing);
    assert_eq!(model.coefficients().unwrap(), [0.0]);
    assert_close(model.intercepts(), &[3.0_f64.ln()], 1e-12, &"log odds");
}

/// A constant feature is an intercept where there is none: its deviation, and so its penalty, is 0.
#[test]
fn constant_features_stand_in_for_an_intercept() {
    let data = read("iris.csv");
    let (x, y) = (data.vectors("features").unwrap(), data.column_f64("label").unwrap());
    let constant = Array2::from_elem((x.nrows(), 1), -7.25);
    let wide = ndarray::concatenate![ndarray::Axis(1), x, constant, Array2::zeros((x.nrows(), 1))];
    for reg_param in [0.01, 0.3] {
        let e = LogisticRegression::new().reg_param(reg_param).tol(1e-12);
        let expected = fit(&e, &frame(x.clone(), y.clone(), None));
        let found = fit(&e.fit_intercept(false), &frame(wide.clone(), y.clone(), None));
        let matrix = found.coefficient_matrix();
        let coefficients: Vec<f64> = expected.coefficient_matrix().iter().copied().collect();
        assert_close(matrix.slice(ndarray::s![.., ..4]), &coefficients, 1e-7, &reg_param);
        let intercepts = matrix.column(4).mapv(|b| -7.25 * b);
        assert_close(&intercepts, expected.intercepts(), 1e-6, &reg_param);
        assert!(matrix.column(5).iter().all(|b| *b == 0.0));
    }
}

#[test]
fn bounds_hold_to_the_bit() {
    let data = read("iris_binary.csv");
    let e = LogisticRegression::new()
        .upper_bounds_on_coefficients(vec![vec![0.0, 0.0, 2.0, 5.0]])
        .lower_bounds_on_intercepts([-5.0]);
    let model = fit(&e, &data);
    assert_eq!(model.intercept().unwrap(), -5.0);
    assert!(model.coefficients().unwrap().iter().zip([0.0, 0.0, 2.0, 5.0]).all(|(b, most)| *b <= most));
    let crossed = LogisticRegression::new()
        .lower_bounds_on_coefficients(vec![vec![1.0]])
        .upper_bounds_on_coefficients(vec![vec![0.0]]);
    assert!(crossed.validate().unwrap_err().to_string().contains("[0][0]"));
    let error =
        crossed.upper_bounds_on_coefficients(vec![vec![2.0]]).fit_frame(&data).unwrap_err().to_string();
    assert!(error.contains("lower_bounds_on_coefficients") && error.contains("expected 1 of 4"), "{error}");
    let without = LogisticRegression::new().fit_intercept(false).lower_bounds_on_intercepts([0.0]);
    assert!(without.validate().is_err());
}

#[test]
fn the_initial_model_is_where_it_starts() {
    let data = read("iris_binary.csv");
    let best = fit(&LogisticRegression::new().reg_param(0.1).tol(1e-12), &data);
    let again = LogisticRegression::new()
        .reg_param(0.1)
        .initial_coefficients(vec![best.coefficients().unwrap().to_vec()])
        .initial_intercepts(best.intercepts().to_vec());
    let model = fit(&again, &data);
    assert_eq!(model.summary().total_iterations, 0);
    assert_close(model.coefficients().unwrap(), best.coefficients().unwrap(), 1e-12, &"coefficients");
    let start = fit(&LogisticRegression::new().max_iter(0), &data);
    assert_eq!((start.coefficients().unwrap(), start.intercept().unwrap()), (&[0.0; 4][..], 0.0));
    let wrong = LogisticRegression::new().initial_coefficients(vec![vec![0.0; 4], vec![0.0; 4]]);
    assert!(wrong.fit_frame(&data).is_err());
}

#[test]
fn bad_values_are_named() {
    let good = || (array![[1.0, 2.0], [2.0, 1.0], [0.0, 5.0]], vec![0.0, 1.0, 1.0]);
    let error = |x: Array2<f64>, y: Vec<f64>, w: Option<Vec<f64>>| {
        let e = LogisticRegression::new();
        let e = if w.is_some() { e.weight_col("weight") } else { e };
        e.fit_frame(&frame(x, y, w)).unwrap_err().to_string()
    };
    for label in [0.5, -1.0, f64::NAN, f64::INFINITY, 1e9] {
        let (x, mut y) = good();
        y[1] = label;
        let message = error(x, y, None);
        assert!(
            message.contains("`label`") && message.contains("row 1") && message.contains("class"),
            "{message}"
        );
    }
    for value in [f64::NAN, f64::NEG_INFINITY] {
        let (mut x, y) = good();
        x[[2, 1]] = value;
        let message = error(x, y, None);
        assert!(message.contains("`features`") && message.contains("row 2"), "{message}");
    }
    for weight in [-1.0, f64::NAN] {
        let (x, y) = good();
        let message = error(x, y, Some(vec![1.0, weight, 1.0]));
        assert!(message.contains("`weight`") && message.contains("row 1"), "{message}");
    }
    let (x, y) = good();
    assert!(error(x, y, Some(vec![0.0; 3])).contains("nothing to fit"));
    let (mut x, y) = good();
    x.column_mut(0).assign(&array![1e-310, 2e-310, 0.0]);
    assert!(error(x, y, None).contains("rescale"));
    let (x, y) = good();
    assert!(error(x, y, Some(vec![1e200, 1.0, 1e-200])).contains("weights from 1e-200 to 1e200"));
}

#[test]
fn multinomial_models_say_where_their_coefficients_are() {
    let model = fit(&LogisticRegression::new().reg_param(0.1), &read("iris.csv"));
    assert!(model.is_multinomial() && model.num_classes() == 3 && model.num_features() == 4);
    assert!(model.coefficients().unwrap_err().to_string().contains("coefficient_matrix()"));
    assert!(model.intercept().unwrap_err().to_string().contains("intercepts()"));
}

#[test]
fn output_columns_can_be_left_out_and_nan_is_passed_on() {
    let data = read("iris_binary.csv");
    let model =
        fit(&LogisticRegression::new().reg_param(0.1).raw_prediction_col("").probability_col(""), &data);
    let mut x = data.vectors("features").unwrap();
    x[[3, 2]] = f64::NAN;
    let out = model.transform(&frame(x, vec![0.0; 100], None)).unwrap();
    assert_eq!(out.schema().names().collect::<Vec<_>>(), ["features", "label", "prediction"]);
    let classes = out.column_f64("prediction").unwrap();
    assert!(classes[3].is_nan() && classes.iter().filter(|c| c.is_nan()).count() == 1);
    assert_eq!(model.transform_schema(data.schema()).unwrap().names().last(), Some("prediction"));
}

/// Rows enough for the Hessian to be dear: the sample and the updates must lead to the same minimum.
#[test]
fn many_rows_and_features() {
    let (n, d) = (12_000, 60);
    let mut draw = Draw(3);
    let x = Array2::from_shape_fn((n, d), |_| draw.normal());
    let y: Vec<f64> = x
        .outer_iter()
        .map(|x| {
            let z: f64 = x.iter().enumerate().map(|(j, x)| x * 0.5 * ((j % 7) as f64 - 3.0) / 3.0).sum();
            f64::from(u8::from(draw.uniform() < 1.0 / (1.0 + (-z).exp())))
        })
        .collect();
    let rows = crate::problems::Rows { x, y, w: vec![1.0; n] };
    let data = rows.frame();
    for (reg_param, alpha) in [(0.0, 0.0), (0.01, 0.0), (1.0, 0.0), (0.01, 0.5), (0.02, 1.0)] {
        let objective =
            crate::problems::Objective { reg_param, alpha, standardization: true, fit_intercept: true };
        let e = LogisticRegression::new().reg_param(reg_param).elastic_net_param(alpha);
        let model = fit(&e.clone().tol(1e-12), &data);
        let violation = objective.violation(&rows, &model, None);
        assert!(violation < 1e-9, "{reg_param} {alpha}: {violation} {:?}", model.summary());
        let rough = fit(&e, &data);
        let ends = [&rough, &model].map(|m| *m.summary().objective_history.last().unwrap());
        assert!((ends[0] / ends[1] - 1.0).abs() < 1e-10, "{ends:?}");
        assert!(rough.summary().total_iterations <= 12, "{:?}", rough.summary());
    }
    let family =
        fit(&LogisticRegression::new().reg_param(0.01).family(Family::Multinomial).tol(1e-12), &data);
    assert!(family.summary().converged);
}
