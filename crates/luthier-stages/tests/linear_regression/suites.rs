//! What Spark's own test suites assert (many with glmnet's answers), and what Spark 4.3.0 then answers.

use luthier_core::EstimatorExt;
use luthier_core::frame::DataFrame;
use luthier_stages::{LinearRegression, LinearRegressionModel, Solver};
use serde_json::Value;

use crate::frames::*;

fn suite(name: &str) -> Vec<Value> {
    let reference = read_json(&spark_data("linear_regression_suites.json"));
    let cases = reference["cases"].as_array().unwrap();
    let of_suite: Vec<Value> = cases.iter().filter(|c| c["suite"] == name).cloned().collect();
    assert!(!of_suite.is_empty());
    of_suite
}

fn inline(input: &Value) -> DataFrame {
    frame(matrix(&input["features"]), numbers(&input["label"]), Some(numbers(&input["weight"])))
}

/// The numbers in `Spark 4.3.0 gives [...], max abs diff ...`.
fn verified(case: &Value) -> Option<Vec<f64>> {
    let text = case.get("verified")?.as_str()?;
    let list = text.split_once('[')?.1.split_once(']')?.0;
    list.split(',').map(|v| v.trim().parse().ok()).collect()
}

#[test]
fn weighted_least_squares_suite() {
    let mut verified_cases = 0;
    for case in suite("WeightedLeastSquaresSuite.scala") {
        let data = inline(&case["input"]);
        // Spark's limits of iterations there are for its own solver.
        let base = regression(&case["params"]).weight_col("weight").tol(1e-6).max_iter(100);
        for solver in DIRECT {
            let estimator = base.clone().solver(solver);
            if let Some(spark) = verified(&case) {
                let found = estimates(&fit(&estimator, &data));
                if uses_a_constant(&case) {
                    let params = &case["params"];
                    let (ours, theirs) = (objective(params, &data, &found), objective(params, &data, &spark));
                    assert!(ours < theirs, "{ours} is not better than Spark's {theirs}: {case}");
                    for j in 1..found.len() {
                        for step in [-1e-5, 1e-5] {
                            let mut moved = found.clone();
                            moved[j] += step;
                            assert!(objective(params, &data, &moved) > ours, "{case}");
                        }
                    }
                    verified_cases += 1;
                    continue;
                }
                let tolerance = if case["tolerance"] == "abs 1e-6" { 1e-6 } else { 1e-4 };
                assert_close(&found, &spark, 1e-6, &case);
                assert_close(&found, &numbers(&case["expected"]), tolerance, &case);
                verified_cases += 1;
                continue;
            }
            special_case(&case, &estimator, &data);
        }
    }
    assert!(verified_cases > 30);
}

/// Spark gives a constant feature the coefficient 0 whatever the model. Without an intercept that is not the minimum of
/// the objective that it states, unless a penalty in deviations cannot weigh the feature.
fn uses_a_constant(case: &Value) -> bool {
    let params = &case["params"];
    let is_constant = case["what"].as_str().unwrap().contains("constant feature column");
    is_constant
        && params["fitIntercept"] == false
        && (params["regParam"] == 0.0 || params["standardization"] == false)
}

/// The objective of a model without intercept, with a penalty that is not in deviations.
fn objective(params: &Value, data: &DataFrame, estimates: &[f64]) -> f64 {
    let (x, y) = (data.vectors("features").unwrap(), data.column_f64("label").unwrap());
    let w = data.column_f64("weight").unwrap();
    let total: f64 = w.iter().sum();
    let mean = y.iter().zip(&w).map(|(y, w)| y * w).sum::<f64>() / total;
    let s_y = (y.iter().zip(&w).map(|(y, w)| w * (y - mean).powi(2)).sum::<f64>() / total).sqrt();
    let rows = x.rows().into_iter().zip(&y).zip(&w);
    let fitted =
        |x: ndarray::ArrayView1<'_, f64>| x.iter().zip(&estimates[1..]).map(|(x, b)| x * b).sum::<f64>();
    let loss: f64 = rows.map(|((x, y), w)| w * (fitted(x) - y).powi(2)).sum();
    let number = |key: &str| params[key].as_f64().unwrap();
    let (lambda, alpha) = (number("regParam"), number("elasticNetParam"));
    let penalty = |b: &f64| (1.0 - alpha) / (2.0 * s_y) * b * b + alpha * b.abs();
    loss / (2.0 * total) + lambda * estimates[1..].iter().map(penalty).sum::<f64>()
}

