//! Sets of labels and rankings, from lists.

use luthier_core::frame::{Column, CsvOptions, DataFrame, ParquetOptions};
use luthier_core::{Dataset, Evaluator};
use luthier_stages::{MultilabelClassificationEvaluator, MultilabelMetric, RankingEvaluator, RankingMetric};

use crate::frames::*;

fn frame(label: &[&[i64]], prediction: &[&[i64]]) -> DataFrame {
    DataFrame::from_columns(vec![
        ("label", Column::lists(label.iter().copied())),
        ("prediction", Column::lists(prediction.iter().copied())),
    ])
    .unwrap()
}

#[test]
fn sets_of_labels_by_hand() {
    // Two of seven documents exactly right; label 2 is predicted four times, and right each time but one.
    let data = frame(
        &[&[0, 2], &[0, 1], &[0], &[2], &[2, 0], &[0, 1], &[1, 2]],
        &[&[0, 1], &[0, 2], &[], &[2], &[0, 2], &[0, 1, 2], &[1]],
    );
    let of = |metric| evaluate(&MultilabelClassificationEvaluator::new().metric(metric), &data);
    use MultilabelMetric as M;
    assert_eq!(of(M::SubsetAccuracy), 2.0 / 7.0);
    assert_close(
        of(M::Accuracy),
        (1.0 / 3.0 + 1.0 / 3.0 + 0.0 + 1.0 + 1.0 + 2.0 / 3.0 + 0.5) / 7.0,
        1e-15,
        "a",
    );
    assert_close(of(M::Precision), (0.5 + 0.5 + 0.0 + 1.0 + 1.0 + 2.0 / 3.0 + 1.0) / 7.0, 1e-15, "p");
    assert_close(of(M::Recall), (0.5 + 0.5 + 0.0 + 1.0 + 1.0 + 1.0 + 0.5) / 7.0, 1e-15, "r");
    assert_close(of(M::F1Measure), (0.5 + 0.5 + 0.0 + 1.0 + 1.0 + 0.8 + 2.0 / 3.0) / 7.0, 1e-15, "f");
    assert_close(of(M::HammingLoss), 7.0 / 21.0, 1e-15, "h");
    assert_close(of(M::MicroPrecision), 8.0 / 11.0, 1e-15, "p");
    assert_close(of(M::MicroRecall), 8.0 / 12.0, 1e-15, "r");
    assert_close(of(M::MicroF1Measure), 16.0 / 23.0, 1e-15, "f");
    let by_label =
        |metric| evaluate(&MultilabelClassificationEvaluator::new().metric(metric).metric_label(2), &data);
    assert_eq!(by_label(M::PrecisionByLabel), 2.0 / 4.0);
    assert_eq!(by_label(M::RecallByLabel), 2.0 / 4.0);
}

#[test]
fn the_best_order_of_relevances_is_found() {
    let columns = vec![
        ("label", Column::lists([[1, 2, 3]])),
        ("prediction", Column::lists([[3, 2, 1]])),
        ("relevance", Column::lists([[0, 1, 2]])),
    ];
    let frame = DataFrame::from_columns(columns).unwrap();
    let evaluator = RankingEvaluator::new().metric(RankingMetric::NdcgAtK).relevance_col("relevance");
    assert_eq!(evaluate(&evaluator, &frame), 1.0);
    assert_eq!(Evaluator::metric(&evaluator), "ndcg_at_10");
}

#[test]
fn nulls_and_other_types_are_errors() {
    let evaluator = RankingEvaluator::new();
    let numbers = scored(&[0.0], &[1.0], None);
    assert!(error(&evaluator, &numbers).contains("`label` is f64, expected a column of lists of integers"));
    let uneven = frame(&[&[1, 2]], &[&[1]]).with_column("relevance", Column::lists([[1]])).unwrap();
    let message = error(&evaluator.relevance_col("relevance"), &uneven);
    assert!(message.contains("`relevance`, row 0") && message.contains("as many relevances"), "{message}");
}

#[test]
fn lists_come_through_files() {
    let directory = std::env::temp_dir().join(format!("luthier-lists-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let data = frame(&[&[1, 2, 3], &[], &[-4]], &[&[3], &[1, 2], &[i64::MAX]]).repartition(2).unwrap();
    let parquet = directory.join("lists.parquet");
    data.write_parquet(&parquet, &ParquetOptions::new()).unwrap();
    let csv = directory.join("lists.csv");
    data.write_csv(&csv).unwrap();
    let with_schema = CsvOptions::new().schema(data.schema().clone());
    let read = [
        DataFrame::read_parquet(&parquet).unwrap(),
        DataFrame::scan_parquet(&parquet).unwrap(),
        DataFrame::read_csv(&csv, &with_schema).unwrap(),
    ];
    for frame in read {
        for column in ["label", "prediction"] {
            assert_eq!(frame.column_lists(column).unwrap(), data.column_lists(column).unwrap());
        }
        let evaluator = RankingEvaluator::new();
        let of = |frame: &DataFrame| evaluator.evaluate(&Dataset::new(frame.clone())).unwrap();
        assert_eq!(of(&frame).to_bits(), of(&data).to_bits());
    }
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(format!("{data}").contains("[1, 2, 3]"), "{data}");
}
