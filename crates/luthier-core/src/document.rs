//! Stages as JSON: the contents of a saved file below its header.

use std::sync::Arc;

use luthier_frame::{Field, Schema};
use serde_json::{Map, Value as Json, json};

use crate::params::Value;
use crate::registry::{self, StageEntry};
use crate::stage::{DynEstimator, DynModel, FittedChild, PipelineStage};
use crate::{Error, Result};

/// The key of the children among the parameters of an estimator, and of the fitted children in the state of a pipeline.
const STAGES: &str = "stages";

pub(crate) fn wrong(what: &str, reason: &str) -> Error {
    Error::Load { what: format!("the {what}"), reason: reason.to_owned() }
}

/// A fitted stage.
pub(crate) fn model(model: &dyn DynModel) -> Result<Map<String, Json>> {
    Ok(of_parts(model.type_name(), Json::Object(values(model.values())), model.state()?))
}

/// Creates a fitted stage of this type with these parameters and this state.
pub(crate) fn of_parts(type_name: &str, params: Json, state: Json) -> Map<String, Json> {
    let entries = [("type", json!(type_name)), ("params", params), ("state", state)];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Reads a fitted stage.
pub(crate) fn load_model(document: &Json) -> Result<Arc<dyn DynModel>> {
    let empty = json!({});
    let params = document.get("params").unwrap_or(&empty);
    let state = document.get("state").ok_or_else(|| wrong("model", "it has no `state`"))?;
    registry::find::<StageEntry>(text(document, "type")?)?.load(params, state)
}

/// Fitted stages, and the columns of a frame that they read.
pub(crate) fn fitted_stages(stages: &[FittedChild], inputs: Option<&Schema>) -> Result<Json> {
    let stages = stages.iter().map(|(name, stage)| Ok(named(name, model(stage.as_ref())?)));
    let mut document = json!({ STAGES: stages.collect::<Result<Vec<_>>>()? });
    if let Some(inputs) = inputs {
        let column = |f: &Field| json!({ "name": f.name(), "type": f.column_type().to_string() });
        document["inputs"] = inputs.fields().iter().map(column).collect();
    }
    Ok(document)
}

/// Reads fitted stages, and the columns of a frame that they read.
pub(crate) fn load_fitted_stages(document: &Json) -> Result<(Vec<FittedChild>, Option<Schema>)> {
    let stages = array(document, STAGES)?.iter().map(|stage| {
        let name = text(stage, "name")?;
        Ok((name.to_owned(), load_model(stage).map_err(|e| e.in_stage(name))?))
    });
    let stages = stages.collect::<Result<_>>()?;
    if document.get("inputs").is_none() {
        return Ok((stages, None));
    }
    let inputs = array(document, "inputs")?.iter().map(|column| {
        let column_type = text(column, "type")?;
        Ok(Field::new(text(column, "name")?, column_type.parse().map_err(|e: String| wrong("model", &e))?))
    });
    Ok((stages, Some(Schema::new(inputs.collect::<Result<_>>()?)?)))
}

/// An estimator.
pub(crate) fn estimator(estimator: &dyn DynEstimator) -> Result<Map<String, Json>> {
    let entries = [("type", json!(estimator.type_name())), ("params", params(estimator)?)];
    Ok(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Reads an estimator.
pub(crate) fn load_estimator(document: &Json) -> Result<Box<dyn DynEstimator>> {
    let mut estimator = registry::find::<StageEntry>(text(document, "type")?)?.create();
    if let Some(params) = document.get("params") {
        set_params(estimator.as_mut(), params)?;
    }
    Ok(estimator)
}

/// The parameters of an estimator, including its children.
pub(crate) fn params(estimator: &dyn DynEstimator) -> Result<Json> {
    let mut params = values(estimator.values());
    if estimator.children().are_possible() {
        let stage = |child: &PipelineStage| Ok(named(child.name(), self::estimator(child.stage())?));
        let stages = estimator.children().all().iter().map(stage);
        params.insert(STAGES.to_owned(), stages.collect::<Result<_>>()?);
    }
    Ok(Json::Object(params))
}

/// Sets the parameters of an estimator, including its children.
pub(crate) fn set_params(estimator: &mut dyn DynEstimator, params: &Json) -> Result<()> {
    let values = params.as_object().ok_or_else(|| wrong("estimator", "`params` is not an object"))?;
    let has_children = estimator.children().are_possible();
    for (name, value) in values.iter().filter(|(name, _)| !(has_children && *name == STAGES)) {
        estimator.set_value(name, &Value::from_json(value))?;
    }
    if has_children && values.contains_key(STAGES) {
        let stages = array(params, STAGES)?.iter().map(|stage| {
            let name = text(stage, "name")?;
            Ok(PipelineStage::new(name, load_estimator(stage).map_err(|e| e.in_stage(name))?))
        });
        let stages = stages.collect::<Result<_>>()?;
        if let Some(children) = estimator.children_mut() {
            *children = stages;
        }
    }
    Ok(())
}

fn values(values: Vec<(&'static str, Value)>) -> Map<String, Json> {
    values.into_iter().map(|(name, value)| (name.to_owned(), value.to_json())).collect()
}

fn named(name: &str, document: Map<String, Json>) -> Json {
    let mut whole = Map::new();
    whole.insert("name".to_owned(), json!(name));
    whole.extend(document);
    Json::Object(whole)
}

fn text<'a>(document: &'a Json, key: &str) -> Result<&'a str> {
    let found = document.get(key).and_then(Json::as_str);
    found.ok_or_else(|| wrong("document", &format!("`{key}` is missing or not a string")))
}

fn array<'a>(document: &'a Json, key: &str) -> Result<&'a Vec<Json>> {
    let found = document.get(key).and_then(Json::as_array);
    found.ok_or_else(|| wrong("document", &format!("`{key}` is missing or not an array")))
}
