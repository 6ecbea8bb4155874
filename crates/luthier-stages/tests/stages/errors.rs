//! What is wrong, where, and what to do.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Dataset, EstimatorExt, Evaluator, Moments, MomentsSpec, Params, Pipeline, Transformer};
use luthier_stages::{Pca, RegressionEvaluator, StandardScaler, VectorAssembler};
use ndarray::{Array2, array};

use crate::data::{context, fit};

fn has(error: impl std::fmt::Display, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "`{message}` lacks `{part}`");
    }
}

#[test]
fn pca_asks_for_fewer_components() {
    let frame = DataFrame::from_ndarray(array![[1.0, 2.0, 3.0], [3.0, 2.0, 0.0]], vec![0.0; 2]).unwrap();
    has(Pca::new().k(5).fit_frame(&frame).unwrap_err(), &["`pca`", "k = 5", "`features`", "3 features"]);
    has(Pca::new().k(1).fit_frame(&frame.head(1)).unwrap_err(), &["`pca`", "at least 2 rows", "found 1"]);
    has(Pca::new().fit_frame(&frame).unwrap_err(), &["`k`"]);
    assert!(Pca::new().k(0).validate().is_err());
    let taken = Pca::new().k(1).output_col("label");
    has(taken.fit_frame(&frame).unwrap_err(), &["`label` already exists"]);
    let mut pipeline = Pipeline::new();
    pipeline.add("reduce", Pca::new().k(5));
    has(luthier_core::Estimator::transform_schema(&pipeline, frame.schema()).unwrap_err(), &["k = 5"]);
}

#[test]
fn a_model_sees_the_width_it_was_fitted_on() {
    let frame = DataFrame::from_ndarray(array![[1.0, 2.0], [3.0, 2.5]], vec![0.0; 2]).unwrap();
    let narrow = DataFrame::from_ndarray(array![[1.0], [3.0]], vec![0.0; 2]).unwrap();
    let models: [Box<dyn Transformer>; 2] = [
        Box::new(Pca::new().k(1).fit_frame(&frame).unwrap()),
        Box::new(StandardScaler::new().fit_frame(&frame).unwrap()),
    ];
    for model in models {
        has(model.transform(&narrow).unwrap_err(), &["`features`", "has 1 features", "fitted on 2"]);
        has(model.transform_schema(narrow.schema()).unwrap_err(), &["`features`", "has 1 features"]);
    }
}

#[test]
fn features_that_are_not_finite_are_named_when_fitting() {
    let frame = DataFrame::from_ndarray(array![[1.0, 2.0], [3.0, f64::NAN]], vec![0.0; 2]).unwrap();
    let error = StandardScaler::new().fit_frame(&frame).unwrap_err();
    has(error, &["`features`", "row 1", "NaN at position 1"]);
    let empty = frame.head(0);
    has(StandardScaler::new().fit_frame(&empty).unwrap_err(), &["standard_scaler", "no rows"]);
}

#[test]
fn assembler_names_the_row_of_a_null() {
    let values = (0..5000).map(|i| (i != 4321).then_some(f64::from(i))).collect();
    let frame = DataFrame::from_columns(vec![
        ("a", Column::f64(vec![0.0; 5000])),
        ("b", Column::f64_nullable(values)),
        ("name", Column::utf8(vec!["x"; 5000])),
    ])
    .and_then(|frame| frame.repartition(3))
    .unwrap();
    let stage = VectorAssembler::new().input_cols(["a", "b"]);
    has(stage.transform(&frame).unwrap_err(), &["`b`", "row 4321", "null", "drop or fill"]);

    // The same row when only a part of the frame goes through the stage at a time.
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("assemble", stage);
    let model = luthier_core::Estimator::fit(&pipeline, &Dataset::new(frame.clone()), &context()).unwrap();
    has(Transformer::transform(&model, &frame).unwrap_err(), &["`b`", "row 4321"]);
    let view = Dataset::new(frame.clone()).without_sharing();
    let view = view.through(fit(&pipeline, &Dataset::new(frame.clone()))).unwrap();
    let error = view.summarize::<Moments>(&MomentsSpec::new(["features"])).unwrap_err();
    has(error, &["`b`", "row 4321", "null"]);

    let text = VectorAssembler::new().input_cols(["a", "name"]);
    has(text.transform_schema(frame.schema()).unwrap_err(), &["`name` is utf8", "numeric or vector"]);
    let unknown = VectorAssembler::new().input_cols(["aa"]);
    has(unknown.transform_schema(frame.schema()).unwrap_err(), &["unknown column `aa`", "`a`"]);
    has(VectorAssembler::new().validate().unwrap_err(), &["`input_cols`"]);
    has(VectorAssembler::new().input_cols(Vec::<String>::new()).validate().unwrap_err(), &["empty"]);
}

fn scored(label: Vec<Option<f64>>, prediction: Vec<Option<f64>>) -> Dataset {
    let frame = DataFrame::from_columns(vec![
        ("label", Column::f64_nullable(label)),
        ("prediction", Column::f64_nullable(prediction)),
        ("features", Column::vector(Array2::zeros((3, 2)))),
    ]);
    Dataset::new(frame.unwrap())
}

#[test]
fn evaluator_distinguishes_bad_labels_from_bad_predictions() {
    let evaluator = RegressionEvaluator::new();
    let (some, nan) = (Some(1.0), Some(f64::NAN));
    for bad in [None, nan, Some(f64::INFINITY)] {
        let data = scored(vec![some, some, bad], vec![some; 3]);
        has(evaluator.evaluate(&data).unwrap_err(), &["`label`", "row 2", "finite"]);
        let data = scored(vec![some; 3], vec![some, bad, some]);
        for metric in ["rmse", "mse", "r2", "mae", "var"] {
            let mut evaluator = evaluator.clone();
            Params::set_value(&mut evaluator, "metric", &metric.into()).unwrap();
            assert!(Evaluator::evaluate(&evaluator, &data).unwrap().is_nan());
            let prepared = data.prepare(Evaluator::plan(&evaluator, data.schema()).derived()).unwrap();
            assert!(Evaluator::evaluate(&evaluator, &prepared).unwrap().is_nan());
        }
    }
    let good = scored(vec![some, Some(2.0), Some(3.0)], vec![some, Some(2.0), Some(4.0)]);
    let bad = scored(vec![nan; 3], vec![some; 3]);
    let found = luthier_core::DynEvaluator::evaluate_many(&evaluator, &[bad, good]);
    has(found[0].as_ref().unwrap_err(), &["`regression`", "`label`", "row 0"]);
    assert!(found[1].is_ok());
}

#[test]
fn evaluator_checks_its_columns() {
    let data = scored(vec![Some(1.0); 3], vec![Some(1.0); 3]);
    let evaluator = RegressionEvaluator::new().prediction_col("features");
    has(
        Evaluator::check_schema(&evaluator, data.schema()).unwrap_err(),
        &["`features` is vector(2)", "numeric"],
    );
    let evaluator = RegressionEvaluator::new().weight_col("w");
    has(Evaluator::check_schema(&evaluator, data.schema()).unwrap_err(), &["unknown column `w`"]);
    let negative = RegressionEvaluator::new().weight_col("prediction");
    let data = scored(vec![Some(1.0); 3], vec![Some(1.0), Some(-1.0), Some(1.0)]);
    has(Evaluator::evaluate(&negative, &data).unwrap_err(), &["`prediction`", "row 1", "-1", "weight"]);
}
