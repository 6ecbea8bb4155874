//! Results as documents.

use std::path::Path;

use luthier_core::{Work, json};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{CandidateResult, SearchResult, SecondaryMetric, TestScore};
use crate::notes::SearchNote;
use crate::plan::Forecast;
use crate::search::{ProcedureScore, Selection};
use crate::{Error, Result};

/// The format of the documents of this version.
const FORMAT: &str = "luthier.search_result";

/// The version of the documents that are written; older ones are read.
const VERSION: u32 = 1;

#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

/// The results with the format and the version of the document, where the best candidate may be missing.
#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    metric: &'a str,
    larger_is_better: bool,
    also: &'a [SecondaryMetric],
    best: Option<usize>,
    selection: Selection,
    strategy: &'a str,
    seed: u64,
    pipelines: &'a [String],
    candidates: &'a [CandidateResult],
    notes: &'a [SearchNote],
    ended_early: &'a Option<String>,
    procedure: &'a Option<ProcedureScore>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: &'a Option<TestScore>,
    #[serde(with = "json::float")]
    overlap: f64,
    #[serde(with = "json::float")]
    search_seconds: f64,
    work: &'a Work,
    planned: &'a Forecast,
}

/// The best candidate of a document, which is null if there is none.
pub(super) fn first_if_null<'de, D: Deserializer<'de>>(best: D) -> std::result::Result<usize, D::Error> {
    Ok(Option::<usize>::deserialize(best)?.unwrap_or(0))
}

impl SearchResult {
    /// The results with their format and version, without the events, to be written in any format of serde: by
    /// [`json::to_string_pretty`] it is the text of `results.json`.
    pub fn document(&self) -> impl Serialize + '_ {
        Document {
            format: FORMAT,
            version: VERSION,
            metric: &self.metric,
            larger_is_better: self.larger_is_better,
            also: &self.also,
            best: self.best_candidate().map(|_| self.best),
            selection: self.selection,
            strategy: &self.strategy,
            seed: self.seed,
            pipelines: &self.pipelines,
            candidates: &self.candidates,
            notes: &self.notes,
            ended_early: &self.ended_early,
            procedure: &self.procedure,
            test: &self.test,
            overlap: self.overlap,
            search_seconds: self.search_seconds,
            work: self.recorded_work.as_ref().unwrap_or(&self.work),
            planned: &self.forecast,
        }
    }

    /// The [`document`](Self::document) as JSON. Floats that are not finite are strings: see [`json`].
    ///
    /// # Errors
    /// If a value cannot be written, such as an integer that JSON does not hold.
    pub fn to_json(&self) -> Result<Value> {
        Ok(json::to_value(&self.document())?)
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
        Ok(json::from_value(document)?)
    }

    /// Reads the results from a file, such as the `results.json` that `luthier tune --out` writes.
    ///
    /// # Errors
    /// A file that cannot be read, and those of [`from_json`](Self::from_json).
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_json(&json::read_file(path.as_ref())?)
    }
}
