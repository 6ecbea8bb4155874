//! What Spark 4.3.0 answers.

use luthier_core::frame::{CsvOptions, DataFrame};
use luthier_core::{Params, Value};
use luthier_stages::{BinaryClassificationEvaluator, MulticlassClassificationEvaluator};

use crate::frames::*;

/// `areaUnderROC` as `area_under_roc`.
pub(crate) fn snake_case(name: &str) -> String {
    let name = name.replace("ROC", "Roc").replace("PR", "Pr");
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

fn read(name: &str) -> DataFrame {
    DataFrame::read_csv(spark_data(name), &CsvOptions::new()).unwrap()
}

/// The parts of `areaUnderROC|col=coarse|weight=None`, those that are set.
fn parts(key: &str) -> (String, Vec<(String, String)>) {
    let mut parts = key.split('|');
    let metric = snake_case(parts.next().unwrap());
    let options = parts.map(|part| part.split_once('=').unwrap());
    (metric, options.filter(|(_, v)| *v != "None").map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
}

#[test]
fn binary_classification() {
    let frame = read("pred_breast_cancer.csv");
    let metrics = json("evaluators.json")["BinaryClassificationEvaluator"]["metrics"].clone();
    for (key, expected) in metrics.as_object().unwrap() {
        let (metric, options) = parts(key);
        let mut evaluator = BinaryClassificationEvaluator::new();
        evaluator.set_value("metric", &Value::from(metric.as_str())).unwrap();
        for (name, value) in options {
            evaluator = match (name.as_str(), value.as_str()) {
                ("col", "rawPrediction") => evaluator.raw_prediction_col("raw1"),
                ("col", "probability") => evaluator.raw_prediction_col("prob1"),
                ("col", other) => evaluator.raw_prediction_col(other),
                ("weight", column) => evaluator.weight_col(column),
                ("numBins", bins) => evaluator.num_bins(bins.parse::<usize>().unwrap()),
                other => panic!("{other:?}"),
            };
        }
        assert_close(evaluate(&evaluator, &frame), expected.as_f64().unwrap(), 1e-9, key);
    }
    assert_eq!(metrics.as_object().unwrap().len(), 24);
}

#[test]
fn multiclass_classification() {
    let frame = read("pred_iris.csv").with_vector("probability", &["p0", "p1", "p2"]).unwrap();
    let metrics = json("evaluators.json")["MulticlassClassificationEvaluator"]["metrics"].clone();
    for (key, expected) in metrics.as_object().unwrap() {
        let (metric, options) = parts(key);
        let mut evaluator = MulticlassClassificationEvaluator::new();
        evaluator.set_value("metric", &Value::from(metric.as_str())).unwrap();
        for (name, value) in options {
            evaluator = match name.as_str() {
                "label" => evaluator.metric_label(value.parse::<f64>().unwrap()),
                "beta" => evaluator.beta(value.parse::<f64>().unwrap()),
                "weight" => evaluator.weight_col(&value),
                other => panic!("{other}"),
            };
        }
        assert_close(evaluate(&evaluator, &frame), expected.as_f64().unwrap(), 1e-9, key);
    }
    assert_eq!(metrics.as_object().unwrap().len(), 28);
}