fn special_case(case: &Value, estimator: &LinearRegression, data: &DataFrame) {
    let expected = &case["expected"];
    match case["what"].as_str().unwrap() {
        "against R lm, no regularization (any standardization)" => {
            for (intercept, key) in [(false, "fitIntercept=false"), (true, "fitIntercept=true")] {
                for standardization in [false, true] {
                    let e = estimator.clone().fit_intercept(intercept).standardization(standardization);
                    assert_close(&estimates(&fit(&e, data)), &numbers(&expected[key]), 1e-4, case);
                }
            }
        }
        "constant label, fitIntercept=false, regParam>0" => {
            let message = estimator.fit_frame(data).unwrap_err().to_string();
            assert!(message.contains("the label is 17 in every row"), "{message}");
        }
        "diag((A'WA)^-1)" => {
            for (intercept, key) in [(true, "with_intercept(last=intercept)"), (false, "without")] {
                let model = fit(&estimator.clone().fit_intercept(intercept), data);
                let freedom = model.summary().degrees_of_freedom as f64;
                let variance = model.summary().mse * 10.0 / freedom;
                let diagonal: Vec<f64> =
                    model.standard_errors().unwrap().iter().map(|s| s * s / variance).collect();
                assert_relative(&diagonal, &numbers(&expected[key]), 1e-4, case);
            }
        }
        "strong L1 leaves only the intercept = weighted label mean" => {
            assert_close(&estimates(&fit(estimator, data)), &[24.0, 0.0, 0.0], 24e-6, case);
        }
        what => {
            assert!(what.starts_with("collinear features"), "{what}");
            let model = fit(estimator, data);
            let predicted = model.evaluate(data).unwrap().predictions;
            assert_close(&predicted, &[1.0, 2.0, 3.0, 4.0], 1e-6, case);
            assert!(model.standard_errors().is_none());
        }
    }
}

#[test]
fn linear_regression_suite() {
    for case in suite("LinearRegressionSuite.scala") {
        let (input, params) = (&case["input"], &case["params"]);
        let base = if params["solver"].is_array() { LinearRegression::new() } else { regression(params) };
        match case["what"].as_str().unwrap() {
            what if what.starts_with("huber") => huber(&base, &case),
            what if what.starts_with("singular") => singular(input),
            "training summary" => {
                for solver in DIRECT {
                    let data = read("gen_linear_10000.csv");
                    summary(&fit(&base.clone().solver(solver), &data), &data, &case["verified"]);
                }
            }
            what if what.starts_with("weighted summary") => {
                let data = inline(input);
                for solver in DIRECT {
                    let model = fit(&base.clone().solver(solver).weight_col("weight"), &data);
                    inference(&model, &data, &case["verified"]);
                    assert_close(
                        model.coefficients(),
                        &numbers(&case["expected"]["coefficients"]),
                        1e-3,
                        &case,
                    );
                }
            }
            _ => every_solver(&base, &case),
        }
    }
}

