//! A saved model whose parts do not fit together is refused when it is loaded.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::persist::{model_from_json, model_to_json};
use luthier_core::{DynEstimator, Estimator, FitContext};
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
    let model = DynEstimator::fit(stage, &data, &FitContext::new(0, Default::default())).unwrap();
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
    let error = refused(&buckets, "/state/splits", |splits| *splits = json!([1.0]));
    assert!(error.contains("`splits` has one number"), "{error}");
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

#[test]
fn a_claimed_number_of_categories_takes_no_memory() {
    let encoder = OneHotEncoder::new().input_cols(["category"]).output_cols(["encoded"]);
    let data = luthier_core::Dataset::new(frame());
    let model = Estimator::fit(&encoder, &data, &FitContext::new(0, Default::default())).unwrap();
    let outputs = |size: usize| {
        let mut document = luthier_core::json::to_value(&model).unwrap();
        document["categories"][0]["size"] = json!(size);
        let model: luthier_stages::OneHotEncoderModel = luthier_core::json::from_value(&document).unwrap();
        luthier_core::Transformer::outputs(&model, data.schema()).unwrap()
    };
    assert!(outputs(4)[0].has_feature_names());
    let many = outputs(9_999_999);
    assert!(!many[0].has_feature_names());
    assert_eq!(many[0].column_type().to_string(), "vector(9999998)");
}

#[test]
fn parameters_of_a_transformer_are_checked_as_when_they_are_set() {
    let load = |splits: Value| {
        let params =
            json!({"input_col": "x", "output_col": "b", "splits": splits, "handle_invalid": "error"});
        let document = json!({
            "format": "luthier", "version": 1, "kind": "model", "type": "bucketizer", "params": params, "state": {},
        });
        model_from_json(&document).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(load(json!([0.0, 1.0, "Inf"])), Ok(()));
    for splits in [json!(["NaN", 0.0, 1.0]), json!([1.0]), json!([2.0, 1.0, 0.0])] {
        let error = load(splits).unwrap_err();
        assert!(error.contains("`splits`"), "{error}");
    }
}
