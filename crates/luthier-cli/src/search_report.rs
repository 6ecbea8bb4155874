//! The report of a search with what the program knows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use chrono::DateTime;
use luthier::core::{ColumnRole, DynEstimator, PipelineModel, memory};
use luthier::frame::{ContentHash, DataFrame};
use luthier::report::{DataFile, Machine, PredictionColumns, Repeat, Report};
use luthier::tune::{Plan, SearchResult, Tuned};

use crate::build;
use crate::config::{self, Config};
use crate::output::notes_so_far;
use crate::roles::Roles;
use crate::test_score::TestScore;

/// What a report of the program is made of.
pub(crate) struct Parts<'a> {
    pub(crate) config: &'a Config,
    pub(crate) config_file: &'a Path,
    /// The files that were read, with hashes of their contents.
    pub(crate) files: &'a [(PathBuf, Option<ContentHash>)],
    pub(crate) plan: Option<&'a Plan>,
    /// The data as they were read.
    pub(crate) raw: &'a DataFrame,
    /// The frame of the search.
    pub(crate) frame: &'a DataFrame,
    pub(crate) result: &'a SearchResult,
    pub(crate) tuned: Option<&'a Tuned>,
    pub(crate) load_seconds: f64,
    /// The number of scores that were taken from the journal.
    pub(crate) recalled: usize,
    pub(crate) test: Option<&'a TestScore>,
    /// The predictions for held-out rows, with the places of the rows.
    pub(crate) held_out: Option<&'a DataFrame>,
}

impl Parts<'_> {
    pub(crate) fn report(&self) -> Result<Report> {
        let Self { config, result, frame, .. } = *self;
        let title = self.config_file.file_name().map(|name| name.to_string_lossy().into_owned());
        let label = config.data.label.as_ref().map(|key| key.name.as_str());
        let roles = roles(&Roles::new(config, self.raw.schema())?);
        let pipelines = build::pipelines(config)?;
        let named: Vec<(String, &dyn DynEstimator)> = result
            .pipelines
            .iter()
            .cloned()
            .zip(pipelines.iter().map(|one| one as &dyn DynEstimator))
            .collect();
        let tested = SearchResult { test: self.test.map(TestScore::to_result), ..result.clone() };
        let mut report = Report::new(&tested)
            .title(title.unwrap_or_default())
            .created(now())
            .load_seconds(self.load_seconds)
            .rows(frame.num_rows())
            .recalled(self.recalled)
            .notes(said(result))
            .pipelines(&named, frame.schema(), result)
            .repeat(self.repeat());
        if !frame.is_absent() {
            report = report.data(self.raw, label, &roles)?;
        }
        if let Some(plan) = self.plan {
            report = report.plan(plan);
        }
        if let Some(tuned) = self.tuned {
            let model = PipelineModel::from(std::sync::Arc::clone(&tuned.model));
            report = report.model(&model, frame.schema());
            if let (Some(rows), Some(columns)) = (self.held_out, self.prediction_columns(&model)?) {
                report = report.predictions(rows, &columns)?;
            }
        }
        Ok(report)
    }

    /// The columns of held-out predictions: the label is that of the first evaluator.
    fn prediction_columns(&self, model: &PipelineModel) -> Result<Option<PredictionColumns>> {
        let last = model.leaves().into_iter().map(|(_, leaf)| leaf);
        let Some(predicts) = last.rev().find(|leaf| !leaf.columns_of(ColumnRole::Prediction).is_empty())
        else {
            return Ok(None);
        };
        let of = |role| predicts.columns_of(role).into_iter().next();
        let (label, prediction) = (of(ColumnRole::Label), of(ColumnRole::Prediction));
        Ok(label.zip(prediction).map(|(label, prediction)| PredictionColumns {
            label,
            prediction,
            probability: of(ColumnRole::Probability),
            classes: None,
        }))
    }

    fn repeat(&self) -> Repeat {
        let file = |(path, hash): &(PathBuf, Option<ContentHash>)| DataFile {
            path: path.display().to_string(),
            bytes: std::fs::metadata(path).map_or(0, |file| file.len()),
            fingerprint: hash.map(|hash| hash.to_string()),
        };
        Repeat {
            configuration: config::text(self.config_file).ok(),
            command: std::env::args().collect(),
            seed: self.result.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine: Machine {
                cores: std::thread::available_parallelism().map_or(1, usize::from),
                memory_bytes: memory::total(),
                os: std::env::consts::OS.to_owned(),
            },
            data: self.files.iter().map(file).collect(),
        }
    }
}

/// What the program has said so far and the result does not tell.
fn said(result: &SearchResult) -> Vec<String> {
    let told: Vec<String> = result.notes.iter().map(ToString::to_string).collect();
    notes_so_far().into_iter().filter(|note| !told.contains(note)).collect()
}

fn roles(roles: &Roles) -> BTreeMap<String, String> {
    let short = |what: &String| what.strip_prefix("the ").unwrap_or(what).to_owned();
    roles.all().iter().map(|(column, what)| (column.clone(), short(what))).collect()
}

/// The time in UTC, to the second.
fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let time = i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}
