//! What Spark 4.3.0 answers, and what its own suites assert (many with glmnet's answers).

use ndarray::{Array1, Array2, Axis};
use serde_json::Value;

use super::data::{Rows, read_json};
use crate::linear_regression::{
    FitError, FitOptions, Goodness, HuberOptions, Solver, fit_normal_equations, infer,
};

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn matrix(v: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = v.as_array().unwrap().iter().map(numbers).collect();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn number(v: &Value, key: &str, default: f64) -> f64 {
    v.get(key).map_or(default, |v| v.as_f64().unwrap())
}

fn flag(v: &Value, key: &str) -> bool {
    v.get(key).is_none_or(|v| v.as_bool().unwrap())
}

fn options(params: &Value) -> FitOptions {
    let solver = match params.get("solver").and_then(Value::as_str) {
        Some("l-bfgs") => Solver::LBfgs,
        Some("normal") => Solver::Normal,
        _ => Solver::Auto,
    };
    FitOptions {
        reg_param: number(params, "regParam", 0.0),
        elastic_net_param: number(params, "elasticNetParam", 0.0),
        fit_intercept: flag(params, "fitIntercept"),
        standardization: flag(params, "standardization"),
        solver,
        tol: number(params, "tol", 1e-6),
        max_iter: number(params, "maxIter", 100.0) as usize,
    }
}

fn huber_options(params: &Value) -> HuberOptions {
    HuberOptions {
        reg_param: number(params, "regParam", 0.0),
        fit_intercept: flag(params, "fitIntercept"),
        standardization: flag(params, "standardization"),
        epsilon: number(params, "epsilon", 1.35),
        tol: number(params, "tol", 1e-6),
        max_iter: 100,
    }
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &dyn std::fmt::Debug) {
    assert_eq!(found.len(), expected.len(), "{what:?}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance, "{what:?}: {found:?} instead of {expected:?} (to {tolerance:e})");
    }
}

/// Also with `auto` and `qr` wherever Spark used the population deviation: they answer the same question.
fn solvers(solver: Solver) -> Vec<Solver> {
    if solver == Solver::LBfgs { vec![solver] } else { vec![Solver::Normal, Solver::Auto, Solver::Qr] }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |a, v| v.abs().max(a))
}

