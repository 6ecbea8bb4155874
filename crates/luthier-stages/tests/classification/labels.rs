//! Labels that are not 0 and 1, and classes that are missing.

use luthier_core::frame::{Column, ColumnType, DataFrame, Field};
use luthier_core::{Dataset, EstimatorExt, Evaluator, NoteKind, Pipeline, Transformer, Value, json};
use luthier_stages::{
    BinaryClassificationEvaluator, BinaryMetric, CalibrationCurve, CalibrationSpec, LogisticRegression,
    LogisticRegressionModel, MulticlassClassificationEvaluator, MulticlassMetric, Undefined,
};
use ndarray::Array2;

use crate::frames::*;

const PAIRS: [[f64; 2]; 6] = [[1.0, 2.0], [-1.0, 1.0], [0.0, 2.0], [2.0, 4.0], [-7.0, -3.0], [0.0, 1e6]];

const BINARY: [BinaryMetric; 5] = [
    BinaryMetric::AreaUnderRoc,
    BinaryMetric::AreaUnderPr,
    BinaryMetric::AveragePrecision,
    BinaryMetric::LogLoss,
    BinaryMetric::BrierScore,
];

fn is_positive(i: usize) -> bool {
    (i * i * 7 + i) % 13 < 5
}

/// Labels, scores of which column and probability are one, and weights.
fn rows(labels: [f64; 2], partitions: usize) -> DataFrame {
    let label = (0..60).map(|i| labels[usize::from(is_positive(i))]).collect();
    let score = |i: usize| 0.5 + 0.4 * (i as f64 * 1.7).sin() + if is_positive(i) { 0.05 } else { 0.0 };
    let scores: Vec<f64> = (0..60).map(score).collect();
    DataFrame::from_columns(vec![
        ("label", Column::f64(label)),
        ("raw_prediction", Column::f64(scores.clone())),
        ("probability", Column::f64(scores)),
        ("weight", Column::f64((0..60).map(|i| (i % 4) as f64).collect())),
    ])
    .and_then(|frame| frame.repartition(partitions))
    .unwrap()
}

fn binary(metric: BinaryMetric) -> BinaryClassificationEvaluator {
    BinaryClassificationEvaluator::new().metric(metric).weight_col("weight").num_bins(0)
}

#[test]
fn of_any_two_labels_the_larger_is_positive() {
    for metric in BINARY {
        for partitions in [1, 3] {
            let expected = evaluate(&binary(metric), &rows([0.0, 1.0], partitions));
            for labels in PAIRS {
                let frame = rows(labels, partitions);
                let found = evaluate(&binary(metric), &frame);
                assert_eq!(found.to_bits(), expected.to_bits(), "{metric} {labels:?}");
                let notes = binary(metric).notes(&Dataset::new(frame), found);
                assert_eq!(notes.len(), 1, "{notes:?}");
                assert_eq!(
                    (notes[0].kind, &notes[0].subjects),
                    (NoteKind::Labels, &vec![labels[1].to_string()])
                );
            }
        }
        assert!(binary(metric).notes(&Dataset::new(rows([0.0, 1.0], 1)), 0.5).is_empty());
    }
    let calibration = |labels| {
        let spec = CalibrationSpec {
            label_col: "label".to_owned(),
            probability_col: "probability".to_owned(),
            weight_col: Some("weight".to_owned()),
            num_bins: 5,
        };
        CalibrationCurve::of(&Dataset::new(rows(labels, 2)), &spec).unwrap().bins()
    };
    assert_eq!(calibration([1.0, 2.0]), calibration([0.0, 1.0]));
}

#[test]
fn a_third_label_is_an_error() {
    for metric in BINARY {
        for (partitions, place) in
            [(1, "row 41: found 3, beside the labels 1 and 2"), (60, "more than two classes")]
        {
            let frame = rows([1.0, 2.0], 1);
            let mut label = frame.column_f64("label").unwrap();
            label[41] = 3.0;
            let frame = frame.drop(&["label"]).unwrap().with_column("label", Column::f64(label)).unwrap();
            let frame = frame.repartition(partitions).unwrap();
            let error = error(&binary(metric), &frame);
            assert!(
                error.contains(place) && error.contains("multiclass_classification"),
                "{metric}: {error}"
            );
        }
    }
    // A row without weight does not count.
    let frame = scored(&[0.0, 1.0, 5.0], &[0.1, 0.2, 0.3], Some(&[1.0, 1.0, 0.0]));
    assert_eq!(evaluate(&binary(BinaryMetric::AreaUnderRoc), &frame), 1.0);
}

