//! Saving and loading estimators, pipelines and models as JSON.
//!
//! A document is `{"format": "luthier", "version": 1, "kind": "model" | "estimator", "type": NAME, …}`. A model has
//! `params` (what it was fitted with) and `state` (what was learned); the state of a pipeline is
//! `{"stages": [{"name", "type", "params", "state"}]}`. Floats come back with the same bits; those that are not
//! finite are the strings `"NaN"`, `"Inf"` and `"-Inf"`.

use std::path::Path;
use std::sync::Arc;

use luthier_frame::{Field, Schema};
use serde_json::{Map, Value as Json, json};

use crate::params::Value;
use crate::pipeline::Pipeline;
use crate::pipeline_model::PipelineModel;
use crate::registry::{self, StageEntry};
use crate::stage::{DynEstimator, DynModel, Estimator};
use crate::{Error, Result, json};

/// The version of the documents this release writes.
pub const FORMAT_VERSION: u64 = 1;

/// Writes a fitted stage of any type to a file.
///
/// # Errors
/// If the file cannot be written.
pub fn save_model(path: &Path, model: &dyn DynModel) -> Result<()> {
    write(path, header("model", model_document(model)?))
}

/// Reads a fitted stage of any type.
///
/// # Errors
/// A file that cannot be read, another format version, a stage whose crate is not linked.
pub fn load_model(path: &Path) -> Result<Arc<dyn DynModel>> {
    let document = json::read_file(path)?;
    model_from_json(&document).map_err(|e| in_file(e, path))
}

/// A fitted stage from a document that was read already.
///
/// # Errors
/// Those of [`load_model`].
pub fn model_from_json(document: &Json) -> Result<Arc<dyn DynModel>> {
    check_header(document, "model")?;
    model_from_document(document)
}

/// A fitted stage as a document.
///
/// # Errors
/// If its state cannot be serialised.
pub fn model_to_json(model: &dyn DynModel) -> Result<Json> {
    Ok(header("model", model_document(model)?))
}

/// Writes an estimator or pipeline of any type to a file.
///
/// # Errors
/// If the file cannot be written.
pub fn save_estimator(path: &Path, estimator: &dyn DynEstimator) -> Result<()> {
    write(path, header("estimator", estimator_document(estimator)?))
}

/// Reads an estimator or pipeline of any type.
///
/// # Errors
/// A file that cannot be read, another format version, a stage whose crate is not linked.
pub fn load_estimator(path: &Path) -> Result<Box<dyn DynEstimator>> {
    let document = json::read_file(path)?;
    check_header(&document, "estimator")
        .and_then(|()| estimator_from_document(&document))
        .map_err(|e| in_file(e, path))
}

/// Joins a typed model with the estimator it was fitted by, to save it.
pub fn with_params<E: Estimator>(estimator: &E, model: E::Model) -> Arc<dyn DynModel> {
    crate::stage::fitted(estimator.clone(), model)
}

pub(crate) fn write(path: &Path, document: Json) -> Result<()> {
    json::write_file(path, &document)
}

fn header(kind: &str, document: Map<String, Json>) -> Json {
    let mut whole = Map::new();
    whole.insert("format".to_owned(), json!("luthier"));
    whole.insert("version".to_owned(), json!(FORMAT_VERSION));
    whole.insert("kind".to_owned(), json!(kind));
    whole.extend(document);
    Json::Object(whole)
}

fn check_header(document: &Json, kind: &str) -> Result<()> {
    let is = |key: &str, value: &str| document.get(key).and_then(Json::as_str) == Some(value);
    if !is("format", "luthier") {
        let reason = format!("this is not a saved {kind}: it has no `\"format\": \"luthier\"`");
        return Err(wrong(kind, &reason));
    }
    match document.get("version").and_then(Json::as_u64) {
        Some(FORMAT_VERSION) => {}
        Some(version) => {
            return Err(wrong(
                kind,
                &format!(
                    "format version {version} is unknown to this release, which reads version {FORMAT_VERSION}"
                ),
            ));
        }
        None => return Err(wrong(kind, "the format version is missing")),
    }
    if is("kind", kind) {
        return Ok(());
    }
    let found = document.get("kind").and_then(Json::as_str).unwrap_or("something else");
    Err(wrong(kind, &format!("the file holds {found}, not a saved {kind}")))
}

fn wrong(what: &str, reason: &str) -> Error {
    Error::Load { what: format!("the {what}"), reason: reason.to_owned() }
}

fn in_file(error: Error, path: &Path) -> Error {
    match error {
        Error::Load { what, reason } => {
            Error::Load { what: format!("{what} from {}", path.display()), reason }
        }
        other => other,
    }
}