#[test]
fn diabetes() {
    let reference = read_json("linear_regression.json");
    let mut summaries = 0;
    for case in reference["cases"].as_array().unwrap() {
        let params = &case["params"];
        let rows = Rows::spark("diabetes.csv", params.get("weightCol").is_some());
        let expected = numbers(&case["coefficients"]);
        let intercept = case["intercept"].as_f64().unwrap();
        if params.get("loss").is_some() {
            let fit = rows.huber(&huber_options(params));
            // Spark's L-BFGS-B stops short of the minimum by about this much.
            let tolerance = 1e-4 * largest(&expected);
            let scale = case["scale"].as_f64().unwrap();
            assert_close(&fit.coefficients.to_vec(), &expected, tolerance, case);
            assert_close(&[fit.intercept, fit.scale], &[intercept, scale], 1e-2, case);
            let objective =
                |beta: &Array1<f64>, c, s| super::huber::objective(&rows, &huber_options(params), beta, c, s);
            let (ours, spark) = (
                objective(&fit.coefficients, fit.intercept, fit.scale),
                objective(&expected.into(), intercept, scale),
            );
            assert!(ours < spark && ours > spark * (1.0 - 1e-8), "{ours} {spark}");
            continue;
        }
        let kkt = case["kkt"]["max_violation_standardized"].as_f64().unwrap();
        let relative = (50.0 * kkt).max(1e-6);
        for solver in solvers(options(params).solver) {
            let options = FitOptions { solver, ..options(params) };
            let fit = rows.fit(&options);
            assert_close(&fit.coefficients.to_vec(), &expected, relative * largest(&expected), case);
            assert_close(&[fit.intercept], &[intercept], relative * intercept.abs().max(1.0), case);
            let goodness = Goodness::from_moments(
                &rows.moments(),
                fit.coefficients.view(),
                fit.intercept,
                options.fit_intercept,
            );
            assert!(goodness.residual.digits > 11.0);
            if !options.fit_intercept || params.get("weightCol").is_none() {
                let metrics = [goodness.root_mean_squared_error(), goodness.r2()];
                let spark = [case["rmse"].as_f64().unwrap(), case["r2"].as_f64().unwrap()];
                assert_close(&metrics, &spark, (10.0 * kkt).max(1e-9) * spark[0], case);
            }
            let Some(summary) = case.get("summary") else { continue };
            summaries += 1;
            let value = |key: &str| summary[key].as_f64().unwrap();
            assert_close(
                &[goodness.r2(), goodness.adjusted_r2()],
                &[value("r2"), value("r2adj")],
                1e-9,
                case,
            );
            let variances = [goodness.mean_squared_error(), goodness.explained_variance()];
            let expected = [value("meanSquaredError"), value("explainedVariance")];
            assert_close(&variances, &expected, 3e-9f64.max(10.0 * kkt) * expected[1], case);
            assert_eq!(goodness.degrees_of_freedom(), summary["degreesOfFreedom"].as_i64().unwrap());
            let Some(errors) = summary.get("coefficientStandardErrors").filter(|v| !v.is_null()) else {
                assert!(fit.inverse_diagonal.is_none());
                continue;
            };
            let inverse = fit.inverse_diagonal.as_ref().unwrap();
            let found = infer(fit.coefficients.view(), fit.intercept, inverse, &goodness).unwrap();
            for (found, key) in [
                (found.standard_errors, "coefficientStandardErrors"),
                (found.t_values, "tValues"),
                (found.p_values, "pValues"),
            ] {
                for (f, e) in found.iter().zip(numbers(&summary[key])) {
                    // Spark's p values are differences from 1.
                    assert!((f - e).abs() < 1e-8 * e.abs() + 1e-15, "{key}: {f} instead of {e}");
                }
            }
            assert_eq!(numbers(errors).len(), expected_len(&options));
        }
    }
    assert!(summaries >= 6);
}

fn expected_len(options: &FitOptions) -> usize {
    10 + usize::from(options.fit_intercept)
}

fn suite(name: &str) -> Vec<Value> {
    let reference = read_json("linear_regression_suites.json");
    let cases = reference["cases"].as_array().unwrap();
    let of_suite: Vec<Value> = cases.iter().filter(|c| c["suite"] == name).cloned().collect();
    assert!(!of_suite.is_empty());
    of_suite
}

fn inline(input: &Value) -> Rows {
    let y = Array1::from(numbers(&input["label"]));
    let mut rows = Rows::new(matrix(&input["features"]), y);
    rows.w = numbers(&input["weight"]).into();
    rows
}

/// The numbers in `Spark 4.3.0 gives [...], max abs diff ...`.
fn verified(case: &Value) -> Option<Vec<f64>> {
    let text = case.get("verified")?.as_str()?;
    let list = text.split_once('[')?.1.split_once(']')?.0;
    list.split(',').map(|v| v.trim().parse().ok()).collect()
}

