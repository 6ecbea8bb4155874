//! Answers about classifiers: areas, models, and the way from a CSV file to one.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use luthier::core::Dataset;
use luthier::prelude::*;
use luthier::stages::LogisticRegressionModel;
use serde_json::{Value, json};

/// The exact area under the roc of the column `score`, with the column `weight` if asked for.
///
/// # Errors
/// A frame without these columns and `label`.
pub fn area(frame: &DataFrame, weighted: bool) -> anyhow::Result<Value> {
    let mut evaluator = BinaryClassificationEvaluator::new().raw_prediction_col("score").num_bins(0);
    if weighted {
        evaluator = evaluator.weight_col("weight".to_owned());
    }
    let scores = Dataset::new(frame.clone());
    let start = Instant::now();
    let metric = evaluator.evaluate(&scores)?;
    Ok(json!({ "seconds": start.elapsed().as_secs_f64(), "metric": metric }))
}

/// Coefficients and intercept of a model `lr`.
///
/// # Errors
/// Another last stage than a binomial logistic regression.
pub fn weights(model: &PipelineModel) -> anyhow::Result<(&[f64], f64)> {
    let lr = model.stage_by_name("lr")?;
    let lr = lr.downcast_ref::<LogisticRegressionModel>().context("`lr` is no logistic regression")?;
    Ok((lr.coefficients()?, lr.intercept()?))
}

/// From a CSV file of categorical columns and a `label` to a classifier: index, one-hot, assemble, regress. Categories
/// are all kept, so that every peer has the same unknowns.
///
/// # Errors
/// A file that cannot be read, or whatever fails while it is fitted.
pub fn categorical(path: &Path, reg_param: f64) -> anyhow::Result<Value> {
    let start = Instant::now();
    let frame = DataFrame::read_csv(path, &CsvOptions::new())?;
    let read_seconds = start.elapsed().as_secs_f64();
    let columns: Vec<String> =
        frame.schema().names().filter(|name| *name != "label").map(String::from).collect();
    let renamed = |suffix: &str| columns.iter().map(|name| format!("{name}_{suffix}")).collect::<Vec<_>>();
    let (indices, vectors) = (renamed("index"), renamed("is"));
    let mut pipeline = Pipeline::new();
    pipeline.add("index", StringIndexer::new().input_cols(columns).output_cols(indices.clone()));
    pipeline.add(
        "encode",
        OneHotEncoder::new().input_cols(indices).output_cols(vectors.clone()).drop_last(false),
    );
    pipeline.add_transformer("features", VectorAssembler::new().input_cols(vectors));
    pipeline.add("lr", LogisticRegression::new().reg_param(reg_param).standardization(false));
    let model = pipeline.fit_frame(&frame)?;
    let seconds = start.elapsed().as_secs_f64();

    let (coefficients, intercept) = weights(&model)?;
    let behind = model.transform_schema(frame.schema())?;
    let names = behind.require("features")?.feature_names().context("features have no names")?;
    let coefficients: BTreeMap<String, f64> = names.into_iter().zip(coefficients.iter().copied()).collect();
    Ok(json!({
        "seconds": seconds,
        "read_seconds": read_seconds,
        "coefficients": coefficients,
        "intercept": intercept,
    }))
}
