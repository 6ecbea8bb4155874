//! Rates by label and curves on the training rows, as Spark's summaries have them.

use crate::frames::*;

#[test]
fn what_spark_tells_of_the_training_rows() {
    let mut compared = 0;
    for case in cases("logistic_regression.json") {
        let Some(spark) = case.get("summary") else { continue };
        let data = read(&format!("{}.csv", case["dataset"].as_str().unwrap()));
        let model = fit(&regression(&case["params"]), &data);
        let found = model.evaluate(&data).unwrap();
        assert!((found.log_loss - model.summary().log_loss).abs() < 1e-12);
        let confusion = &found.confusion;
        assert_eq!(confusion.labels(), numbers(&spark["labels"]));
        let by_label = |f: &dyn Fn(f64) -> luthier_core::Result<f64>| -> Vec<f64> {
            confusion.labels().into_iter().map(|label| f(label).unwrap()).collect()
        };
        for (key, found) in [
            ("truePositiveRateByLabel", by_label(&|k| confusion.recall(k))),
            ("recallByLabel", by_label(&|k| confusion.recall(k))),
            ("falsePositiveRateByLabel", by_label(&|k| confusion.false_positive_rate(k))),
            ("precisionByLabel", by_label(&|k| confusion.precision(k))),
            ("fMeasureByLabel", by_label(&|k| confusion.f_measure(k, 1.0))),
        ] {
            assert_close(&found, &numbers(&spark[key]), 1e-12, spark);
        }
        for (key, found) in [
            ("weightedTruePositiveRate", confusion.weighted_recall()),
            ("weightedRecall", confusion.weighted_recall()),
            ("weightedFalsePositiveRate", confusion.weighted_false_positive_rate()),
            ("weightedPrecision", confusion.weighted_precision()),
            ("weightedFMeasure", confusion.weighted_f_measure(1.0)),
        ] {
            assert_close([&found], &[spark[key].as_f64().unwrap()], 1e-12, spark);
        }
        if let Some(length) = spark.get("roc_len") {
            let curve = found.curve.as_ref().unwrap();
            // Spark has the first and the last point twice where it is on both ends; ours are compared one by one.
            for (key, found) in [("roc_head", curve.roc()), ("pr_head", curve.pr())] {
                for (point, spark) in found.iter().zip(matrix(&spark[key])) {
                    assert_close(&[point.0, point.1], &spark, 1e-12, &key);
                }
            }
            let roc = curve.roc().len() as u64;
            assert!(length.as_u64().unwrap().abs_diff(roc) <= 1, "{length} and {roc}");
        } else {
            assert!(found.curve.is_none());
        }
        compared += 1;
    }
    assert_eq!(compared, 3);
}

#[test]
fn rows_that_have_predictions_already_are_evaluated_all_the_same() {
    use luthier_core::Transformer;
    let data = read("iris_binary.csv");
    let model = fit(&luthier_stages::LogisticRegression::new().reg_param(0.05), &data);
    let predicted = model.transform(&data).unwrap();
    let (a, b) = (model.evaluate(&data).unwrap(), model.evaluate(&predicted).unwrap());
    assert_eq!(a.log_loss.to_bits(), b.log_loss.to_bits());
    assert_eq!(a.curve, b.curve);
    let error = model.evaluate(&data.drop(&["label"]).unwrap()).unwrap_err().to_string();
    assert!(error.contains("label"), "{error}");
}