#[test]
fn weighted_least_squares_suite() {
    let mut glmnet = 0;
    for case in suite("WeightedLeastSquaresSuite.scala") {
        let rows = inline(&case["input"]);
        let base = options(&case["params"]);
        for solver in solvers(base.solver) {
            let options = FitOptions { solver, tol: 1e-6, max_iter: 100, ..base.clone() };
            let answer = |options: &FitOptions| {
                let fit = rows.fit(options);
                let mut all = vec![fit.intercept];
                all.extend(fit.coefficients);
                all
            };
            if let Some(expected) = verified(&case) {
                let found = answer(&options);
                assert_close(&found, &expected, 1e-6, &case);
                let tolerance = if case["tolerance"] == "abs 1e-6" { 1e-6 } else { 1e-4 };
                assert_close(&found, &numbers(&case["expected"]), tolerance, &case);
                glmnet += 1;
                continue;
            }
            match case["what"].as_str().unwrap() {
                "against R lm, no regularization (any standardization)" => {
                    for (fit_intercept, key) in [(false, "fitIntercept=false"), (true, "fitIntercept=true")] {
                        for standardization in [false, true] {
                            let found =
                                answer(&FitOptions { fit_intercept, standardization, ..options.clone() });
                            assert_close(&found, &numbers(&case["expected"][key]), 1e-4, &case);
                        }
                    }
                }
                "constant label, fitIntercept=false, regParam>0" => {
                    let batch = fit_normal_equations(&rows.moments(), &[options]);
                    let expected = FitError::ConstantLabel { label: 17.0, reg_param: 0.1 };
                    assert_eq!(batch.outcomes[0].as_ref().unwrap_err(), &expected);
                }
                "diag((A'WA)^-1)" => {
                    for (fit_intercept, key) in [(true, "with_intercept(last=intercept)"), (false, "without")]
                    {
                        let fit = rows.fit(&FitOptions { fit_intercept, ..options.clone() });
                        for (f, e) in
                            fit.inverse_diagonal.unwrap().iter().zip(numbers(&case["expected"][key]))
                        {
                            assert!((f / e - 1.0).abs() < 1e-4, "{f} {e}");
                        }
                    }
                }
                "strong L1 leaves only the intercept = weighted label mean" => {
                    assert_close(&answer(&options), &[24.0, 0.0, 0.0], 24e-6, &case);
                }
                what => {
                    assert!(what.starts_with("collinear features"), "{what}");
                    let found = answer(&options);
                    let predicted: Vec<f64> = rows
                        .x
                        .rows()
                        .into_iter()
                        .map(|x| found[0] + found[1] * x[0] + found[2] * x[1])
                        .collect();
                    assert_close(&predicted, &[1.0, 2.0, 3.0, 4.0], 1e-6, &case);
                    assert!(rows.fit(&options).inverse_diagonal.is_none());
                }
            }
        }
    }
    assert_eq!(glmnet, 39 * 3);
}

#[test]
fn linear_regression_suite() {
    for case in suite("LinearRegressionSuite.scala") {
        let what = case["what"].as_str().unwrap();
        let (input, params) = (&case["input"], &case["params"]);
        let rows = match input.get("file").and_then(Value::as_str) {
            Some(file) => Rows::spark(file, false),
            None if input.get("features").is_some() => inline(input),
            None if input.get("generator").is_some() => {
                // The same draws with an intercept of 0 instead of 6.3.
                let mut rows = Rows::spark("gen_linear_10000.csv", false);
                rows.y -= 6.3;
                rows
            }
            None => continue,
        };
        let expected = &case["expected"];
        if params.get("loss").is_some() {
            huber_case(&rows, &case);
            continue;
        }
        if what == "training summary" {
            training_summary(&rows, &case["verified"]);
            continue;
        }
        let coefficients = numbers(&expected["coefficients"]);
        let intercept = expected["intercept"].as_f64().unwrap();
        for solver in [Solver::Auto, Solver::Normal, Solver::Qr, Solver::LBfgs] {
            let base = options(params);
            let fit = rows.fit(&FitOptions { solver, ..base.clone() });
            let known = |v: &Value| -> (Vec<f64>, f64) {
                (numbers(&v["coefficients"]), v["intercept"].as_f64().unwrap())
            };
            let verified = &case["verified"];
            let (spark, spark_intercept) = match (solver, verified.get("normal")) {
                (Solver::LBfgs, Some(_)) => known(&verified["l-bfgs"]),
                (_, Some(normal)) => known(normal),
                (_, None) => known(verified),
            };
            let tight = if solver == Solver::LBfgs || base.elastic_net_param > 0.0 { 1e-5 } else { 1e-6 };
            assert_close(&fit.coefficients.to_vec(), &spark, tight * largest(&spark), &case);
            assert_close(&[fit.intercept], &[spark_intercept], tight * 10.0, &case);
            for (f, e) in fit.coefficients.iter().zip(&coefficients) {
                assert!((f / e - 1.0).abs() < 1e-2);
            }
            assert!((fit.intercept - intercept).abs() <= 1e-2 * intercept.abs());
        }
        if what.starts_with("weighted summary") {
            let options = options(params);
            let fit = rows.fit(&options);
            let goodness = Goodness::from_moments(&rows.moments(), fit.coefficients.view(), 0.0, false);
            let found =
                infer(fit.coefficients.view(), 0.0, &fit.inverse_diagonal.unwrap(), &goodness).unwrap();
            let verified = &case["verified"];
            for (found, key) in
                [(found.standard_errors, "stdErr"), (found.t_values, "t"), (found.p_values, "p")]
            {
                assert_close(&found.to_vec(), &numbers(&verified[key]), 1e-9, &case);
            }
        }
    }
}

