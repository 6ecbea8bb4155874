//! Whatever is saved comes back with the same bits.

use std::sync::Arc;

use luthier::core::{DynEstimator, DynModel, persist};
use luthier::prelude::*;
use luthier::stages::LinearRegressionModel;
use ndarray::Array2;
use tempfile::tempdir;

use crate::data::{diabetes, diabetes_columns, diabetes_features, pca_and_regression};
use crate::probe::Constant;

/// Fits a stage, saves and loads its model, and compares documents and all columns it appends, bit by bit.
fn round_trip<E: Estimator>(stage: &E, data: &DataFrame) -> Arc<dyn DynModel> {
    let model = persist::with_params(stage, stage.fit_frame(data).unwrap());
    round_trip_model(model, data)
}

fn round_trip_model(model: Arc<dyn DynModel>, data: &DataFrame) -> Arc<dyn DynModel> {
    let folder = tempdir().unwrap();
    let (first, second) = (folder.path().join("first.json"), folder.path().join("second.json"));
    persist::save_model(&first, model.as_ref()).unwrap();
    let loaded = persist::load_model(&first).unwrap();
    persist::save_model(&second, loaded.as_ref()).unwrap();
    assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
    assert_eq!(loaded.type_name(), model.type_name());
    let (before, after) = (model.transform(data).unwrap(), loaded.transform(data).unwrap());
    assert_eq!(before.schema(), after.schema());
    let appended = before.schema().fields().iter().filter(|f| data.schema().field(f.name()).is_none());
    let mut compared = 0;
    for field in appended {
        assert_eq!(bits(&before, field.name()), bits(&after, field.name()), "{}", field.name());
        compared += 1;
    }
    assert!(compared > 0, "the model appends nothing");
    loaded
}

fn bits(data: &DataFrame, column: &str) -> Vec<u64> {
    let is_vector = data.schema().require(column).unwrap().column_type().is_vector();
    let values = if is_vector {
        data.vectors(column).unwrap().into_iter().collect()
    } else {
        data.column_f64(column).unwrap()
    };
    values.into_iter().map(f64::to_bits).collect()
}

#[test]
fn models_of_the_built_in_stages() {
    let data = diabetes();
    for (with_mean, with_std) in [(true, true), (true, false), (false, true), (false, false)] {
        round_trip(&StandardScaler::new().with_mean(with_mean).with_std(with_std), &data);
    }
    round_trip(&Pca::new().k(3), &data);
    round_trip(&Pca::new().k(10).center(true), &data);
    round_trip(&LinearRegression::new(), &data);
    round_trip(&LinearRegression::new().reg_param(0.1).elastic_net_param(0.5).weight_col("weight"), &data);
    round_trip(&LinearRegression::new().solver(Solver::LBfgs).fit_intercept(false), &data);
    round_trip(&LinearRegression::new().loss(Loss::Huber).epsilon(1.5), &data);
}

#[test]
fn numbers_that_are_not_finite_come_back() {
    // A constant label: its r2 is 0 / 0.
    let x = Array2::from_shape_fn((20, 2), |(i, j)| ((i * 7 + j * 5) % 9) as f64);
    let data = DataFrame::from_ndarray(x, vec![3.0; 20]).unwrap();
    let loaded = round_trip(&LinearRegression::new(), &data);
    let model = loaded.downcast_ref::<LinearRegressionModel>().unwrap();
    assert!(model.summary().r2.is_nan());
    assert_eq!(model.intercept(), 3.0);
}

#[test]
fn nested_pipelines_with_transformers() {
    let mut inner = Pipeline::new();
    inner.add("scaler", StandardScaler::new().output_col("scaled"));
    inner.add("pca", Pca::new().k(4).input_col("scaled").output_col("components"));
    let mut outer = Pipeline::new();
    outer.add_transformer("assembler", VectorAssembler::new().input_cols(diabetes_features()));
    outer.add("features", inner);
    outer.add("lr", LinearRegression::new().features_col("components"));
    let data = diabetes_columns();
    let loaded = round_trip(&outer, &data);
    let model = loaded.downcast_ref::<PipelineModel>().unwrap();
    assert!(
        model.stage_by_name("features.pca").unwrap().downcast_ref::<luthier::stages::PcaModel>().is_some()
    );
    let names: Vec<&str> = model.stages().map(|(name, _)| name).collect();
    assert_eq!(names, ["assembler", "features", "lr"]);
}

