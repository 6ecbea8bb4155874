//! What Spark's own test suites assert (many with glmnet's answers), and what Spark 4.3.0 then answers.

use luthier_core::{EstimatorExt, Params, Transformer};
use luthier_stages::{Family, LogisticRegression};
use serde_json::Value as Json;

use crate::frames::*;

#[test]
fn glmnet_and_spark() {
    let mut compared = 0;
    for case in cases("logistic_regression_suites.json") {
        if case["input"]["file"] != "gen_binary_10000.csv" {
            continue;
        }
        let data = read("gen_binary_10000.csv");
        let model = fit(&regression(&case["params"]).weight_col("weight"), &data);
        let verified = &case["verified"];
        let spark = matrix(&verified["coefficientMatrix"]).concat();
        let intercepts = numbers(&verified["interceptVector"]);
        // Spark stops above the minimum, and the sooner the larger the tolerance.
        let stopped = match &case["params"] {
            p if p.get("lowerBoundsOnIntercepts").is_some() => 1e-4,
            p if p["tol"] == 1e-5 => 1e-5,
            _ => 1e-6,
        };
        assert_close(&model.coefficient_matrix(), &spark, stopped * largest(&spark).max(1.0), &case);
        assert_close(model.intercepts(), &intercepts, stopped, &case);
        let expected = &case["expected"];
        assert_close(&model.coefficient_matrix(), &numbers(&expected["coefficients"]), 2e-2, &case);
        assert_close(model.intercepts(), &[expected["intercept"].as_f64().unwrap()], 2e-2, &case);
        compared += 1;
    }
    assert_eq!(compared, 8);
}

/// The first case with this description.
fn case(what: &str) -> Json {
    let cases = cases("logistic_regression_suites.json");
    cases.into_iter().find(|case| case["what"].as_str().unwrap().starts_with(what)).unwrap()
}

#[test]
fn thresholds() {
    let expected = &case("thresholds")["expected"];
    let data = read("gen_binary_10000.csv");
    let predictions = |e: &LogisticRegression| {
        let model = fit(e, &data);
        (model.threshold(), model.transform(&data).unwrap().column_f64("prediction").unwrap())
    };
    let base = LogisticRegression::new();
    assert_eq!(fit(&base, &data).threshold(), expected["default threshold"].as_f64().unwrap());
    let (_, none) = predictions(&base.clone().threshold(1.0));
    assert!(none.iter().all(|class| *class == 0.0));
    let (_, all) = predictions(&base.clone().threshold(0.0));
    assert!(all.iter().all(|class| *class == 1.0));
    let (threshold, by_two) = predictions(&base.clone().thresholds([0.3, 0.7]));
    assert!((threshold - expected["setThresholds([0.3,0.7])->threshold"].as_f64().unwrap()).abs() < 1e-7);
    assert_eq!(by_two, predictions(&base.clone().threshold(0.7)).1);
    for (t, thresholds) in [(1.0, [0.0, 1.0]), (0.0, [1.0, 0.0])] {
        // One of the thresholds is 0: that class is always predicted.
        let (found, classes) = predictions(&base.clone().thresholds(thresholds));
        assert_eq!(found, t);
        assert!(classes.iter().all(|class| *class == 1.0 - t));
    }
    let both = base.clone().threshold(0.6).thresholds([0.3, 0.7]);
    assert!(both.validate().unwrap_err().to_string().contains("contradict each other"));
    assert!(base.threshold(0.7).thresholds([0.3, 0.7]).validate().is_ok());
}

#[test]
fn constant_labels() {
    let x = ndarray::array![[1.0, 2.0], [2.0, 0.0], [0.5, 1.0]];
    for (label, sign) in [(0.0, -1.0), (1.0, 1.0)] {
        let data = frame(x.clone(), vec![label; 3], None);
        let model = fit(&LogisticRegression::new().family(Family::Binomial), &data);
        assert_eq!(model.coefficients().unwrap(), [0.0, 0.0]);
        assert_eq!(model.intercept().unwrap(), sign * f64::INFINITY);
        let summary = model.summary();
        assert_eq!((summary.total_iterations, summary.objective_history.as_slice()), (0, &[0.0][..]));
        let out = model.transform(&data).unwrap();
        assert_eq!(out.column_f64("prediction").unwrap(), [label; 3]);
        assert_eq!(out.vectors("probability").unwrap().column(label as usize).to_vec(), [1.0; 3]);
    }
    let data = frame(x, vec![2.0; 3], None);
    let model = fit(&LogisticRegression::new(), &data);
    assert_eq!(model.intercepts(), [0.0, 0.0, f64::INFINITY]);
    assert!(model.coefficient_matrix().iter().all(|b| *b == 0.0));
    assert_eq!(model.transform(&data).unwrap().column_f64("prediction").unwrap(), [2.0; 3]);
    let error = LogisticRegression::new().family(Family::Binomial).fit_frame(&data).unwrap_err().to_string();
    assert!(error.contains("has 3 classes") && error.contains("multinomial"), "{error}");
}

/// The candidates of Spark's tuning suites differ as they must.
#[test]
fn weak_penalties_and_iterations_are_better() {
    let data = read("gen_logistic_100.csv");
    let loss = |reg_param: f64, max_iter: usize| {
        let e = LogisticRegression::new().reg_param(reg_param).max_iter(max_iter);
        fit(&e, &data).summary().log_loss
    };
    assert!(loss(0.001, 10) < loss(1000.0, 10));
    assert_eq!(loss(0.001, 0), loss(1000.0, 0));
    assert!(loss(1000.0, 10) < loss(1000.0, 0));
}
