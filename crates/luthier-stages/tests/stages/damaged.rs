//! A saved model whose parts do not fit together is refused when it is loaded.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::persist::{model_from_json, model_to_json};
use luthier_core::{DynEstimator, FitContext};
use luthier_stages::{
    Imputer, LinearRegression, LogisticRegression, MinMaxScaler, OneHotEncoder, QuantileDiscretizer,
    RobustScaler, StandardScaler, StringIndexer,
};
use ndarray::Array2;
use serde_json::{Value, json};

fn frame() -> DataFrame {
    DataFrame::from_columns(vec![
        ("features", Column::vector(Array2::from_shape_fn((9, 3), |(i, j)| ((i * (j + 2)) % 7) as f64))),
        ("label", Column::f64((0..9).map(|i| f64::from(i % 3)).collect())),
        ("category", Column::f64((0..9).map(|i| f64::from(i % 4)).collect())),
        ("text", Column::utf8((0..9).map(|i| ["a", "b"][i % 2]))),
    ])
    .unwrap()
}

/// The error of loading a model of this stage with one part of its state changed; unchanged it is loaded.
#[track_caller]
fn refused(stage: &dyn DynEstimator, pointer: &str, change: impl Fn(&mut Value)) -> String {
    let data = luthier_core::Dataset::new(frame());
    let model = stage.fit(&data, &FitContext::new(0, Default::default())).unwrap();
    let mut document = model_to_json(model.as_ref()).unwrap();
    model_from_json(&document).unwrap();
    change(document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")));
    model_from_json(&document).unwrap_err().to_string()
}

fn pop(list: &mut Value) {
    list.as_array_mut().unwrap().pop();
}

#[test]
fn lists_that_belong_together_have_one_length() {
    let error = refused(&StandardScaler::new(), "/state/std", pop);
    assert!(error.contains("`standard_scaler`") && error.contains("`mean` has 3, `std` has 2"), "{error}");
    refused(&MinMaxScaler::new(), "/state/original_max", pop);
    refused(&RobustScaler::new(), "/state/range", pop);
    refused(&Imputer::new().input_cols(["label"]).output_cols(["filled"]), "/state/surrogates", pop);
    refused(&StringIndexer::new().input_cols(["text"]).output_cols(["index"]), "/state/labels", pop);
    let buckets = QuantileDiscretizer::new().input_col("label").num_buckets(2);
    refused(&buckets, "/state/splits", |splits| *splits = json!([1.0, 0.0]));
    refused(&LinearRegression::new(), "/state/coefficients", pop);
}

#[test]
fn coefficients_of_classes_are_a_matrix() {
    let lr = LogisticRegression::new().reg_param(0.1);
    let error = refused(&lr, "/state/coefficients/1", pop);
    assert!(error.contains("`coefficients` has rows of 3 and of 2 numbers"), "{error}");
    refused(&lr, "/state/intercepts", pop);
    refused(&lr, "/state/coefficients", |all| *all = json!([]));
    refused(&lr, "/state/multinomial", |multinomial| *multinomial = json!(false));
}

#[test]
fn sizes_are_checked_before_anything_is_made_of_them() {
    let encoder = OneHotEncoder::new().input_cols(["category"]).output_cols(["encoded"]);
    for size in [json!(1_000_000_000_000_u64), json!(u64::MAX)] {
        let error = refused(&encoder, "/state/categories/0/size", |found| *found = size.clone());
        assert!(error.contains("categories, expected at most 1e7"), "{error}");
    }
    refused(&encoder, "/state/output_cols", pop);
}