#[test]
fn a_stage_of_another_crate() {
    let data = diabetes();
    for value in [0.1, -0.0, f64::INFINITY, f64::NAN, 5e-324] {
        round_trip(&Constant::new().value(value), &data);
    }
}

#[test]
fn a_tuned_model() {
    let data = diabetes();
    let (pipeline, grid) = pca_and_regression(&[2, 6], &[0.0, 1.0]);
    let tuned = CrossValidator::new(pipeline, grid, RegressionEvaluator::new()).fit(&data).unwrap();
    round_trip_model(Arc::clone(tuned.model()), &data);
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.json");
    tuned.save(&path).unwrap();
    let loaded = PipelineModel::load(&path).unwrap();
    assert_eq!(
        bits(&loaded.transform(&data).unwrap(), "prediction"),
        bits(&tuned.transform(&data).unwrap(), "prediction")
    );
}

#[test]
fn estimators_and_pipelines() {
    let mut inner = Pipeline::new();
    inner.add("scaler", StandardScaler::new().with_mean(true).output_col("scaled"));
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("assembler", VectorAssembler::new().input_cols(["x0", "x1"]));
    pipeline.add("inner", inner);
    pipeline.add("lr", LinearRegression::new().features_col("scaled").reg_param(0.1).tol(1e-300));
    let estimators: Vec<Box<dyn DynEstimator>> = vec![
        Box::new(Pca::new().k(3).center(true)),
        Box::new(StandardScaler::new().with_std(false)),
        Box::new(LinearRegression::new().loss(Loss::Huber).weight_col("weight").solver(Solver::LBfgs)),
        Box::new(Constant::new().value(f64::NEG_INFINITY)),
        Box::new(pipeline),
    ];
    let folder = tempdir().unwrap();
    for estimator in estimators {
        let (first, second) = (folder.path().join("first.json"), folder.path().join("second.json"));
        persist::save_estimator(&first, estimator.as_ref()).unwrap();
        let loaded = persist::load_estimator(&first).unwrap();
        persist::save_estimator(&second, loaded.as_ref()).unwrap();
        assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
        assert_eq!(format!("{loaded:?}"), format!("{estimator:?}"));
    }
}

#[test]
fn what_cannot_be_loaded_says_why() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.json");
    let model = StandardScaler::new().fit_frame(&diabetes()).unwrap();
    persist::save_model(&path, persist::with_params(&StandardScaler::new(), model).as_ref()).unwrap();
    // As somebody leaves it who edits it: without its checksum.
    let saved = std::fs::read_to_string(&path).unwrap();
    let checksum = saved.lines().find(|line| line.contains("\"checksum\": ")).unwrap();
    let saved = saved.replace(&format!("{checksum}\n"), "");
    let load = |text: &str| {
        std::fs::write(&path, text).unwrap();
        persist::load_model(&path).unwrap_err().to_string()
    };
    let cases = [
        (saved.replace("\"version\": 1", "\"version\": 99"), "version 99"),
        (saved.replace("standard_scaler", "acme.scaler"), "unknown stage type `acme.scaler`"),
        (saved.replace("standard_scaler", "standard_scalar"), "did you mean `standard_scaler`?"),
        (saved.replace("\"luthier\"", "\"other\""), "not a saved model"),
        (saved.replace("\"kind\": \"model\"", "\"kind\": \"estimator\""), "not a saved model"),
        (saved.replace("\"with_mean\"", "\"with_meen\""), "with_me"),
        (saved[..saved.len() / 2].to_owned(), "model.json"),
        (String::new(), "model.json"),
    ];
    for (text, part) in cases {
        assert_ne!(text, saved, "the case for {part:?} changes nothing");
        let message = load(&text);
        assert!(message.contains(part), "no {part:?} in {message:?}");
    }
    let message = persist::load_model(&folder.path().join("none.json")).unwrap_err().to_string();
    assert!(message.contains("none.json"), "{message}");
}
