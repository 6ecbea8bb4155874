//! What an evaluator says about its work before it does it.

use crate::summary::{Need, Summary};

/// An evaluator's declaration, from its parameters and the schema of the predictions alone: the twin of
/// [`StagePlan`](crate::StagePlan).
///
/// What is not declared is still right, but costs a pass over the rows of its own.
#[derive(Debug, Clone, Default)]
pub struct EvaluationPlan {
    derived: Vec<Need>,
    scanned: Vec<Need>,
}

impl EvaluationPlan {
    /// Nothing is known: the evaluator reads the rows by itself.
    pub fn opaque() -> Self {
        Self::default()
    }

    /// `evaluate` asks for this summary by [`Dataset::recall`](crate::Dataset::recall) and reads no rows where it is
    /// there. It is computed in front of stages that are affine, once for all models behind them.
    #[must_use]
    pub fn derive<S: Summary>(mut self, spec: S::Spec) -> Self {
        self.derived.push(Need::summary::<S>(spec));
        self
    }

    /// `evaluate` asks for this summary by [`Dataset::summarize`](crate::Dataset::summarize) or
    /// [`Dataset::summarize_many`](crate::Dataset::summarize_many). Rows are read for it, once for all evaluators that
    /// declare what they scan.
    #[must_use]
    pub fn scan<S: Summary>(mut self, spec: S::Spec) -> Self {
        self.scanned.push(Need::summary::<S>(spec));
        self
    }

    /// The summaries that spare it the rows.
    pub fn derived(&self) -> &[Need] {
        &self.derived
    }

    /// The summaries that rows are read for.
    pub fn scanned(&self) -> &[Need] {
        &self.scanned
    }

    /// Whether it declares nothing.
    pub fn is_opaque(&self) -> bool {
        self.derived.is_empty() && self.scanned.is_empty()
    }
}
