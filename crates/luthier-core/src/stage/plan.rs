//! What a stage says about its work before it does it.

use crate::affine::AffineColumns;
use crate::summary::{Need, Summary};

/// A stage's declaration, from its parameters and the schema alone.
///
/// It is a promise the planner builds on: declared summaries are computed for all folds in one pass before any
/// unit starts; what is not declared is still right, but private to the unit that asks for it.
#[derive(Debug, Clone, Default)]
pub struct StagePlan {
    needs: Vec<Need>,
    affine: Option<AffineColumns>,
    grouped: bool,
    iterates: bool,
    drops_rows: bool,
}

impl StagePlan {
    /// Nothing is known: the stage reads rows as it likes and each configuration is fitted alone.
    pub fn opaque() -> Self {
        Self::default()
    }

    /// `fit` asks for this summary of the rows it is given.
    pub fn need<S: Summary>(mut self, spec: S::Spec) -> Self {
        self.needs.push(Need::summary::<S>(spec));
        self
    }

    /// The fitted stage will be an affine map of these numeric or vector columns, side by side.
    pub fn affine<I: Into<String>>(
        mut self,
        inputs: impl IntoIterator<Item = I>,
        output: impl Into<String>,
    ) -> Self {
        let inputs = inputs.into_iter().map(Into::into).collect();
        self.affine = Some(AffineColumns { inputs, output: output.into() });
        self
    }

    /// Configurations on the same rows are cheaper together: `fit_many` shares work between them.
    pub fn grouped(mut self) -> Self {
        self.grouped = true;
        self
    }

    /// `fit` passes over the rows several times.
    pub fn iterates(mut self) -> Self {
        self.iterates = true;
        self
    }

    /// The fitted stage may leave rows out ([`Transformer::drops_rows`](crate::Transformer::drops_rows)): nothing that
    /// is asked behind it can be answered in front of it.
    pub fn drops_rows(mut self, drops_rows: bool) -> Self {
        self.drops_rows = drops_rows;
        self
    }

    /// The declared summaries.
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// The columns of the affine map the fitted stage will be, if it will be one.
    pub fn affine_columns(&self) -> Option<&AffineColumns> {
        self.affine.as_ref()
    }

    /// Whether configurations gain from being fitted together.
    pub fn is_grouped(&self) -> bool {
        self.grouped
    }

    /// Whether the fitted stage may leave rows out.
    pub fn may_drop_rows(&self) -> bool {
        self.drops_rows
    }

    /// Whether `fit` passes over the rows several times.
    pub fn is_iterative(&self) -> bool {
        self.iterates
    }
}