/// Scores that say what their classes are, as a classifier appends them.
fn named(labels: &[f64], classes: [&str; 2], label_field: Field) -> DataFrame {
    let p = Array2::from_shape_fn((labels.len(), 2), |(_, j)| if j == 1 { 0.2 } else { 0.8 });
    let field = Field::new("raw_prediction", ColumnType::Vector { width: 2 }).with_categories(classes);
    DataFrame::from_columns(vec![("x", Column::f64(vec![0.0; labels.len()]))])
        .unwrap()
        .with_field(label_field, Column::f64(labels.to_vec()))
        .unwrap()
        .with_field(field.clone().with_name("probability"), Column::vector(p.clone()))
        .unwrap()
        .with_field(field, Column::vector(p))
        .unwrap()
}

#[test]
fn classes_that_the_scores_name_decide() {
    let number = || Field::new("label", ColumnType::F64);
    let log_loss = BinaryClassificationEvaluator::new().metric(BinaryMetric::LogLoss);
    let of = |labels: &[f64], classes, field| evaluate(&log_loss, &named(labels, classes, field));
    // One label alone, but it is known which.
    assert_close(of(&[2.0, 2.0], ["1", "2"], number()), -(0.2_f64.ln()), 1e-15, "2 of 1 and 2");
    assert_close(of(&[1.0, 1.0], ["1", "2"], number()), -(0.8_f64.ln()), 1e-15, "1 of 1 and 2");
    let indexed = || number().with_categories(["yes", "no"]);
    assert_close(of(&[0.0], ["no", "yes"], indexed()), -(0.2_f64.ln()), 1e-15, "yes is index 0");
    let area = BinaryClassificationEvaluator::new();
    let frame = named(&[1.0, 1.0], ["1", "2"], number());
    assert!(evaluate(&area, &frame).is_nan());
    let notes = area.notes(&Dataset::new(frame), f64::NAN);
    let undefined = notes.iter().find(|note| note.kind == NoteKind::UndefinedMetric).unwrap();
    assert_eq!(undefined.message, "area_under_roc is not defined: no row in `label` is of the class 2");
    assert_eq!(undefined.subjects, ["2"]);
    let notes = area.notes(
        &Dataset::new(named(&[1.0], ["no", "yes"], number().with_categories(["no", "yes"]))),
        f64::NAN,
    );
    let messages: Vec<&str> = notes.iter().map(|note| note.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the labels in `label` are no and yes: yes is the positive class",
            "area_under_roc is not defined: no row in `label` is of the class no",
        ]
    );
    assert_eq!(
        evaluate(&area.clone().undefined(Undefined::Spark), &named(&[1.0], ["1", "2"], number())),
        0.0
    );
    let error = error(&area, &named(&[1.0, 3.0], ["1", "2"], number()));
    assert!(error.contains("row 1: found 3, while the classes are 1 and 2"), "{error}");
}

fn features() -> Array2<f64> {
    Array2::from_shape_fn((60, 2), |(i, j)| {
        (i as f64 * (j + 1) as f64 * 0.9).sin() + if is_positive(i) { 0.5 } else { 0.0 }
    })
}

fn labelled(labels: [f64; 2]) -> DataFrame {
    let label = (0..60).map(|i| labels[usize::from(is_positive(i))]).collect();
    DataFrame::from_ndarray(features(), label).unwrap()
}

