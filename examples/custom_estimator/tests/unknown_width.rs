//! Behind a one-hot encoder, whose width only its fit tells.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::sync::Arc;

use common::metrics;
use luthier_core::frame::{Column, DataFrame};
use luthier_core::{EstimatorExt, Pipeline, StageHandle, Value};
use luthier_stages::{OneHotEncoder, VectorAssembler};
use luthier_tune::{KFold, ParamGrid, Search};

/// What a colour adds to the label.
const EFFECTS: [f64; 4] = [5.0, -3.0, 0.5, 11.0];

fn label(color: usize, x: f64) -> f64 {
    EFFECTS[color] + 2.0 * x.ln_1p()
}

fn frame() -> DataFrame {
    let color = |i: usize| i * i % 7 % 4;
    let x = |i: usize| (i * 5 % 13) as f64;
    let column = |f: &dyn Fn(usize) -> f64| Column::f64((0..80).map(f).collect());
    DataFrame::from_columns(vec![
        ("color", column(&|i| color(i) as f64)),
        ("x", column(&x)),
        ("label", column(&|i| label(color(i), x(i)))),
    ])
    .unwrap()
}

/// All of acme's stages that take vectors.
fn pipeline() -> Pipeline {
    let mut pipeline = Pipeline::new();
    pipeline.add("encoder", OneHotEncoder::new().input_cols(["color"]).output_cols(["hot"]));
    pipeline.add_transformer("assembler", VectorAssembler::new().input_cols(["hot", "x"]));
    pipeline.add_transformer("log1p", acme::Log1p::new());
    pipeline.add("scaler", acme::Scaler::new().input_col("logarithms"));
    pipeline.add("ridge", acme::Ridge::new().features_col("scaled").reg_param(0.0));
    pipeline
}

/// The label is affine in the logarithms, so that without a penalty it is predicted exactly.
#[test]
fn a_pipeline_is_fitted_and_predicts() {
    let data = frame();
    let model = pipeline().fit_frame(&data).unwrap().with_inputs(data.schema());
    let out = model.transform(&data).unwrap();
    for (found, expected) in
        out.column_f64("prediction").unwrap().iter().zip(data.column_f64("label").unwrap())
    {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }
    let predictor = model.predictor().unwrap();
    assert_eq!(predictor.inputs().names().collect::<Vec<_>>(), ["color", "x"], "no label");
    match predictor.predict_row(&[Value::Float(2.0), Value::Float(30.0)]).unwrap().as_deref() {
        Some([Value::Float(found)]) => assert!((found - label(2, 30.0)).abs() < 1e-9, "{found}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_search_plans_with_it() {
    let ridge = StageHandle::<acme::Ridge>::new("ridge");
    let grid = ParamGrid::new().add(ridge.at(acme::Ridge::REG_PARAM), [10.0, 0.0]);
    let evaluator = Box::new(acme::MaxError::new());
    let search = Search::new(Box::new(pipeline()), grid, evaluator, Arc::new(KFold::new().num_folds(3)));
    let result = search.fit(&frame()).unwrap().result;
    assert_eq!(result.best, 1);
    let errors = metrics(&result);
    let (penalised, exact) = errors.split_at(3);
    assert!(penalised.iter().all(|e| *e > 1.0) && exact.iter().all(|e| *e < 1e-9), "{errors:?}");
}
