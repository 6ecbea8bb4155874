//! Files that are scanned give the bits of those that are in memory, and are read as often; what goes through a fitted
//! pipeline batch by batch is what goes through it as a frame.

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

/// Text with a category that was not there when fitting, numbers with gaps, and a label.
fn mixed(rows: usize) -> DataFrame {
    let text = (0..rows).map(|i| if i % 97 == 96 { "unseen" } else { ["red", "green", "blue"][i % 3] });
    let gaps = (0..rows).map(|i| (i % 11 != 10).then(|| ((i * 29) % 83) as f64 / 7.0));
    DataFrame::from_columns(vec![
        ("color", Column::utf8(text)),
        ("size", Column::f64_nullable(gaps.collect())),
        ("label", Column::f64((0..rows).map(|i| f64::from(u8::from(i % 3 == 1 || i % 5 == 0))).collect())),
    ])
    .unwrap()
}

#[test]
fn what_is_streamed_is_what_is_transformed() {
    let mut pipeline = Pipeline::new();
    pipeline.add(
        "index",
        StringIndexer::new().input_cols(["color"]).output_cols(["i"]).handle_invalid(HandleInvalid::Skip),
    );
    pipeline.add("encode", OneHotEncoder::new().input_cols(["i"]).output_cols(["v"]));
    pipeline.add("fill", Imputer::new().input_cols(["size"]).output_cols(["filled"]));
    pipeline.add_transformer("assemble", VectorAssembler::new().input_cols(["v", "filled"]));
    pipeline.add("lr", LogisticRegression::new());
    let known = mixed(96);
    let model = pipeline.fit_frame(&known).unwrap();
    let rows = mixed(20_000);
    let whole = model.transform(&rows).unwrap();
    let kept = (0..rows.num_rows()).filter(|i| i % 97 != 96).count();
    assert_eq!(whole.num_rows(), kept, "rows of unseen categories are left out");
    let directory = tempfile::tempdir().unwrap();
    let (parquet, csv) = (directory.path().join("rows.parquet"), directory.path().join("rows.csv"));
    rows.write_parquet(&parquet, &ParquetOptions::new().row_group_rows(3_000)).unwrap();
    rows.write_csv(&csv).unwrap();
    let scans = [
        DataFrame::scan_parquet(&parquet).unwrap(),
        DataFrame::scan_csv(&csv, &luthier::frame::CsvOptions::new()).unwrap(),
        rows.repartition(7).unwrap(),
    ];
    let columns = ["label", "probability", "prediction"];
    for (i, scan) in scans.into_iter().enumerate() {
        let view = model.stream(&scan).unwrap();
        let schema: Vec<_> =
            columns.iter().map(|name| view.schema().require(name).unwrap().clone()).collect();
        let schema = luthier::frame::Schema::new(schema).unwrap();
        let out = directory.path().join(format!("out{i}.parquet"));
        let mut writer = luthier::frame::BatchWriter::parquet(&out, &schema, &ParquetOptions::new()).unwrap();
        let mut most = 0;
        view.for_each_tile(&columns, |tile| {
            most = most.max(tile.len());
            Ok(writer.write(&tile.to_record_batch(&schema)?)?)
        })
        .unwrap();
        assert!(!out.exists(), "the file appears when it is complete");
        writer.finish().unwrap();
        assert!(most <= 8192, "{most} rows at once");
        let out = DataFrame::read_parquet(&out).unwrap();
        let bits = |frame: &DataFrame| -> Vec<u64> {
            let vectors = frame.vectors("probability").unwrap();
            let numbers = ["label", "prediction"].map(|name| frame.column_f64(name).unwrap()).concat();
            vectors.iter().chain(&numbers).map(|x| x.to_bits()).collect()
        };
        assert_eq!(bits(&out), bits(&whole));
    }
}