fn training_summary(rows: &Rows, verified: &Value) {
    for solver in [Solver::Auto, Solver::Normal, Solver::Qr] {
        let fit = rows.fit(&FitOptions { solver, ..FitOptions::default() });
        assert_eq!((fit.objective_history.as_slice(), fit.iterations), ([0.0].as_slice(), 0));
        let goodness = Goodness::from_moments(&rows.moments(), fit.coefficients.view(), fit.intercept, true);
        let found = [goodness.mean_squared_error(), goodness.r2(), goodness.adjusted_r2()];
        let expected = ["mse", "r2", "r2adj"].map(|key| verified[key].as_f64().unwrap());
        assert_close(&found, &expected, 1e-11, verified);
        let inverse = fit.inverse_diagonal.unwrap();
        let inference = infer(fit.coefficients.view(), fit.intercept, &inverse, &goodness).unwrap();
        assert_close(&inference.standard_errors.to_vec(), &numbers(&verified["stdErr"]), 1e-11, verified);
        assert_close(&inference.t_values.to_vec(), &numbers(&verified["t"]), 1e-4, verified);
        assert_close(&inference.p_values.to_vec(), &numbers(&verified["p"]), 0.0, verified);
    }
}

fn huber_case(rows: &Rows, case: &Value) {
    let options = huber_options(&case["params"]);
    let fit = rows.huber(&options);
    assert!(fit.iterations < 30, "{}", fit.iterations);
    let expected = &case["expected"];
    if expected.is_string() {
        let squared = rows.fit(&FitOptions::default());
        assert_close(&fit.coefficients.to_vec(), &squared.coefficients.to_vec(), 1e-9, case);
        assert_close(&[fit.intercept], &[squared.intercept], 1e-9, case);
        return;
    }
    let spark = &case["verified"]["l-bfgs"];
    let found: Vec<f64> = fit.coefficients.iter().copied().chain([fit.intercept, fit.scale]).collect();
    for (reference, tolerance) in [(expected, 1e-2), (spark, 1e-4)] {
        let mut all = numbers(&reference["coefficients"]);
        all.extend([reference["intercept"].as_f64().unwrap(), reference["scale"].as_f64().unwrap()]);
        for (f, e) in found.iter().zip(&all) {
            assert!((f - e).abs() <= tolerance * e.abs(), "{found:?} instead of {all:?}");
        }
    }
}

#[test]
fn singular_data_fit_without_standard_errors() {
    let cases = suite("LinearRegressionSuite.scala");
    let case = cases.iter().find(|c| c["input"].get("collinear").is_some()).unwrap();
    for kind in ["constant", "collinear"] {
        let rows = Rows::new(matrix(&case["input"][kind]), numbers(&case["input"]["label"]).into());
        for solver in [Solver::Auto, Solver::Normal, Solver::Qr, Solver::LBfgs] {
            let fit = rows.fit(&FitOptions { solver, ..FitOptions::default() });
            assert!(fit.inverse_diagonal.is_none(), "{kind} {solver:?}");
            let predicted = rows.x.dot(&fit.coefficients) + fit.intercept;
            let alone = Rows::new(rows.x.select(Axis(1), &[1]), rows.y.clone());
            let line = alone.fit(&FitOptions::default());
            let expected = alone.x.dot(&line.coefficients) + line.intercept;
            assert_close(&predicted.to_vec(), &expected.to_vec(), 1e-9, &kind);
        }
    }
}
