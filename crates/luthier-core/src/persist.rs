//! Saving and loading estimators, pipelines and models as JSON.
//!
//! A document is `{"format": "luthier", "version": 1, "kind": "model" | "estimator", "type": NAME, …}`. A model has
//! `params` (what it was fitted with) and `state` (what was learned); the state of a pipeline is
//! `{"stages": [{"name", "type", "params", "state"}]}`. Of an estimator that is made of stages, `params` has them as
//! `stages`. Floats come back with the same bits; those that are not
//! finite are the strings `"NaN"`, `"Inf"` and `"-Inf"`.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::document::{self, wrong};
use crate::stage::{DynEstimator, DynModel, Estimator};
use crate::{Error, Result, json};

/// The version of the documents this release writes.
pub const FORMAT_VERSION: u64 = 1;

/// Writes a fitted stage of any type to a file.
///
/// # Errors
/// If the file cannot be written.
pub fn save_model(path: &Path, model: &dyn DynModel) -> Result<()> {
    write(path, header("model", document::model(model)?))
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
    document::load_model(document)
}

/// A fitted stage as a document.
///
/// # Errors
/// If its state cannot be serialised.
pub fn model_to_json(model: &dyn DynModel) -> Result<Json> {
    Ok(header("model", document::model(model)?))
}

/// An estimator or pipeline as a document.
///
/// # Errors
/// If a part of it is not registered.
pub fn estimator_to_json(estimator: &dyn DynEstimator) -> Result<Json> {
    Ok(header("estimator", document::estimator(estimator)?))
}

/// Writes an estimator or pipeline of any type to a file.
///
/// # Errors
/// If the file cannot be written.
pub fn save_estimator(path: &Path, estimator: &dyn DynEstimator) -> Result<()> {
    write(path, header("estimator", document::estimator(estimator)?))
}

/// Reads an estimator or pipeline of any type.
///
/// # Errors
/// A file that cannot be read, another format version, a stage whose crate is not linked.
pub fn load_estimator(path: &Path) -> Result<Box<dyn DynEstimator>> {
    let document = json::read_file(path)?;
    check_header(&document, "estimator")
        .and_then(|()| document::load_estimator(&document))
        .map_err(|e| in_file(e, path))
}

/// Joins a typed model with the estimator it was fitted by, to save it.
pub fn with_params<E: Estimator>(estimator: &E, model: E::Model) -> Arc<dyn DynModel> {
    crate::stage::fitted(estimator.clone(), model)
}

fn write(path: &Path, document: Json) -> Result<()> {
    json::write_file(path, &document)
}

/// Writes a model without parameters to a file.
pub(crate) fn write_model(path: &Path, type_name: &str, state: Json) -> Result<()> {
    write(path, header("model", document::of_parts(type_name, json!({}), state)))
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

fn in_file(error: Error, path: &Path) -> Error {
    match error {
        Error::Load { what, reason } => {
            Error::Load { what: format!("{what} from {}", path.display()), reason }
        }
        other => other,
    }
}
