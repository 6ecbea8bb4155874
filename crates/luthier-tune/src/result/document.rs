//! Results as documents.

use std::path::Path;

use luthier_core::json;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SearchResult;
use crate::{Error, Result};

/// The format of the documents of this version.
const FORMAT: &str = "luthier.search_result";

/// The version of the documents that are written; older ones are read.
const VERSION: u32 = 1;

/// The key of the best candidate: null if there is none.
const BEST: &str = "best";

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    version: u32,
}

impl SearchResult {
    /// The results as a JSON document with its format and version, without the events. Floats that are not finite are
    /// strings: see [`json`].
    ///
    /// # Errors
    /// If a value cannot be written, such as an integer that JSON does not hold.
    pub fn to_json(&self) -> Result<Value> {
        let head = json::to_value(&Head { format: FORMAT.to_owned(), version: VERSION })?;
        let mut document = json::to_value(self)?;
        if self.best_candidate().is_none() {
            document[BEST] = Value::Null;
        }
        if let (Value::Object(document), Value::Object(head)) = (&mut document, head) {
            let body = std::mem::take(document);
            document.extend(head.into_iter().chain(body));
        }
        Ok(document)
    }

    /// Reads what [`to_json`](Self::to_json) has written; the events are empty.
    ///
    /// # Errors
    /// A document of another format or of a later version, or one that is damaged; the message tells the place.
    pub fn from_json(document: &Value) -> Result<Self> {
        let head = json::from_value::<Head>(document).map_err(|error| {
            Error::invalid(format!(
                "this is not the document of a search ({error}): expected `results.json` of `luthier tune`"
            ))
        })?;
        if head.format != FORMAT {
            return Err(Error::invalid(format!(
                "the document has the format {:?}, expected {FORMAT:?}",
                head.format
            )));
        }
        if head.version > VERSION {
            return Err(Error::invalid(format!(
                "the results have version {}, but this version of Luthier reads versions up to {VERSION}: use a newer one",
                head.version
            )));
        }
        match document[BEST] {
            Value::Null => {
                let mut document = document.clone();
                document[BEST] = 0.into();
                Ok(json::from_value(&document)?)
            }
            _ => Ok(json::from_value(document)?),
        }
    }

    /// Reads the results from a file, such as the `results.json` that `luthier tune --out` writes.
    ///
    /// # Errors
    /// A file that cannot be read, and those of [`from_json`](Self::from_json).
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_json(&json::read_file(path.as_ref())?)
    }
}
