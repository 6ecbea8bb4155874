//! Cells as lines.

use std::collections::BTreeMap;

use luthier_core::{Note, json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::failure::Failure;
use crate::result::{FoldMetric, Outcome};

/// A candidate that has been scored on a round, or has failed there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CellLine {
    pub(crate) kind: CellKind,
    /// What was scored, on what: a hash of the configuration, the round, the data and all else that the scores depend on.
    pub(crate) key: String,
    /// The number of the round, for readers.
    pub(crate) round: u32,
    /// The number of the candidate, for readers.
    pub(crate) candidate: usize,
    /// What the candidate sets, for readers.
    pub(crate) params: Map<String, Json>,
    pub(crate) outcome: Outcome,
    /// The metric for readers; what counts are the bits.
    #[serde(with = "json::float")]
    pub(crate) metric: f64,
    /// The bits of the metric of each evaluator, as 16 hexadecimal digits.
    pub(crate) bits: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) also: Vec<FoldMetric>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) undefined: Option<String>,
    #[serde(with = "json::float")]
    pub(crate) fit_seconds: f64,
    #[serde(with = "json::float")]
    pub(crate) score_seconds: f64,
    /// The limit that it exceeded, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<f64>,
    /// The stages that were fitted for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fits: Vec<FitLine>,
    /// The notes of evaluators on the rows of the round, each with the number of the evaluator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<(usize, Note)>,
}

/// The word by which readers tell lines apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CellKind {
    Cell,
}

/// A stage that was fitted for a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FitLine {
    /// Its place among the stages of the pipeline, or `None` if the candidate was fitted as a whole.
    pub(crate) place: Option<usize>,
    /// The fitted stages by name, and how many models of each.
    pub(crate) stages: BTreeMap<String, usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<Note>,
}

/// The bits of a number.
pub(crate) fn bits(x: f64) -> String {
    format!("{:016x}", x.to_bits())
}

impl CellLine {
    /// A cell of which nothing is known yet.
    pub(crate) fn new(key: String, round: u32, candidate: usize, params: Map<String, Json>) -> Self {
        Self {
            kind: CellKind::Cell,
            key,
            round,
            candidate,
            params,
            outcome: Outcome::default(),
            metric: f64::NAN,
            bits: Vec::new(),
            also: Vec::new(),
            error: None,
            undefined: None,
            fit_seconds: 0.0,
            score_seconds: 0.0,
            limit: None,
            fits: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The metrics by their bits, in the order of the evaluators; `None` if they are no bits.
    pub(crate) fn metrics(&self) -> Option<Vec<f64>> {
        let number = |bits: &String| u64::from_str_radix(bits, 16).ok().map(f64::from_bits);
        self.bits.iter().map(number).collect()
    }
}
