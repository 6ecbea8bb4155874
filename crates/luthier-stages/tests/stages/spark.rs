//! The numbers that Spark 4.3.0 gives.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Dataset, EstimatorExt, Evaluator, Params, Transformer};
use luthier_stages::{Pca, RegressionEvaluator};
use serde_json::Value as Json;

use crate::data::{assert_close, read_csv};

fn reference() -> Json {
    let path = format!("{}/tests/data/spark.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn floats(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn evaluator(metric: &str) -> RegressionEvaluator {
    let mut evaluator = RegressionEvaluator::new();
    evaluator.set_value("metric", &metric.into()).unwrap();
    evaluator
}

#[test]
fn pca() {
    let frame = read_csv("diabetes.csv");
    let reference = reference();
    for case in reference["pca"].as_array().unwrap() {
        let k = case["k"].as_u64().unwrap() as usize;
        let model = Pca::new().k(k).fit_frame(&frame).unwrap();
        for (mine, theirs) in model.explained_variance().iter().zip(floats(&case["explainedVariance"])) {
            assert_close(*mine, theirs, 1e-10);
        }
        let rows: Vec<Vec<f64>> = case["pc_rows"].as_array().unwrap().iter().map(floats).collect();
        let projected = model.transform(&frame).unwrap().vectors("pca_features").unwrap();
        for j in 0..k {
            let theirs = ndarray::Array1::from_iter(rows.iter().map(|row| row[j]));
            let sign = theirs.dot(&model.components().column(j)).signum();
            for (a, b) in model.components().column(j).iter().zip(&theirs) {
                assert!((a - sign * b).abs() < 1e-10, "component {j}: {a} is not ±{b}");
            }
            for (i, row) in case["first3"].as_array().unwrap().iter().enumerate() {
                assert_close(projected[[i, j]], sign * floats(row)[j], 1e-10);
            }
        }
    }
}

#[test]
fn regression_metrics_on_real_predictions() {
    let data = Dataset::new(read_csv("pred_diabetes.csv"));
    let mut compared = 0;
    for (key, value) in reference()["regression_evaluator"]["metrics"].as_object().unwrap() {
        let [metric, weight, origin] = key.split('|').collect::<Vec<_>>()[..] else { panic!("{key}") };
        let mut evaluator = evaluator(metric).through_origin(origin.ends_with("True"));
        if weight == "weight=weight" {
            evaluator = evaluator.weight_col("weight");
        }
        let expected = match key.as_str() {
            // Spark's own formula is off for weights; `1 − RSS/TSS` by R's `lm` gives this.
            "r2|weight=weight|throughOrigin=False" => 0.50906,
            _ => value.as_f64().unwrap(),
        };
        let tolerance = if expected == 0.50906 { 1e-5 } else { 1e-9 };
        assert_close(evaluator.evaluate(&data).unwrap(), expected, tolerance);
        let plan = evaluator.plan(data.schema());
        assert_close(
            evaluator.evaluate(&data.prepare(plan.derived()).unwrap()).unwrap(),
            expected,
            tolerance,
        );
        compared += 1;
    }
    assert_eq!(compared, 10);
}

#[test]
fn regression_metrics_suite() {
    for case in reference()["regression_metrics_suite"].as_array().unwrap() {
        let input = &case["input"];
        let (label, prediction) = (floats(&input["label"]), floats(&input["prediction"]));
        let weight = input.get("weight").map_or(vec![1.0; label.len()], floats);
        let weights_are_ones = weight.iter().all(|w| *w == 1.0);
        let weighted_r2 = {
            let total: f64 = weight.iter().sum();
            let mean = label.iter().zip(&weight).map(|(y, w)| w * y).sum::<f64>() / total;
            let sum =
                |f: &dyn Fn(usize) -> f64| (0..label.len()).map(|i| weight[i] * f(i).powi(2)).sum::<f64>();
            1.0 - sum(&|i| label[i] - prediction[i]) / sum(&|i| label[i] - mean)
        };
        let frame = DataFrame::from_columns(vec![
            ("label", Column::f64(label)),
            ("prediction", Column::f64(prediction)),
            ("weight", Column::f64(weight)),
        ])
        .unwrap();
        let data = Dataset::new(frame);
        for metric in ["rmse", "mse", "r2", "mae", "var"] {
            let evaluator = evaluator(metric)
                .weight_col("weight")
                .through_origin(case["params"]["throughOrigin"].as_bool().unwrap());
            let found = evaluator.evaluate(&data).unwrap();
            if metric == "r2" && !weights_are_ones {
                assert_close(found, weighted_r2, 1e-12);
                assert!(found < 1.0, "Spark gives {} here", case["verified"]["r2"]);
            } else {
                let expected = case["verified"][metric].as_f64().unwrap();
                assert!((found - expected).abs() < 1e-9, "{}: {metric} {found}", case["what"]);
            }
            let prepared = data.prepare(evaluator.plan(data.schema()).derived()).unwrap();
            assert!((evaluator.evaluate(&prepared).unwrap() - found).abs() < 1e-9);
        }
    }
}