fn params_document(values: Vec<(&'static str, Value)>) -> Json {
    Json::Object(values.into_iter().map(|(name, value)| (name.to_owned(), value.to_json())).collect())
}

pub(crate) fn model_document(model: &dyn DynModel) -> Result<Map<String, Json>> {
    let mut document = Map::new();
    document.insert("type".to_owned(), json!(model.type_name()));
    document.insert("params".to_owned(), params_document(model.values()));
    document.insert("state".to_owned(), model.state()?);
    Ok(document)
}

fn model_from_document(document: &Json) -> Result<Arc<dyn DynModel>> {
    let empty = json!({});
    let params = document.get("params").unwrap_or(&empty);
    let state = document.get("state").ok_or_else(|| wrong("model", "it has no `state`"))?;
    registry::find::<StageEntry>(text(document, "type")?)?.load(params, state)
}

pub(crate) fn pipeline_model_document(model: &PipelineModel) -> Result<Json> {
    let mut document = Map::new();
    document.insert("type".to_owned(), json!(Pipeline::NAME));
    document.insert("params".to_owned(), json!({}));
    document.insert("state".to_owned(), stages_document(model)?);
    Ok(header("model", document))
}

pub(crate) fn stages_document(model: &PipelineModel) -> Result<Json> {
    let stages = model.stages().map(|(name, model)| named(name, model_document(model.as_ref())?));
    let mut document = json!({ "stages": stages.collect::<Result<Vec<_>>>()? });
    if let Some(inputs) = model.inputs() {
        let column = |f: &Field| json!({ "name": f.name(), "type": f.column_type().to_string() });
        document["inputs"] = inputs.fields().iter().map(column).collect();
    }
    Ok(document)
}

pub(crate) fn stages_from_document(document: &Json) -> Result<PipelineModel> {
    let stages = array(document, "stages")?.iter().map(|stage| {
        let name = text(stage, "name")?;
        Ok((name.to_owned(), model_from_document(stage).map_err(|e| e.in_stage(name))?))
    });
    let model = PipelineModel::new(stages.collect::<Result<_>>()?);
    if document.get("inputs").is_none() {
        return Ok(model);
    }
    let inputs = array(document, "inputs")?.iter().map(|column| {
        let column_type = text(column, "type")?;
        Ok(Field::new(text(column, "name")?, column_type.parse().map_err(|e: String| wrong("model", &e))?))
    });
    Ok(model.with_inputs(&Schema::new(inputs.collect::<Result<_>>()?)?))
}

fn named(name: &str, document: Map<String, Json>) -> Result<Json> {
    let mut whole = Map::new();
    whole.insert("name".to_owned(), json!(name));
    whole.extend(document);
    Ok(Json::Object(whole))
}

fn estimator_document(estimator: &dyn DynEstimator) -> Result<Map<String, Json>> {
    let mut document = Map::new();
    document.insert("type".to_owned(), json!(estimator.type_name()));
    let params = match estimator.as_any().downcast_ref::<Pipeline>() {
        Some(pipeline) => pipeline_document(pipeline)?,
        None => params_document(estimator.values()),
    };
    document.insert("params".to_owned(), params);
    Ok(document)
}

fn estimator_from_document(document: &Json) -> Result<Box<dyn DynEstimator>> {
    let mut estimator = registry::find::<StageEntry>(text(document, "type")?)?.create();
    let empty = json!({});
    let params = document.get("params").unwrap_or(&empty);
    if estimator.as_any().is::<Pipeline>() {
        return Ok(Box::new(pipeline_from_document(params)?));
    }
    let params = params.as_object().ok_or_else(|| wrong("estimator", "`params` is not an object"))?;
    for (name, value) in params {
        estimator.set_value(name, &Value::from_json(value))?;
    }
    Ok(estimator)
}

pub(crate) fn pipeline_document(pipeline: &Pipeline) -> Result<Json> {
    let stages = pipeline.stages().iter().map(|s| named(s.name(), estimator_document(s.stage())?));
    Ok(json!({ "stages": stages.collect::<Result<Vec<_>>>()? }))
}

pub(crate) fn pipeline_from_document(document: &Json) -> Result<Pipeline> {
    let mut pipeline = Pipeline::new();
    if document.get("stages").is_some() {
        for stage in array(document, "stages")? {
            let name = text(stage, "name")?;
            pipeline.add_dyn(name, estimator_from_document(stage).map_err(|e| e.in_stage(name))?);
        }
    }
    Ok(pipeline)
}

fn text<'a>(document: &'a Json, key: &str) -> Result<&'a str> {
    let found = document.get(key).and_then(Json::as_str);
    found.ok_or_else(|| wrong("document", &format!("`{key}` is missing or not a string")))
}

fn array<'a>(document: &'a Json, key: &str) -> Result<&'a Vec<Json>> {
    let found = document.get(key).and_then(Json::as_array);
    found.ok_or_else(|| wrong("document", &format!("`{key}` is missing or not an array")))
}
