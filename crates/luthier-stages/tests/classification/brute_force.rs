//! Metrics are what an independent, quadratic or literal computation gives.

use std::collections::BTreeSet;

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Dataset, Evaluator};
use luthier_stages::{
    BinaryClassificationEvaluator, BinaryMetric, Confusion, ConfusionSpec, MulticlassClassificationEvaluator,
    MulticlassMetric, MultilabelClassificationEvaluator, MultilabelMetric, Undefined,
};
use proptest::prelude::*;

use crate::frames::*;

/// Label, score and weight of some rows; scores are tied often.
pub(crate) fn binary_rows() -> impl Strategy<Value = (Vec<f64>, Vec<f64>, Vec<f64>)> {
    let score = prop_oneof![
        (-3i32..4).prop_map(|x| f64::from(x) / 2.0),
        -2.0..2.0f64,
        Just(-0.0),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
    ];
    let weight = prop_oneof![Just(0.0), Just(1.0), 0.1..3.0f64];
    proptest::collection::vec((0u8..2, score, weight), 1..60).prop_map(|rows| {
        let label = rows.iter().map(|row| f64::from(row.0)).collect();
        (label, rows.iter().map(|row| row.1).collect(), rows.iter().map(|row| row.2).collect())
    })
}

/// The weighted share of pairs that are ranked right, ties counted half.
fn pairs_ranked_right(label: &[f64], score: &[f64], weight: &[f64]) -> f64 {
    let rows = || 0..label.len();
    let (mut right, mut all) = (0.0, 0.0);
    for p in rows().filter(|&i| label[i] > 0.5) {
        for n in rows().filter(|&i| label[i] <= 0.5) {
            let pair = weight[p] * weight[n];
            all += pair;
            right += match score[p].partial_cmp(&score[n]).unwrap() {
                std::cmp::Ordering::Greater => pair,
                std::cmp::Ordering::Equal => pair / 2.0,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    right / all
}

/// Recall and precision at every distinct score that counts, by filtering all rows.
fn recall_and_precision(label: &[f64], score: &[f64], weight: &[f64]) -> Vec<(f64, f64)> {
    let rows: Vec<usize> = (0..label.len()).filter(|&i| weight[i] > 0.0).collect();
    let mut thresholds: Vec<f64> = rows.iter().map(|&i| score[i] + 0.0).collect();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    let sum =
        |keep: &dyn Fn(usize) -> bool| -> f64 { rows.iter().filter(|&&i| keep(i)).map(|&i| weight[i]).sum() };
    let positives = sum(&|i| label[i] > 0.5);
    let at = |t: f64| {
        let found = sum(&|i| label[i] > 0.5 && score[i] >= t);
        let recall = if positives > 0.0 { found / positives } else { 0.0 };
        (recall, found / sum(&|i| score[i] >= t))
    };
    thresholds.into_iter().map(at).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn areas((label, score, weight) in binary_rows(), weighted: bool) {
        let frame = scored(&label, &score, Some(&weight));
        let weight = if weighted { weight } else { vec![1.0; label.len()] };
        let mut evaluator = BinaryClassificationEvaluator::new().num_bins(0).undefined(Undefined::Spark);
        if weighted {
            evaluator = evaluator.weight_col("weight");
        }
        let (positives, negatives) = (0..label.len()).filter(|&i| weight[i] > 0.0).fold((0, 0), |(p, n), i| {
            if label[i] > 0.5 { (p + 1, n) } else { (p, n + 1) }
        });
        let roc = match (positives, negatives) {
            (0, 0) => f64::NAN,
            (_, 0) => 1.0,
            (0, _) => 0.0,
            _ => pairs_ranked_right(&label, &score, &weight),
        };
        assert_close(evaluate(&evaluator, &frame), roc, 1e-12, "roc");
        let points = recall_and_precision(&label, &score, &weight);
        let (mut trapezoids, mut steps) = (f64::NAN, f64::NAN);
        if let Some(first) = points.first() {
            (trapezoids, steps) = (0.0, 0.0);
            let mut last = (0.0, first.1);
            for &(recall, precision) in &points {
                trapezoids += (recall - last.0) * (precision + last.1) / 2.0;
                steps += (recall - last.0) * precision;
                last = (recall, precision);
            }
        }
        let of = |metric| evaluate(&evaluator.clone().metric(metric), &frame);
        prop_assert!((of(BinaryMetric::AreaUnderPr) - trapezoids).abs() < 1e-12 || points.is_empty());
        prop_assert!((of(BinaryMetric::AveragePrecision) - steps).abs() < 1e-12 || points.is_empty());
        prop_assert_eq!(of(BinaryMetric::AreaUnderPr).is_nan(), points.is_empty());
        // What is not defined is missing, unless Spark's number is asked for.
        let missing = |metric| {
            let alone = evaluator.clone().undefined(Undefined::Missing).metric(metric);
            evaluate(&alone, &frame).is_nan()
        };
        prop_assert_eq!(missing(BinaryMetric::AreaUnderRoc), positives == 0 || negatives == 0);
        prop_assert_eq!(missing(BinaryMetric::AreaUnderPr), positives == 0);
        prop_assert_eq!(missing(BinaryMetric::AveragePrecision), positives == 0);
    }

    #[test]
    fn losses(rows in proptest::collection::vec((0u8..2, 0.0..=1.0f64, 0.1..2.0f64), 1..40)) {
        let label: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
        let p: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let weight: Vec<f64> = rows.iter().map(|row| row.2).collect();
        let both: Vec<Vec<f64>> = p.iter().map(|p| vec![1.0 - p, *p]).collect();
        let frame = DataFrame::from_columns(vec![
            ("label", Column::f64(label.clone())),
            ("probability", Column::f64(p.clone())),
            ("vector", vectors(&both)),
            ("weight", Column::f64(weight.clone())),
        ]).unwrap();
        let total: f64 = weight.iter().sum();
        let log_loss: f64 = rows.iter().map(|&(y, p, w)| {
            let of_class: f64 = if y == 1 { p } else { 1.0 - p };
            -w * of_class.clamp(1e-15, 1.0 - 1e-15).ln()
        }).sum::<f64>() / total;
        let brier: f64 = rows.iter().map(|&(y, p, w)| w * (p - f64::from(y)).powi(2)).sum::<f64>() / total;
        let binary = BinaryClassificationEvaluator::new().weight_col("weight");
        for column in ["probability", "vector"] {
            let of = |metric| evaluate(&binary.clone().probability_col(column).metric(metric), &frame);
            assert_close(of(BinaryMetric::LogLoss), log_loss, 1e-12, column);
            assert_close(of(BinaryMetric::BrierScore), brier, 1e-12, column);
        }
        let many = MulticlassClassificationEvaluator::new().weight_col("weight").probability_col("vector");
        assert_close(evaluate(&many.metric(MulticlassMetric::LogLoss), &frame), log_loss, 1e-12, "classes");
    }

    #[test]
    fn classes(rows in proptest::collection::vec((-1i8..4, -1i8..5, 0.0..2.0f64), 1..60), beta in 0.0..3.0f64) {
        let column = |f: fn(&(i8, i8, f64)) -> f64| rows.iter().map(f).collect::<Vec<f64>>();
        let (label, prediction, weight) =
            (column(|r| f64::from(r.0)), column(|r| f64::from(r.1)), column(|r| r.2));
        let frame = DataFrame::from_columns(vec![
            ("label", Column::f64(label.clone())),
            ("prediction", Column::f64(prediction.clone())),
            ("weight", Column::f64(weight.clone())),
        ]).unwrap();
        let base = MulticlassClassificationEvaluator::new().weight_col("weight").beta(beta);
        let sum = |keep: &dyn Fn(f64, f64) -> bool| -> f64 {
            (0..rows.len()).filter(|&i| keep(label[i], prediction[i])).map(|i| weight[i]).sum()
        };
        let total = sum(&|_, _| true);
        let mut labels = label.clone();
        labels.sort_by(f64::total_cmp);
        labels.dedup();
        let of = |metric| evaluate(&base.clone().metric(metric), &frame);
        let mut means = [0.0; 5];
        for &c in labels.iter().filter(|&&c| sum(&|y, _| y == c) > 0.0) {
            let (of_class, predicted) = (sum(&|y, _| y == c), sum(&|_, p| p == c));
            let hits = sum(&|y, p| y == c && p == c);
            let precision = if predicted > 0.0 { hits / predicted } else { 0.0 };
            let recall = hits / of_class;
            let others = sum(&|y, _| y != c);
            let false_positives = sum(&|y, p| y != c && p == c);
            let rate = if others > 0.0 { false_positives / others } else { f64::NAN };
            let f = |beta: f64| match precision + recall {
                0.0 => 0.0,
                _ => (1.0 + beta * beta) * precision * recall / (beta * beta * precision + recall),
            };
            let by_label = |metric| evaluate(&base.clone().metric(metric).metric_label(c), &frame);
            assert_close(by_label(MulticlassMetric::PrecisionByLabel), precision, 1e-9, "precision");
            assert_close(by_label(MulticlassMetric::RecallByLabel), recall, 1e-9, "recall");
            assert_close(by_label(MulticlassMetric::TruePositiveRateByLabel), recall, 1e-9, "tpr");
            assert_close(by_label(MulticlassMetric::FMeasureByLabel), f(beta), 1e-9, "f");
            let found = by_label(MulticlassMetric::FalsePositiveRateByLabel);
            prop_assert!((found - rate).abs() < 1e-9 || (found.is_nan() && rate.is_nan()));
            for (mean, value) in means.iter_mut().zip([precision, recall, rate, f(1.0), f(beta)]) {
                *mean += value * of_class / total;
            }
        }
        assert_close(of(MulticlassMetric::WeightedPrecision), means[0], 1e-9, "precision");
        assert_close(of(MulticlassMetric::WeightedRecall), means[1], 1e-9, "recall");
        assert_close(of(MulticlassMetric::WeightedTruePositiveRate), means[1], 1e-9, "tpr");
        let rate = of(MulticlassMetric::WeightedFalsePositiveRate);
        prop_assert!((rate - means[2]).abs() < 1e-9 || (rate.is_nan() && means[2].is_nan()));
        assert_close(of(MulticlassMetric::F1), means[3], 1e-9, "f1");
        assert_close(of(MulticlassMetric::WeightedFMeasure), means[4], 1e-9, "f");
        assert_close(of(MulticlassMetric::Accuracy), sum(&|y, p| y == p) / total, 1e-9, "accuracy");
        assert_close(of(MulticlassMetric::HammingLoss), sum(&|y, p| y != p) / total, 1e-9, "hamming");
        let spec = ConfusionSpec {
            label_col: "label".to_owned(),
            prediction_col: "prediction".to_owned(),
            weight_col: Some("weight".to_owned()),
        };
        let confusion = Dataset::new(frame).aggregate::<Confusion>(&spec).unwrap();
        for (i, &y) in confusion.labels().iter().enumerate() {
            for (j, &p) in confusion.labels().iter().enumerate() {
                assert_close(confusion.matrix()[[i, j]], sum(&|a, b| a == y && b == p), 1e-12, "cell");
            }
        }
    }

    #[test]
    fn sets_of_labels(rows in proptest::collection::vec(
        (proptest::collection::vec(0i64..4, 0..5), proptest::collection::vec(0i64..5, 0..5)), 1..20,
    )) {
        let (label, prediction): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
        let frame = DataFrame::from_columns(vec![
            ("label", Column::lists(label)), ("prediction", Column::lists(prediction)),
        ]).unwrap();
        let n = rows.len() as f64;
        let sets: Vec<[BTreeSet<i64>; 2]> = rows
            .iter()
            .map(|(y, p)| [y, p].map(|list| list.iter().copied().collect()))
            .collect();
        let over = |a: usize, b: usize| if b == 0 { 0.0 } else { a as f64 / b as f64 };
        let mean = |f: &dyn Fn(&BTreeSet<i64>, &BTreeSet<i64>) -> f64| {
            sets.iter().map(|[y, p]| f(y, p)).sum::<f64>() / n
        };
        let of = |metric, label| {
            let evaluator = MultilabelClassificationEvaluator::new().metric(metric).metric_label(label);
            Evaluator::evaluate(&evaluator, &Dataset::new(frame.clone())).unwrap()
        };
        let both = |y: &BTreeSet<i64>, p: &BTreeSet<i64>| (y & p).len();
        use MultilabelMetric as M;
        let expect = |metric, value: f64| assert_close(of(metric, 0), value, 1e-12, &format!("{metric}"));
        expect(M::SubsetAccuracy, mean(&|y, p| f64::from(u8::from(y == p))));
        expect(M::Accuracy, mean(&|y, p| over(both(y, p), (y | p).len())));
        expect(M::Precision, mean(&|y, p| over(both(y, p), p.len())));
        expect(M::Recall, mean(&|y, p| over(both(y, p), y.len())));
        expect(M::F1Measure, mean(&|y, p| over(2 * both(y, p), y.len() + p.len())));
        let labels: BTreeSet<i64> = sets.iter().flat_map(|[y, _]| y.clone()).collect();
        let wrong = mean(&|y, p| (y ^ p).len() as f64) / labels.len() as f64;
        if !labels.is_empty() {
            expect(M::HammingLoss, wrong);
        }
        let count = |f: &dyn Fn(&BTreeSet<i64>, &BTreeSet<i64>) -> usize| -> usize {
            sets.iter().map(|[y, p]| f(y, p)).sum()
        };
        let (hits, predicted, true_ones) = (count(&both), count(&|_, p| p.len()), count(&|y, _| y.len()));
        expect(M::MicroPrecision, over(hits, predicted));
        expect(M::MicroRecall, over(hits, true_ones));
        expect(M::MicroF1Measure, over(2 * hits, predicted + true_ones));
        for label in 0..6 {
            let has = |set: &BTreeSet<i64>| usize::from(set.contains(&label));
            let (hits, predicted, true_ones) =
                (count(&|y, p| has(y) * has(p)), count(&|_, p| has(p)), count(&|y, _| has(y)));
            assert_close(of(M::PrecisionByLabel, label), over(hits, predicted), 1e-12, "precision");
            assert_close(of(M::RecallByLabel, label), over(hits, true_ones), 1e-12, "recall");
            assert_close(of(M::F1MeasureByLabel, label), over(2 * hits, predicted + true_ones), 1e-12, "f1");
        }
    }
}