fn every_solver(base: &LinearRegression, case: &Value) {
    let data = match case["input"].get("file").and_then(Value::as_str) {
        Some(file) => read(file),
        None => {
            // The same draws with an intercept of 0 instead of 6.3.
            let data = read("gen_linear_10000.csv");
            let label = data.column_f64("label").unwrap().iter().map(|y| y - 6.3).collect();
            frame(data.vectors("features").unwrap(), label, None)
        }
    };
    let read = |v: &Value| -> Vec<f64> {
        std::iter::once(v["intercept"].as_f64().unwrap()).chain(numbers(&v["coefficients"])).collect()
    };
    for solver in [Solver::Auto, Solver::Normal, Solver::Qr, Solver::LBfgs] {
        let found = estimates(&fit(&base.clone().solver(solver), &data));
        let spark = &case["verified"][if solver == Solver::LBfgs { "l-bfgs" } else { "normal" }];
        // Spark's iterative solvers stop short of the minimum.
        assert_close(&found, &read(spark), 1e-5 * largest(&read(spark)), case);
        assert_relative(&found, &read(&case["expected"]), 1e-2, case);
    }
}

fn summary(model: &LinearRegressionModel, data: &DataFrame, verified: &Value) {
    let (s, e) = (model.summary(), model.evaluate(data).unwrap());
    assert_eq!((s.objective_history.as_slice(), s.total_iterations), ([0.0].as_slice(), 0));
    let expected = ["mse", "r2", "r2adj", "mae"].map(|key| verified[key].as_f64().unwrap());
    assert_relative(&[s.mse, s.r2, s.adjusted_r2], &expected[..3], 1e-10, verified);
    assert_relative(&[e.mse, e.r2, e.adjusted_r2, e.mae], &expected, 1e-10, verified);
    inference(model, data, verified);
}

fn inference(model: &LinearRegressionModel, data: &DataFrame, verified: &Value) {
    assert_relative(model.standard_errors().unwrap(), &numbers(&verified["stdErr"]), 1e-9, verified);
    assert_relative(model.t_values().unwrap(), &numbers(&verified["t"]), 1e-9, verified);
    assert_relative(model.p_values().unwrap(), &numbers(&verified["p"]), 1e-9, verified);
    let residuals = model.evaluate(data).unwrap().deviance_residuals;
    assert_relative(&residuals, &numbers(&verified["devianceResiduals"]), 1e-9, verified);
}

fn huber(base: &LinearRegression, case: &Value) {
    let data = read("gen_outlier_1000.csv");
    let model = fit(base, &data);
    let expected = &case["expected"];
    if expected.is_string() {
        let squared = fit(&LinearRegression::new(), &data);
        assert_close(&estimates(&model), &estimates(&squared), 1e-9, case);
        return;
    }
    let mut found = estimates(&model);
    found.push(model.scale());
    let tolerance = if case["tolerance"] == "rel 1e-3" { 1e-3 } else { 1e-2 };
    for (reference, tolerance) in [(expected, tolerance), (&case["verified"]["l-bfgs"], 1e-3)] {
        let mut all = vec![reference["intercept"].as_f64().unwrap()];
        all.extend(numbers(&reference["coefficients"]));
        all.push(reference["scale"].as_f64().unwrap());
        assert_relative(&found, &all, tolerance, case);
    }
}

fn singular(input: &Value) {
    let label = numbers(&input["label"]);
    for kind in ["constant", "collinear"] {
        let x = matrix(&input[kind]);
        let data = frame(x.clone(), label.clone(), None);
        let alone = frame(x.select(ndarray::Axis(1), &[1]), label.clone(), None);
        let line = fit(&LinearRegression::new(), &alone).evaluate(&alone).unwrap().predictions;
        for solver in [Solver::Auto, Solver::Normal, Solver::Qr, Solver::LBfgs] {
            let model = fit(&LinearRegression::new().solver(solver), &data);
            match model.standard_errors() {
                // Spark has none at all; here that of the other column stays.
                Some(errors) => assert!(kind == "constant" && errors[0].is_nan() && errors[1] > 0.0),
                None => assert!(kind == "collinear" || solver == Solver::LBfgs, "{kind} {solver:?}"),
            }
            assert_close(&model.evaluate(&data).unwrap().predictions, &line, 1e-9, &kind);
        }
    }
}