#[test]
fn a_model_of_any_two_labels_is_that_of_0_and_1() {
    let fit = |labels| -> LogisticRegressionModel {
        LogisticRegression::new().reg_param(0.01).fit_frame(&labelled(labels)).unwrap()
    };
    let expected = fit([0.0, 1.0]);
    let predicted = expected.transform(&labelled([0.0, 1.0])).unwrap();
    let metrics = |frame: &DataFrame| {
        let of_two =
            BINARY.map(|metric| evaluate(&BinaryClassificationEvaluator::new().metric(metric), frame));
        let many = |metric| evaluate(&MulticlassClassificationEvaluator::new().metric(metric), frame);
        (of_two, [MulticlassMetric::Accuracy, MulticlassMetric::F1, MulticlassMetric::LogLoss].map(many))
    };
    for labels in PAIRS {
        let model = fit(labels);
        assert_eq!((model.coefficients(), model.intercept()).0.unwrap(), expected.coefficients().unwrap());
        let frame = model.transform(&labelled(labels)).unwrap();
        assert_eq!(metrics(&frame), metrics(&predicted), "{labels:?}");
        let classes = predicted.column_f64("prediction").unwrap();
        let renamed: Vec<f64> = classes.iter().map(|class| labels[*class as usize]).collect();
        assert_eq!(frame.column_f64("prediction").unwrap(), renamed);
        let names = frame.schema().field("probability").unwrap().feature_names().unwrap();
        assert_eq!(names, labels.map(|label| format!("probability_{label}")));
        let document = json::to_value(&model).unwrap();
        assert_eq!(json::from_value::<LogisticRegressionModel>(&document).unwrap(), model);
        let notes = model.describe();
        assert_eq!(notes.notes()[0].kind, NoteKind::Labels);

        // A row by itself.
        let mut pipeline = Pipeline::new();
        pipeline.add("lr", LogisticRegression::new().reg_param(0.01));
        let predictor = pipeline.fit_frame(&labelled(labels)).unwrap().predictor().unwrap();
        for (row, class) in features().outer_iter().zip(&renamed) {
            let row = row.iter().map(|x| Value::Float(*x)).collect::<Vec<_>>();
            let out = predictor.predict_row(&[row.into()]).unwrap().unwrap();
            assert_eq!(out.last(), Some(&Value::Float(*class)));
        }
    }
    assert!(expected.describe().notes().is_empty());
}

#[test]
fn labels_that_are_no_classes_are_named() {
    for bad in [0.5, 1e300, -1.0, 70_000.0] {
        let frame = labelled([0.0, 1.0]);
        let mut label = frame.column_f64("label").unwrap();
        label[7] = bad;
        let frame = DataFrame::from_ndarray(features(), label).unwrap();
        let error = LogisticRegression::new().fit_frame(&frame).unwrap_err().to_string();
        assert!(error.contains("row 7") && error.contains("a class: an integer from 0 to 65535"), "{error}");
    }
    let frame = |label: Vec<f64>, prediction: Vec<f64>| {
        DataFrame::from_columns(vec![("label", Column::f64(label)), ("prediction", Column::f64(prediction))])
            .unwrap()
    };
    let accuracy = MulticlassClassificationEvaluator::new().metric(MulticlassMetric::Accuracy);
    for bad in [0.5, 1e300] {
        let label = error(&accuracy, &frame(vec![0.0, bad], vec![0.0, 1.0]));
        assert!(label.contains("`label`, row 1") && label.contains("integer"), "{label}");
        let prediction = error(&accuracy, &frame(vec![0.0, 1.0], vec![0.0, bad]));
        assert!(
            prediction.contains("`prediction`, row 1") && prediction.contains("regression"),
            "{prediction}"
        );
    }
    // Negative zero is zero.
    assert_eq!(evaluate(&accuracy, &frame(vec![-0.0, 0.0, -1.0], vec![0.0, -0.0, -1.0])), 1.0);
    let by_label =
        MulticlassClassificationEvaluator::new().metric(MulticlassMetric::RecallByLabel).metric_label(-0.0);
    assert_eq!(Evaluator::metric(&by_label), "recall_by_label(0)");
}

#[test]
fn one_class_of_any_label_is_certain() {
    for label in [0.0, 1.0, 2.0, -1.0, 1e6] {
        let model = LogisticRegression::new().fit_frame(&labelled([label, label])).unwrap();
        let frame = model.transform(&labelled([label, label])).unwrap();
        assert!(frame.column_f64("prediction").unwrap().iter().all(|class| *class == label), "{label}");
        let notes = model.describe();
        assert!(notes.notes().iter().any(|note| note.kind == NoteKind::OneClass), "{label}");
        let accuracy = MulticlassClassificationEvaluator::new().metric(MulticlassMetric::LogLoss);
        assert!(evaluate(&accuracy, &frame) < 1e-14, "{label}");
    }
}

#[test]
fn a_category_that_is_alone_is_not_taken_for_the_number_of_the_other_class() {
    // Behind a string indexer the label is 0, and the class that has no rows has no name: not that of category `1`.
    for category in ["0", "1", "yes"] {
        let indexed = Field::new("index", ColumnType::F64).with_categories([category]);
        let rows = labelled([0.0, 0.0]).with_field(indexed, Column::f64(vec![0.0; 60])).unwrap();
        let model = LogisticRegression::new().label_col("index").fit_frame(&rows).unwrap();
        let frame = model.transform(&rows).unwrap();
        let area = BinaryClassificationEvaluator::new().label_col("index");
        assert!(evaluate(&area, &frame).is_nan(), "{category}");
        assert!(evaluate(&area.metric(BinaryMetric::LogLoss), &frame) < 1e-14, "{category}");
    }
}
