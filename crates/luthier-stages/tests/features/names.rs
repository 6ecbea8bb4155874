//! Names of features go through all stages.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{
    Dataset, Estimator, EstimatorExt, FitContext, Pipeline, PipelineModel, Transformer, Value,
};
use luthier_stages::{
    Bucketizer, ColumnTransformer, Imputer, MinMaxScaler, OneHotEncoder, Pca, PolynomialExpansion,
    StandardScaler, StringIndexer, VarianceThresholdSelector, VectorAssembler, VectorSlicer,
};

use crate::through;

fn names(frame: &DataFrame, column: &str) -> Vec<String> {
    frame.schema().require(column).unwrap().feature_names().unwrap()
}

fn people() -> DataFrame {
    DataFrame::from_columns(vec![
        ("age", Column::f64_nullable(vec![Some(20.0), None, Some(40.0), Some(60.0)])),
        ("income", Column::f64(vec![1.0, 2.0, 3.0, 5.0])),
        ("color", Column::utf8(["red", "blue", "red", "green"])),
        ("visits", Column::i64(vec![1, 2, 3, 4])),
        ("label", Column::f64(vec![1.0, 2.0, 3.0, 4.0])),
    ])
    .unwrap()
}

fn prepared() -> Pipeline {
    let mut numbers = Pipeline::new();
    numbers.add("impute", Imputer::new().indicator_cols(["wanted"]));
    numbers.add("scale", StandardScaler::new());
    let mut colors = Pipeline::new();
    colors.add("index", StringIndexer::new());
    colors.add("encode", OneHotEncoder::new().drop_last(false));
    let prepare = ColumnTransformer::new().columns("numbers", ["age", "income"], numbers);
    prepare.columns("colors", ["color"], colors).passthrough(["visits"]).build().unwrap()
}

#[test]
fn of_a_column_transformer() {
    let expected = [
        "age",
        "income",
        "missing(age)",
        "missing(income)",
        "color=red",
        "color=blue",
        "color=green",
        "visits",
    ];
    let mut pipeline = Pipeline::new();
    pipeline.add("prepare", prepared());
    let frame = people();
    let model = pipeline.fit_frame(&frame).unwrap();
    let out = model.transform(&frame).unwrap();
    assert_eq!(names(&out, "features"), expected);
    assert!(out.schema().require("features").unwrap().is_sparse());
    assert_eq!(out.schema(), &model.transform_schema(frame.schema()).unwrap());

    // Inner stages are addressed by dotted name, and the whole is saved and loaded.
    let mut changed = pipeline.clone();
    luthier_core::Params::set_value(&mut changed, "prepare.numbers.impute.strategy", &Value::from("mode"))
        .unwrap();
    assert_ne!(format!("{changed:?}"), format!("{pipeline:?}"));
    let folder = std::env::temp_dir().join(format!("luthier-names-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("model.json");
    model.save(&path).unwrap();
    let loaded = PipelineModel::load(&path).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let again = loaded.transform(&frame).unwrap();
    assert_eq!(again.schema(), out.schema());
    assert_eq!(again.vectors("features").unwrap(), out.vectors("features").unwrap());
}

#[test]
fn fitting_a_column_transformer_reads_base_columns_once() {
    let mut pipeline = Pipeline::new();
    pipeline.add("prepare", prepared());
    let data = Dataset::new(people());
    let ctx = FitContext::new(0, data.work().clone());
    pipeline.fit(&data, &ctx).unwrap();
    // One for the imputer and the categories, one behind the imputer for the scaler.
    assert_eq!(data.work().snapshot().passes, 2);
}

#[test]
fn of_single_stages() {
    let frame = people();
    let frame =
        VectorAssembler::new().input_cols(["income", "visits"]).output_col("v").transform(&frame).unwrap();
    assert_eq!(names(&frame, "v"), ["income", "visits"]);
    let scaled = through(&MinMaxScaler::new().input_col("v").output_col("s"), &frame);
    assert_eq!(names(&scaled, "s"), ["income", "visits"]);
    let poly =
        PolynomialExpansion::new().input_col("s").output_col("p").degree(3).transform(&scaled).unwrap();
    let terms = [
        "income",
        "income^2",
        "income^3",
        "visits",
        "visits*income",
        "visits*income^2",
        "visits^2",
        "visits^2*income",
        "visits^3",
    ];
    assert_eq!(names(&poly, "p"), terms);
    let sliced = VectorSlicer::new().input_col("p").output_col("q").indices([4, 0]).transform(&poly).unwrap();
    assert_eq!(names(&sliced, "q"), ["visits*income", "income"]);
    let by_name = VectorSlicer::new().input_col("p").output_col("q").indices([0]).names(["visits*income"]);
    assert_eq!(names(&by_name.transform(&poly).unwrap(), "q"), ["income", "visits*income"]);
    let kept = through(&VarianceThresholdSelector::new().features_col("v").variance_threshold(2.0), &frame);
    assert_eq!(names(&kept, "selected_features"), ["income"]);
    let pca = through(&Pca::new().input_col("v").k(2), &frame);
    assert_eq!(names(&pca, "pca_features"), ["pc1", "pc2"]);
    let one = through(&MinMaxScaler::new().input_col("income").output_col("one"), &frame);
    assert_eq!(names(&one, "one"), ["income"]);
    let buckets = Bucketizer::new().input_col("income").output_col("b").splits([0.0, 2.0, 9.0]);
    let encoded = through(
        &OneHotEncoder::new().input_cols(["b"]).output_cols(["e"]).drop_last(false),
        &buckets.transform(&frame).unwrap(),
    );
    assert_eq!(names(&encoded, "e"), ["income=[0, 2)", "income=[2, 9]"]);
    assert_eq!(encoded.vectors("e").unwrap().column(0).sum(), 1.0);
}
