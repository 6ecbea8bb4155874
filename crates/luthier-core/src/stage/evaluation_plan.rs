//! Declarations of evaluators.

use crate::summary::{Need, Summary};

/// The summaries that an evaluator will request, declared from its parameters and the schema of the predictions. It is the
/// counterpart of [`StagePlan`](crate::StagePlan).
///
/// A summary that is not declared is still correct, but needs a separate pass over the rows.
#[derive(Debug, Clone, Default)]
pub struct EvaluationPlan {
    derived: Vec<Need>,
    scanned: Vec<Need>,
}

impl EvaluationPlan {
    /// Declares nothing: the evaluator reads the rows itself.
    pub fn opaque() -> Self {
        Self::default()
    }

    /// `evaluate` requests this summary with [`Dataset::recall`](crate::Dataset::recall) and reads no rows if it is
    /// available. It is computed before affine stages, once for all models behind them.
    #[must_use]
    pub fn derive<S: Summary>(mut self, spec: S::Spec) -> Self {
        self.derived.push(Need::summary::<S>(spec));
        self
    }

    /// `evaluate` requests this summary with [`Dataset::summarize`](crate::Dataset::summarize) or
    /// [`Dataset::summarize_many`](crate::Dataset::summarize_many). Rows are read for it, in one pass for all evaluators that
    /// declare their scans.
    #[must_use]
    pub fn scan<S: Summary>(mut self, spec: S::Spec) -> Self {
        self.scanned.push(Need::summary::<S>(spec));
        self
    }

    /// The summaries with which it needs no rows.
    pub fn derived(&self) -> &[Need] {
        &self.derived
    }

    /// The summaries for which rows are read.
    pub fn scanned(&self) -> &[Need] {
        &self.scanned
    }

    /// Whether it declares nothing.
    pub fn is_opaque(&self) -> bool {
        self.derived.is_empty() && self.scanned.is_empty()
    }
}
