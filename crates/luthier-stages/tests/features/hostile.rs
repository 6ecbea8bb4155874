//! Input that no stage can use is answered with what is wrong, where, and what to do.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{EstimatorExt, Params, Pipeline, Transformer};
use luthier_stages::{
    Bucketizer, ColumnTransformer, Imputer, IndexToString, LinearRegression, MaxAbsScaler, MinMaxScaler,
    OneHotEncoder, PolynomialExpansion, QuantileDiscretizer, RobustScaler, StringIndexer,
    VarianceThresholdSelector, VectorSlicer,
};
use ndarray::{Array2, array};

use crate::{has, of_numbers, of_vectors};

#[test]
fn rows_that_cannot_be_learned_from() {
    let infinite = of_vectors(array![[1.0, 2.0], [1.0, f64::INFINITY]]);
    let parts = ["`features`", "row 1", "inf at position 1"];
    has(MinMaxScaler::new().fit_frame(&infinite).unwrap_err(), &parts);
    has(MaxAbsScaler::new().fit_frame(&infinite).unwrap_err(), &parts);
    has(RobustScaler::new().fit_frame(&infinite).unwrap_err(), &parts);
    has(VarianceThresholdSelector::new().fit_frame(&infinite).unwrap_err(), &parts);
    let empty = infinite.head(0);
    has(MinMaxScaler::new().fit_frame(&empty).unwrap_err(), &["min_max_scaler", "no rows"]);
    has(RobustScaler::new().fit_frame(&empty).unwrap_err(), &["robust_scaler", "no rows"]);
    let null = DataFrame::from_columns(vec![("x", Column::f64_nullable(vec![Some(1.0), None]))]).unwrap();
    has(MinMaxScaler::new().input_col("x").fit_frame(&null).unwrap_err(), &["`x`", "row 1", "null"]);
    let huge = of_vectors(array![[-1.7e308], [1.7e308]]);
    has(MinMaxScaler::new().fit_frame(&huge).unwrap_err(), &["range", "feature 0", "`features`"]);
    has(
        VarianceThresholdSelector::new().fit_frame(&of_vectors(array![[1.0], [1.0]])).unwrap_err(),
        &["no feature", "variance above 0"],
    );
    let missing = of_numbers("x", &[f64::NAN; 3]);
    let imputer = Imputer::new().input_cols(["x"]).output_cols(["y"]);
    has(imputer.fit_frame(&missing).unwrap_err(), &["`x`", "missing", "constant"]);
    let discretizer = QuantileDiscretizer::new().input_col("x");
    has(discretizer.fit_frame(&missing).unwrap_err(), &["`x`", "no values"]);
    let many = of_numbers("x", &[1e12]);
    let encoder = OneHotEncoder::new().input_cols(["x"]).output_cols(["y"]);
    has(encoder.fit_frame(&many).unwrap_err(), &["`x`", "1000000000000", "string_indexer"]);
}

#[test]
fn values_that_no_bucket_or_label_takes() {
    let stage = Bucketizer::new().splits([0.0, 1.0, 2.0]);
    has(
        stage.transform(&of_numbers("feature", &[1.0, 2.5])).unwrap_err(),
        &["`feature`", "row 1", "2.5", "inf"],
    );
    has(
        stage.transform(&of_numbers("feature", &[f64::NAN])).unwrap_err(),
        &["row 0", "NaN", "handle_invalid"],
    );
    let labels = IndexToString::new().labels(["a", "b"]);
    has(labels.transform(&of_numbers("index", &[1.0, 2.0])).unwrap_err(), &["`index`", "row 1", "2"]);
    has(labels.transform(&of_numbers("index", &[0.5])).unwrap_err(), &["row 0", "0.5"]);
    has(
        IndexToString::new().transform(&of_numbers("index", &[1.0])).unwrap_err(),
        &["no categories", "`labels`"],
    );
}

#[test]
fn parameters_that_cannot_be() {
    has(MinMaxScaler::new().min(1.0).max(1.0).validate().unwrap_err(), &["`min` is 1", "`max` is 1"]);
    has(RobustScaler::new().lower(0.8).validate().unwrap_err(), &["`lower` is 0.8", "0.75"]);
    has(Bucketizer::new().splits([0.0, 1.0]).validate().unwrap_err(), &["`splits` has 2"]);
    has(Bucketizer::new().splits([0.0, 1.0, 1.0]).validate().unwrap_err(), &["1 is followed by 1"]);
    has(Bucketizer::new().splits([0.0, f64::NAN, 1.0]).validate().unwrap_err(), &["NaN"]);
    has(VectorSlicer::new().indices([2, 1, 2]).validate().unwrap_err(), &["2 twice"]);
    let frame = of_vectors(Array2::zeros((2, 3)));
    has(
        VectorSlicer::new().indices([3]).transform(&frame).unwrap_err(),
        &["`indices` contains 3", "`features` has only 3"],
    );
    has(VectorSlicer::new().transform(&frame).unwrap_err(), &["`indices` or `names`"]);
    let named = VectorSlicer::new().names(["features_1", "features_0"]);
    assert_eq!(named.transform(&frame).unwrap().vectors("sliced_features").unwrap().ncols(), 2);
    has(
        named.clone().indices([1]).transform(&frame).unwrap_err(),
        &["`features_1`", "also selected by its position 1"],
    );
    has(
        named.names(["feature_1"]).transform(&frame).unwrap_err(),
        &["no feature `feature_1`", "`features_1`?"],
    );
    let pairs = Imputer::new().input_cols(["a", "b"]).output_cols(["c"]);
    has(pairs.validate().unwrap_err(), &["`output_cols` has 1", "`input_cols` has 2"]);
    has(
        StringIndexer::new().input_cols(Vec::<String>::new()).output_cols(["i"]).validate().unwrap_err(),
        &["empty"],
    );
    let wide = PolynomialExpansion::new().degree(40);
    has(
        wide.transform_schema(of_vectors(Array2::zeros((1, 40))).schema()).unwrap_err(),
        &["`features`", "`degree`"],
    );
    has(
        StringIndexer::new().input_cols(["features"]).output_cols(["i"]).fit_frame(&frame).unwrap_err(),
        &["`features` is vector(3)"],
    );
}

#[test]
fn column_transformers_that_cannot_be() {
    has(ColumnTransformer::new().build().unwrap_err(), &["no columns are listed"]);
    let none: [String; 0] = [];
    has(
        ColumnTransformer::new().columns("a", none, Pipeline::new()).build().unwrap_err(),
        &["`a`", "no columns"],
    );
    let mut model = Pipeline::new();
    model.add("lr", LinearRegression::new());
    has(
        ColumnTransformer::new().columns("a", ["x"], model).build().unwrap_err(),
        &["`a.lr`", "linear_regression", "the role `output`"],
    );
    let twice =
        ColumnTransformer::new().columns("a", ["x"], Pipeline::new()).columns("a", ["y"], Pipeline::new());
    has(twice.build().unwrap_err(), &["`a`"]);
}
