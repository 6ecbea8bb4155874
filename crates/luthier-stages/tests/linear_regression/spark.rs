//! What Spark 4.3.0 answers on the diabetes data.

use luthier_core::frame::DataFrame;
use luthier_stages::{LinearRegressionModel, Solver};
use serde_json::Value;

use crate::frames::*;

#[test]
fn diabetes() {
    let data = read("diabetes.csv");
    let reference = read_json(&spark_data("linear_regression.json"));
    let (mut cases, mut summaries) = (0, 0);
    for case in reference["cases"].as_array().unwrap() {
        cases += 1;
        let params = &case["params"];
        let base = regression(params);
        let expected = numbers(&case["coefficients"]);
        let intercept = case["intercept"].as_f64().unwrap();
        if params.get("loss").is_some() {
            let model = fit(&base, &data);
            // Spark's L-BFGS-B stops short of the minimum by about this much.
            assert_close(model.coefficients(), &expected, 1e-4 * largest(&expected), case);
            let scale = case["scale"].as_f64().unwrap();
            assert_relative(&[model.intercept(), model.scale()], &[intercept, scale], 1e-3, case);
            let fitted = model.evaluate(&data).unwrap();
            let spark = [case["rmse"].as_f64().unwrap(), case["r2"].as_f64().unwrap()];
            assert_relative(&[fitted.rmse, fitted.r2], &spark, 1e-4, case);
            continue;
        }
        let kkt = case["kkt"]["max_violation_standardized"].as_f64().unwrap();
        let coefficients = (50.0 * kkt).max(1e-6);
        let metrics = (10.0 * kkt).max(1e-9);
        let population = params["solver"] != "l-bfgs";
        for solver in if population { &DIRECT[..] } else { &[Solver::LBfgs][..] } {
            let model = fit(&base.clone().solver(*solver), &data);
            assert_close(model.coefficients(), &expected, coefficients * largest(&expected), case);
            assert_close(&[model.intercept()], &[intercept], coefficients * intercept.abs().max(1.0), case);
            let evaluation = model.evaluate(&data).unwrap();
            // With weights, Spark takes the total of r2 over one row less than there is weight.
            let count = if params.get("weightCol").is_some() { 1 } else { 2 };
            let spark = [case["rmse"].as_f64().unwrap(), case["r2"].as_f64().unwrap()];
            let s = model.summary();
            for found in [[evaluation.rmse, evaluation.r2], [s.rmse, s.r2]] {
                assert_relative(&found[..count], &spark[..count], metrics, case);
            }
            if let Some(expected) = case.get("summary") {
                summaries += 1;
                summary(&model, &data, expected, metrics, *solver);
            }
        }
    }
    assert_eq!((cases, summaries), (25, 9));
}

fn summary(
    model: &LinearRegressionModel,
    data: &DataFrame,
    expected: &Value,
    tolerance: f64,
    solver: Solver,
) {
    let evaluation = model.evaluate(data).unwrap();
    let keys = ["r2", "r2adj", "meanSquaredError", "rootMeanSquaredError", "explainedVariance"];
    let spark: Vec<f64> = keys.iter().map(|key| expected[key].as_f64().unwrap()).collect();
    let s = model.summary();
    // The explained variance is not at its minimum: it is off by the error of the coefficients.
    let tolerance = 10.0 * tolerance;
    let found = [s.r2, s.adjusted_r2, s.mse, s.rmse, s.explained_variance];
    assert_relative(&found, &spark, tolerance, expected);
    let e = &evaluation;
    let found = [e.r2, e.adjusted_r2, e.mse, e.rmse, e.explained_variance];
    assert_relative(&found, &spark, tolerance, expected);
    let mae = expected["meanAbsoluteError"].as_f64().unwrap();
    assert_relative(&[e.mae], &[mae], tolerance, expected);
    assert_relative(&e.deviance_residuals, &numbers(&expected["devianceResiduals"]), tolerance, expected);
    for (rows, freedom) in [(s.num_instances, s.degrees_of_freedom), (e.num_instances, e.degrees_of_freedom)]
    {
        assert_eq!(rows, expected["numInstances"].as_u64().unwrap());
        assert_eq!(freedom, expected["degreesOfFreedom"].as_i64().unwrap());
    }
    match expected.get("coefficientStandardErrors") {
        Some(errors) => {
            assert_eq!((s.total_iterations, s.objective_history.as_slice()), (0, [0.0].as_slice()));
            assert_relative(model.standard_errors().unwrap(), &numbers(errors), 1e-8, expected);
            assert_relative(model.t_values().unwrap(), &numbers(&expected["tValues"]), 1e-8, expected);
            // Spark's p values are differences from 1.
            assert_relative(model.p_values().unwrap(), &numbers(&expected["pValues"]), 1e-8, expected);
        }
        None => {
            assert_eq!(solver, Solver::LBfgs);
            assert!(model.standard_errors().is_none() && model.t_values().is_none());
            let history = numbers(&expected["objectiveHistory_first_last_len"]);
            let ours = &s.objective_history;
            assert_eq!(ours.len(), s.total_iterations + 1);
            let ends = [ours[0], ours[ours.len() - 1]];
            assert_relative(&ends, &history[..2], tolerance.max(1e-7), expected);
        }
    }
}
