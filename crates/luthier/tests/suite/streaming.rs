//! Parquet files that are scanned give the bits of those that are in memory, and are read as often.

use luthier::frame::{Column, ParquetOptions};
use luthier::prelude::*;
use luthier::tune::SearchResult;
use ndarray::Array2;
use proptest::prelude::*;

fn search(num_folds: u32) -> CrossValidator<Pipeline> {
    let mut pipeline = Pipeline::new();
    pipeline.add("scaler", StandardScaler::new().with_mean(true).output_col("scaled"));
    let lr = pipeline.add("lr", LinearRegression::new().features_col("scaled"));
    let grid = ParamGrid::new().add(lr.at(LinearRegression::REG_PARAM), [0.01, 0.1, 1.0]);
    CrossValidator::new(pipeline, grid, RegressionEvaluator::new()).num_folds(num_folds).seed(3)
}

fn bits(result: &SearchResult) -> Vec<u64> {
    let candidates = result.candidates.iter();
    candidates.flat_map(|candidate| candidate.folds.iter().map(|fold| fold.metric.to_bits())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_scan_gives_the_bits_of_what_is_in_memory(
        rows in 40usize..60_000,
        row_group_rows in 20usize..60_000,
        width in 1usize..6,
        num_folds in 2u32..5,
        partitions in proptest::option::of(1usize..5),
    ) {
        let features = Array2::from_shape_fn((rows, width), |(i, j)| ((i * 37 + j * 101) % 97) as f64 / 9.0);
        let label = features.rows().into_iter().enumerate().map(|(i, x)| x.sum() + ((i * 13) % 7) as f64);
        let label = Column::f64(label.collect());
        let frame = DataFrame::from_columns(vec![("features", Column::vector(features)), ("label", label)]).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.parquet");
        frame.write_parquet(&path, &ParquetOptions::new().row_group_rows(row_group_rows.max(rows / 9))).unwrap();
        let cut = |frame: DataFrame| match partitions {
            Some(partitions) => frame.repartition(partitions).unwrap(),
            None => frame,
        };
        let scan = cut(DataFrame::scan_parquet(&path).unwrap());
        let in_memory = cut(DataFrame::read_parquet(&path).unwrap());
        prop_assert!(!scan.is_in_memory() && in_memory.is_in_memory());
        let (scan, in_memory) = (search(num_folds).fit(&scan).unwrap(), search(num_folds).fit(&in_memory).unwrap());
        prop_assert_eq!(bits(scan.result()), bits(in_memory.result()));
        prop_assert_eq!(scan.result().work, in_memory.result().work);
        prop_assert_eq!((scan.result().work.rows_read, scan.result().work.passes), (rows as u64, 1));
    }
}
