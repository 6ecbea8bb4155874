//! A report: what a search did, what it found, and how sure that is.

mod data;
mod model;
mod number;
mod pipeline;
mod predictions;
mod search;
mod work;

use std::collections::BTreeMap;

use luthier_tune::core::frame::{DataFrame, Schema};
use luthier_tune::core::{DynEstimator, PipelineModel, Result};
use luthier_tune::{Plan, SearchResult};
use serde::Serialize;
use serde_json::Value as Json;

use self::data::Data;
use self::model::Model;
use self::number::Number;
pub(crate) use self::number::six_digits;
use self::pipeline::Pipeline;
pub use self::predictions::PredictionColumns;
use self::predictions::Predictions;
use self::search::{Candidates, Cells, Note, Search};
use self::work::Events;
pub(crate) use self::work::microseconds;
use crate::page;

const FORMAT: &str = "luthier.report";
const VERSION: u32 = 1;

/// A report on a search: one HTML file that needs no other, and no network.
///
/// A result alone makes a report with the answer, the leaderboard, plots of the scores and the event timeline. What else is
/// given is shown as well: the [plan](Self::plan), the [pipelines](Self::pipelines), the [data](Self::data), the [model](Self::model), the
/// [predictions](Self::predictions) for held-out rows and what is needed to [repeat](Self::repeat) it.
///
/// ```no_run
/// # fn f(tuned: &luthier_tune::Tuned) -> Result<(), Box<dyn std::error::Error>> {
/// use luthier_report::Report;
///
/// std::fs::write("report.html", Report::new(&tuned.result).title("diabetes").to_html()?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    format: &'static str,
    version: u32,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    search: Search,
    notes: Vec<Note>,
    candidates: Candidates,
    cells: Cells,
    events: Events,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<PlanText>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pipelines: Vec<Pipeline>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Model>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predictions: Option<Predictions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat: Option<Repeat>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct PlanText {
    text: String,
}

/// What is needed to run a search again.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Repeat {
    /// The text of the configuration.
    pub configuration: Option<String>,
    /// The command line.
    pub command: Vec<String>,
    /// The seed of the search.
    pub seed: u64,
    /// The version of the program.
    pub version: String,
    /// The machine that it ran on.
    pub machine: Machine,
    /// The files that were read.
    pub data: Vec<DataFile>,
}

/// A machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Machine {
    /// The number of processor cores.
    pub cores: usize,
    /// Its memory in bytes; `None` if the system does not report it.
    pub memory_bytes: Option<u64>,
    /// The operating system.
    pub os: String,
}

/// A file with data.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DataFile {
    /// Its path, as it was given.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// A hash of its contents; `None` if it was not computed.
    pub fingerprint: Option<String>,
}

impl Report {
    /// A report on a result.
    #[must_use]
    pub fn new(result: &SearchResult) -> Self {
        Self {
            format: FORMAT,
            version: VERSION,
            title: "Search".to_owned(),
            created: None,
            search: Search::of(result),
            notes: result.notes.iter().map(Note::of).collect(),
            candidates: Candidates::of(result),
            cells: Cells::of(result),
            events: Events::of(&result.events, result.candidates.len()),
            plan: None,
            pipelines: Vec::new(),
            data: None,
            model: None,
            predictions: None,
            repeat: None,
        }
    }

    /// With a title, such as the name of the configuration. The default is "Search".
    #[must_use]
    pub fn title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// With the time at which it was made, in the form of ISO 8601.
    #[must_use]
    pub fn created(self, time: impl Into<String>) -> Self {
        Self { created: Some(time.into()), ..self }
    }

    /// With the plan of the search.
    #[must_use]
    pub fn plan(mut self, plan: &Plan) -> Self {
        self.search.executor = Some(plan.executor.trim_matches('`').to_owned());
        self.search.parallelism = Some(plan.parallelism.clone());
        self.search.units_in_flight = Some(plan.units_in_flight);
        self.cells.training_rows = plan.rounds.iter().map(|round| round.training_rows).collect();
        self.cells.validation_rows = plan.rounds.iter().map(|round| round.validation_rows).collect();
        Self { plan: Some(PlanText { text: plan.to_string() }), ..self }
    }

