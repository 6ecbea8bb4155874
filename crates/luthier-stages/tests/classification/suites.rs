//! What Spark's own test suites assert.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Params, Value as Param};
use luthier_stages::{
    BinaryClassificationEvaluator, BinaryCurve, BinaryMetric, MulticlassClassificationEvaluator,
    MulticlassMetric, RankingEvaluator, RankingMetric,
};
use serde_json::Value;

use crate::frames::*;
use crate::spark::snake_case;

fn suite(name: &str) -> Vec<Value> {
    let cases = json("evaluator_suites.json");
    let of_suite: Vec<Value> = cases
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["suite"] == format!("{name}.scala"))
        .cloned()
        .collect();
    assert!(!of_suite.is_empty());
    of_suite
}

fn near(found: f64, expected: &Value, tolerance: f64, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= tolerance, "{what}: {found} differs from {expected}");
}

#[test]
fn binary_classification_metrics() {
    let case = &suite("BinaryClassificationMetricsSuite")[0];
    let [score, label, weight] = ["score", "label", "weight"].map(|name| floats(&case["input"][name]));
    let curve = BinaryCurve::new(&score, &label, Some(&weight)).unwrap();
    let expected = &case["expected"];
    assert_eq!(curve.thresholds(), floats(&expected["thresholds"]));
    let points = |found: Vec<(f64, f64)>, name: &str| {
        let found: Vec<Vec<f64>> = found.into_iter().map(|(x, y)| vec![x, y]).collect();
        let expected = rows(&expected[name]);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (a, b) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert_close(*a, *b, 1e-12, name);
        }
    };
    points(curve.roc(), "roc");
    points(curve.pr(), "pr");
    let by_threshold = |found: Vec<(f64, f64)>, name: &str| {
        for ((_, a), b) in found.iter().zip(floats(&expected[name])) {
            assert_close(*a, b, 1e-12, name);
        }
    };
    by_threshold(curve.precision_by_threshold(), "precisionByThreshold");
    by_threshold(curve.recall_by_threshold(), "recallByThreshold");
    by_threshold(curve.f_measure_by_threshold(1.0), "fMeasure1");
    by_threshold(curve.f_measure_by_threshold(2.0), "fMeasure2");
    assert_close(curve.area_under_roc(), expected["areaUnderROC"].as_f64().unwrap(), 1e-12, "roc");
    assert_close(curve.area_under_pr(), expected["areaUnderPR"].as_f64().unwrap(), 1e-12, "pr");
}

#[test]
fn binary_classification_evaluator() {
    for case in suite("BinaryClassificationEvaluatorSuite") {
        let input = &case["input"];
        let frame = |weight: &[f64]| {
            DataFrame::from_columns(vec![
                ("raw_prediction", vectors(&rows(&input["rawPrediction"]))),
                ("label", Column::f64(floats(&input["label"]))),
                ("weight", Column::f64(weight.to_vec())),
            ])
            .unwrap()
        };
        if case["params"]["metricName"] == "areaUnderPR" {
            let evaluator = BinaryClassificationEvaluator::new().metric(BinaryMetric::AreaUnderPr);
            assert_eq!(evaluate(&evaluator, &frame(&[1.0; 3])), case["expected"].as_f64().unwrap());
            continue;
        }
        let weighted = BinaryClassificationEvaluator::new().weight_col("weight");
        let plain = BinaryClassificationEvaluator::new();
        let weights = floats(&input["weight"]);
        assert_eq!(evaluate(&plain, &frame(&weights)), 0.5);
        assert_eq!(evaluate(&weighted, &frame(&[1.0; 3])), 0.5);
        assert_close(evaluate(&weighted, &frame(&weights)), 2.0 / 4.5, 1e-15, "weighted");
    }
}

