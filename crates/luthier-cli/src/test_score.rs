//! The score of a fitted pipeline on the test rows, which its search did not see.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use luthier::core::{DynModel, Value};
use luthier::tune::SearchNote;
use luthier::tune::metric_names;
use serde_json::{Map, json};

use crate::build;
use crate::config::Config;
use crate::data::DataSource;
use crate::failure;
use crate::model_file::{ModelFile, Taken, left_out};
use crate::output::note;
use crate::prepare::Inputs;
use crate::scores::{Score, left, score};

/// What every evaluator says of the test rows.
#[derive(Debug)]
pub(crate) struct TestScore {
    /// The number of rows that are scored.
    rows: usize,
    /// The number of test rows; stages may leave some out.
    read: usize,
    /// Each metric, or why there is none.
    metrics: Vec<(String, Result<f64, String>)>,
    /// What evaluators say of their metrics.
    notes: Vec<String>,
}

impl TestScore {
    /// Scores a model; notes tell what is unlike the rows on which it was fitted.
    ///
    /// # Errors
    /// Rows that the model cannot take; a configuration whose evaluators cannot be made.
    pub(crate) fn of(
        model: &Arc<dyn DynModel>,
        test: &DataSource,
        inputs: &Inputs,
        config: &Config,
    ) -> Result<Self> {
        let (first, others) = build::evaluators(config, &build::pipelines(config)?)?;
        let evaluators: Vec<_> = std::iter::once(first).chain(others).collect();
        let model = ModelFile {
            pipeline: Arc::clone(model).into(),
            name: None,
            inputs: Some(inputs.clone()),
            reading: config.data.source.saved_reading(),
            evaluators: Vec::new(),
        };
        let shown = model.show(test, Taken::LeftOut)?;
        let mut metrics: Vec<(String, Result<f64, String>)> = Vec::new();
        let mut told = Vec::new();
        for (name, Score { value, notes, .. }) in
            metric_names(&evaluators).into_iter().zip(score(&evaluators, &shown.rows))
        {
            told.extend(notes.into_iter().map(|about| about.message));
            let value = value.map_err(|e| failure::message(&shown.in_file(e, &model, test)).to_string());
            metrics.push((name, value));
        }
        let rows = left(&shown.rows).map_err(|e| shown.in_file(e, &model, test))?;
        shown.note_remarks(test);
        told.dedup();
        Ok(Self { rows, read: shown.read, metrics, notes: told })
    }

    /// The scores as part of the result of a search.
    pub(crate) fn to_result(&self) -> luthier::tune::TestScore {
        let (metrics, errors) = Default::default();
        let mut score = luthier::tune::TestScore { rows: self.rows, metrics, errors };
        for (name, metric) in &self.metrics {
            match metric {
                Ok(metric) => drop(score.metrics.insert(name.clone(), *metric)),
                Err(error) => drop(score.errors.insert(name.clone(), error.clone())),
            }
        }
        score
    }

    /// Prints the notes that are news beside those on the search.
    pub(crate) fn tell_notes(&self, search: &[SearchNote]) {
        let is_news = |told: &&String| search.iter().all(|about| about.note.message != **told);
        self.notes.iter().filter(is_news).for_each(|told| note(&format!("on the test rows: {told}")));
    }

    /// `on the test rows: rmse = 54.1`, and how many rows they are; `what` did not see them.
    pub(crate) fn shown(&self, what: &str) -> String {
        let one = |(metric, value): &(String, Result<f64, String>)| match value {
            // -0 is shown as 0.
            Ok(value) => format!("{metric} = {}", value + 0.0),
            Err(_) => format!("{metric} is missing"),
        };
        let metrics: Vec<String> = self.metrics.iter().map(one).collect();
        let mut text = format!(
            "on the test rows: {}\n  ({} rows that the {what} did not see){}\n",
            metrics.join(", "),
            self.rows,
            left_out(self.rows, self.read)
        );
        // Without any metric, the error that follows says why.
        if self.error().is_none() {
            self.errors().for_each(|(metric, reason)| text.push_str(&format!("  {metric}: {reason}\n")));
        }
        text
    }

    fn errors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metrics
            .iter()
            .filter_map(|(metric, value)| Some((metric.as_str(), value.as_ref().err()?.as_str())))
    }

    /// The error if there is no metric at all.
    pub(crate) fn error(&self) -> Option<anyhow::Error> {
        let (_, reason) = self.errors().next()?;
        let none = self.metrics.iter().all(|(_, value)| value.is_err());
        none.then(|| anyhow!("the test rows cannot be scored: {reason}"))
    }

    /// `{"rows": 89, "metrics": {"rmse": 54.1}}`
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let metrics = self.metrics.iter().filter_map(|(metric, value)| {
            Some((metric.clone(), Value::Float(*value.as_ref().ok()?).to_json()))
        });
        let mut document = json!({"rows": self.rows, "metrics": metrics.collect::<Map<_, _>>()});
        let errors: Map<_, _> =
            self.errors().map(|(metric, reason)| (metric.to_owned(), reason.into())).collect();
        if !errors.is_empty() {
            document["errors"] = errors.into();
        }
        document
    }
}