    /// With the number of rows that the search used, of those that are described.
    #[must_use]
    pub fn rows(mut self, rows: usize) -> Self {
        self.search.rows = Some(rows);
        self
    }

    /// With the number of scores that were taken from the journal of an earlier run: the times and the work are those of this one only.
    #[must_use]
    pub fn recalled(mut self, scores: usize) -> Self {
        self.search.recalled = scores;
        self
    }

    /// With notes of the program that ran the search.
    #[must_use]
    pub fn notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes.into_iter().map(Note::of_program));
        self
    }

    /// With the seconds that reading the data took before the search.
    #[must_use]
    pub fn load_seconds(mut self, seconds: f64) -> Self {
        self.search.load_seconds = Some(Number(seconds));
        self
    }

    /// With the competing pipelines by name, and the columns in front of them.
    #[must_use]
    pub fn pipelines(
        mut self,
        pipelines: &[(String, &dyn DynEstimator)],
        schema: &Schema,
        result: &SearchResult,
    ) -> Self {
        let searched = result.param_names();
        self.pipelines =
            pipelines.iter().map(|(name, one)| Pipeline::of(name, *one, schema, &searched)).collect();
        self.search.default = result.candidates.iter().position(|candidate| {
            let own = pipelines.get(candidate.pipeline);
            let is_own = |(path, value): (&str, &_)| {
                own.and_then(|(_, own)| own.get_value(path).ok()).is_some_and(|own| own == *value)
            };
            !candidate.params.is_empty() && candidate.params.iter().all(is_own)
        });
        self
    }

    /// With the columns of the data. `roles` tells what columns are that are no features.
    ///
    /// # Errors
    /// If the data cannot be read.
    pub fn data(
        self,
        frame: &DataFrame,
        label: Option<&str>,
        roles: &BTreeMap<String, String>,
    ) -> Result<Self> {
        Ok(Self { data: Some(Data::of(frame, label, roles)?), ..self })
    }

    /// With the fitted model. `schema` has the columns in front of it.
    #[must_use]
    pub fn model(self, model: &PipelineModel, schema: &Schema) -> Self {
        Self { model: Some(Model::of(model, schema)), ..self }
    }

    /// With predictions for held-out rows: see [`Search::out_of_fold`](luthier_tune::Search::out_of_fold).
    ///
    /// # Errors
    /// If a column cannot be read.
    pub fn predictions(self, frame: &DataFrame, columns: &PredictionColumns) -> Result<Self> {
        Ok(Self { predictions: Predictions::of(frame, columns)?, ..self })
    }

    /// With what is needed to run the search again.
    #[must_use]
    pub fn repeat(self, repeat: Repeat) -> Self {
        Self { repeat: Some(repeat), ..self }
    }

    /// The page.
    ///
    /// # Errors
    /// If something cannot be written as JSON, such as an integer that it does not hold.
    pub fn to_html(&self) -> serde_json::Result<String> {
        page::page(self)
    }

    /// The document in a page that was written by [`to_html`](Self::to_html); `None` if the text is no such page.
    #[must_use]
    pub fn document_of(page: &str) -> Option<Json> {
        let document = page::document_of(page)?;
        (document.get("format")? == FORMAT).then_some(document)
    }

    /// The document of a search beside that of another one.
    #[must_use]
    pub fn beside(document: &Json, other: &Json) -> Json {
        let mut document = document.clone();
        if let Some(object) = document.as_object_mut() {
            object.insert("compare".to_owned(), other.clone());
        }
        document
    }

    /// The page of a document.
    ///
    /// # Errors
    /// If the document cannot be written.
    pub fn page_of(document: &Json) -> serde_json::Result<String> {
        page::page(document)
    }
}
