//! Saving and loading estimators, pipelines and models as JSON.
//!
//! A document is `{"format": "luthier", "version": 1, "kind": "model" | "estimator", "type": NAME, …}`. A model has
//! `params` (what it was fitted with) and `state` (what was learned); the state of a pipeline is
//! `{"stages": [{"name", "type", "params", "state"}]}`. Of an estimator that is made of stages, `params` has them as
//! `stages`. Floats come back with the same bits; those that are not
//! finite are the strings `"NaN"`, `"Inf"` and `"-Inf"`.
//!
//! A file also has a `checksum` of its contents, `"crc32c:"` and eight hexadecimal digits, which is checked when it is loaded. It
//! does not depend on spaces, on the order of keys, or on whether a float is written as `1.0` or `1`. Who edits a
//! file deletes the entry: a file without a checksum is loaded as it is.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::document::{self, wrong};
use crate::stage::{DynEstimator, DynModel, Estimator};
use crate::{Error, Result, checksum, json};

/// The version of the documents this release writes.
pub const FORMAT_VERSION: u64 = 1;

/// The keys of the entries that tell what a document is.
const HEADER: [&str; 3] = ["format", "version", "kind"];

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
/// A file that cannot be read, that was changed after it was written, or that has another format version; a stage whose crate is
/// not linked.
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

/// A fitted stage as a document, without a checksum: see [`with_checksum`].
///
/// # Errors
/// If its state cannot be serialised.
pub fn model_to_json(model: &dyn DynModel) -> Result<Json> {
    Ok(header("model", document::model(model)?))
}

/// An estimator or pipeline as a document, without a checksum: see [`with_checksum`].
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
/// A file that cannot be read, that was changed after it was written, or that has another format version; a stage whose crate is
/// not linked.
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

/// A document with the checksum of all its entries, to be written to a file. A program that adds entries of its own to a document
/// calls this last.
#[must_use]
pub fn with_checksum(document: Json) -> Json {
    checksum::added(document, HEADER.len())
}

fn write(path: &Path, document: Json) -> Result<()> {
    json::write_file(path, &with_checksum(document))
}

/// Writes a model without parameters to a file.
pub(crate) fn write_model(path: &Path, type_name: &str, state: Json) -> Result<()> {
    write(path, header("model", document::of_parts(type_name, json!({}), state)))
}

fn header(kind: &str, document: Map<String, Json>) -> Json {
    let values = [json!("luthier"), json!(FORMAT_VERSION), json!(kind)];
    let mut whole: Map<String, Json> = HEADER.into_iter().map(str::to_owned).zip(values).collect();
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
        return checksum::check(document, kind);
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