#[test]
fn multiclass_metrics() {
    let frame = |input: &Value| {
        let mut columns = Vec::new();
        for name in ["label", "prediction", "weight"] {
            columns.extend(input.get(name).map(|values| (name, Column::f64(floats(values)))));
        }
        columns.extend(input.get("probability").map(|p| ("probability", vectors(&rows(p)))));
        DataFrame::from_columns(columns).unwrap()
    };
    for case in suite("MulticlassMetricsSuite") {
        let (frame, expected) = (frame(&case["input"]), &case["expected"]);
        let base = MulticlassClassificationEvaluator::new();
        let weighted = base.clone().weight_col("weight");
        let what = case["what"].as_str().unwrap();
        let two = |metric: MulticlassMetric| {
            near(evaluate(&base.clone().metric(metric), &frame), &expected["unweighted"], 1e-12, what);
            near(evaluate(&weighted.clone().metric(metric), &frame), &expected["weighted"], 1e-12, what);
        };
        match what {
            "multiclass metrics" => {
                for (name, expected) in expected.as_object().unwrap() {
                    let (metric, beta) = match name.as_str() {
                        "labels" | "confusionMatrix_rows_true" => continue,
                        "f1ByLabel" => ("fMeasureByLabel", 1.0),
                        "f2ByLabel" => ("fMeasureByLabel", 2.0),
                        "weightedFMeasure_beta2" => ("weightedFMeasure", 2.0),
                        other => (other, 1.0),
                    };
                    let mut evaluator = base.clone().beta(beta);
                    evaluator.set_value("metric", &Param::from(snake_case(metric).as_str())).unwrap();
                    match expected.as_array() {
                        Some(by_label) => {
                            for (label, expected) in by_label.iter().enumerate() {
                                let evaluator = evaluator.clone().metric_label(label as f64);
                                near(evaluate(&evaluator, &frame), expected, 1e-12, name);
                            }
                        }
                        None => near(evaluate(&evaluator, &frame), expected, 1e-12, name),
                    }
                }
            }
            "hammingLoss" => two(MulticlassMetric::HammingLoss),
            _ => two(MulticlassMetric::LogLoss),
        }
    }
    for case in suite("MulticlassClassificationEvaluatorSuite") {
        let metric = case["params"]["metricName"].as_str().unwrap();
        let mut evaluator = MulticlassClassificationEvaluator::new();
        evaluator.set_value("metric", &Param::from(snake_case(metric).as_str())).unwrap();
        near(evaluate(&evaluator, &frame(&case["input"])), &case["expected"], 1e-12, metric);
    }
}

#[test]
fn ranking_metrics() {
    let mut compared = 0;
    for case in suite("RankingMetricsSuite").into_iter().chain(suite("RankingEvaluatorSuite")) {
        let input = &case["input"];
        let mut columns = vec![
            ("prediction", Column::lists(lists(&input["prediction"]))),
            ("label", Column::lists(lists(&input["label"]))),
        ];
        let mut evaluator = RankingEvaluator::new();
        if let Some(relevance) = input.get("relevance") {
            columns.push(("relevance", Column::lists(lists(relevance))));
            evaluator = evaluator.relevance_col("relevance");
        }
        let frame = DataFrame::from_columns(columns).unwrap();
        let k = case["params"].get("k").map_or(10, |k| k.as_u64().unwrap() as usize);
        for (name, expected) in case["expected"].as_object().unwrap() {
            let metric = match name.as_str() {
                "precisionAt" | "precisionAtK" => RankingMetric::PrecisionAtK,
                "recallAt" => RankingMetric::RecallAtK,
                "ndcgAt" => RankingMetric::NdcgAtK,
                _ => RankingMetric::MeanAveragePrecision,
            };
            let evaluator = evaluator.clone().metric(metric);
            let at = match expected.as_object() {
                Some(at) => at.iter().map(|(k, v)| (k.parse().unwrap(), v.clone())).collect(),
                None => vec![(k, expected.clone())],
            };
            for (k, expected) in at {
                near(evaluate(&evaluator.clone().k(k), &frame), &expected, 1e-5, name);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 27);
}
