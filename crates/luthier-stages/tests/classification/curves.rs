//! Curves by hand.

use luthier_core::Dataset;
use luthier_stages::{
    BinaryClassificationEvaluator, BinaryCurve, BinaryMetric, CalibrationCurve, CalibrationSpec, Undefined,
};

use crate::frames::*;

#[test]
fn one_class_alone() {
    let of = |label: f64, undefined, metric| {
        let evaluator = BinaryClassificationEvaluator::new().metric(metric).undefined(undefined);
        evaluate(&evaluator, &scored(&[label; 3], &[0.1, 0.5, 0.5], None))
    };
    for metric in [BinaryMetric::AreaUnderRoc, BinaryMetric::AreaUnderPr, BinaryMetric::AveragePrecision] {
        assert_eq!((of(1.0, Undefined::Spark, metric), of(0.0, Undefined::Spark, metric)), (1.0, 0.0));
        assert!(of(0.0, Undefined::Missing, metric).is_nan());
        // Every threshold has precision 1.
        let positives = of(1.0, Undefined::Missing, metric);
        assert!(if metric == BinaryMetric::AreaUnderRoc { positives.is_nan() } else { positives == 1.0 });
        // Whether 2 is the positive class nothing says.
        assert!(of(2.0, Undefined::Missing, metric).is_nan());
    }
}

#[test]
fn no_weight_is_not_defined() {
    let frame = scored(&[0.0, 1.0], &[0.2, 0.3], Some(&[0.0, 0.0]));
    for metric in [BinaryMetric::AreaUnderRoc, BinaryMetric::AreaUnderPr, BinaryMetric::AveragePrecision] {
        let evaluator = BinaryClassificationEvaluator::new().weight_col("weight").metric(metric);
        assert!(evaluate(&evaluator, &frame).is_nan());
    }
    assert!(BinaryCurve::new(&[], &[], None).unwrap().area_under_roc().is_nan());
}

#[test]
fn of_two_labels_the_larger_is_positive() {
    let of = |labels: &[f64]| BinaryCurve::new(&[1.0, 2.0, 3.0], labels, None).map(|c| c.area_under_roc());
    assert_eq!(of(&[-1.0, -1.0, 7.0]).unwrap(), 1.0);
    assert_eq!(of(&[0.5000001, 0.5, 0.5]).unwrap(), 0.0);
    assert_eq!(of(&[-0.0, 0.0, 1.0]).unwrap(), 1.0);
    let error = of(&[-1.0, 0.5, 7.0]).unwrap_err().to_string();
    assert!(error.contains("row 2: found 7, beside the labels -1 and 0.5"), "{error}");
}

#[test]
fn thinned_curves_count_off_over_all_rows() {
    let scores: Vec<f64> = (0..10).map(f64::from).collect();
    let labels: Vec<f64> = (0..10).map(|i| f64::from(u8::from(i >= 4 && i != 7))).collect();
    let curve = BinaryCurve::new(&scores, &labels, None).unwrap();
    assert_eq!(curve.clone().binned(0), curve);
    assert_eq!(curve.clone().binned(6), curve);
    // 10 / 3 scores to a bin, and what is left.
    let binned = curve.binned(3);
    assert_eq!(binned.thresholds(), [7.0, 4.0, 1.0, 0.0]);
    assert_eq!(binned.true_positives(), [2.0, 5.0, 5.0, 5.0]);
    assert_eq!(binned.false_positives(), [1.0, 1.0, 4.0, 5.0]);
    let frame = scored(&labels, &scores, None);
    for partitions in [1, 4] {
        let frame = frame.repartition(partitions).unwrap();
        let evaluator = BinaryClassificationEvaluator::new().num_bins(3);
        assert_eq!(evaluate(&evaluator, &frame), binned.area_under_roc());
    }
    assert_eq!(binned.area_under_roc(), 0.84);
}

#[test]
fn average_precision_is_by_steps() {
    // scikit-learn 1.x: average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) = 0.8333…
    let curve = BinaryCurve::new(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0], None).unwrap();
    assert_close(curve.average_precision(), 5.0 / 6.0, 1e-15, "steps");
    assert_close(curve.area_under_pr(), 0.5 + 0.5 * (0.5 + 2.0 / 3.0) / 2.0, 1e-15, "trapezoids");
}

#[test]
fn curves_are_frames() {
    let curve = BinaryCurve::new(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0], None).unwrap();
    let frame = curve.to_frame().unwrap();
    assert_eq!(frame.column_f64("threshold").unwrap(), [0.8, 0.4, 0.35, 0.1]);
    assert_eq!(frame.column_f64("true_positives").unwrap(), [1.0, 1.0, 2.0, 2.0]);
    assert_eq!(frame.column_f64("false_positives").unwrap(), [0.0, 1.0, 1.0, 2.0]);
    assert_eq!(frame.column_f64("false_positive_rate").unwrap(), [0.0, 0.5, 0.5, 1.0]);
    assert_eq!(frame.column_f64("true_positive_rate").unwrap(), [0.5, 0.5, 1.0, 1.0]);
    assert_eq!(frame.column_f64("precision").unwrap(), [1.0, 0.5, 2.0 / 3.0, 0.5]);
    assert_close(frame.column_f64("f_measure").unwrap()[2], 0.8, 1e-15, "f");
    let spec = CalibrationSpec {
        label_col: "label".to_owned(),
        probability_col: "raw_prediction".to_owned(),
        weight_col: None,
        num_bins: 2,
    };
    // scikit-learn: calibration_curve([0, 1, 0, 1, 1], [0, 0.5, 0.4, 0.51, 1], n_bins=2)
    let data = Dataset::new(scored(&[0.0, 1.0, 0.0, 1.0, 1.0], &[0.0, 0.5, 0.4, 0.51, 1.0], None));
    let frame = CalibrationCurve::of(&data, &spec).unwrap().to_frame().unwrap();
    assert_close(frame.column_f64("mean_probability").unwrap()[0], 0.3, 1e-15, "p");
    assert_close(frame.column_f64("fraction_of_positives").unwrap()[0], 1.0 / 3.0, 1e-15, "y");
    assert_eq!(frame.column_f64("fraction_of_positives").unwrap()[1], 1.0);
    assert_eq!(frame.column_f64("weight").unwrap(), [3.0, 2.0]);
    assert!(CalibrationCurve::of(&data, &CalibrationSpec { num_bins: 0, ..spec }).is_err());
}
