//! Declarations of stages.

use crate::affine::AffineColumns;
use crate::summary::{Need, Summary};

/// What a stage will need and what its model will be, declared from its parameters and the schema.
///
/// The planner relies on this promise: declared summaries are computed for all folds in one pass before any
/// unit starts. A summary that is not declared is still correct, but computed by each unit that requests it.
#[derive(Debug, Clone, Default)]
pub struct StagePlan {
    needs: Vec<Need>,
    affine: Option<AffineColumns>,
    grouped: bool,
    iterates: bool,
    drops_rows: bool,
    held: Vec<String>,
}

impl StagePlan {
    /// Declares nothing: the access pattern is unknown, and each configuration is fitted alone.
    pub fn opaque() -> Self {
        Self::default()
    }

    /// `fit` will request this summary of its rows.
    pub fn need<S: Summary>(mut self, spec: S::Spec) -> Self {
        self.needs.push(Need::summary::<S>(spec));
        self
    }

    /// The fitted stage will be an affine map of these numeric or vector columns, concatenated.
    pub fn affine<I: Into<String>>(
        mut self,
        inputs: impl IntoIterator<Item = I>,
        output: impl Into<String>,
    ) -> Self {
        let inputs = inputs.into_iter().map(Into::into).collect();
        self.affine = Some(AffineColumns { inputs, output: output.into() });
        self
    }

    /// Configurations on the same rows are cheaper together, because `fit_many` shares work between them.
    pub fn grouped(mut self) -> Self {
        self.grouped = true;
        self
    }

    /// `fit` passes over the rows several times.
    pub fn iterates(mut self) -> Self {
        self.iterates = true;
        self
    }

    /// `fit` holds these columns of its rows in memory, all at once; the plan of a search counts them.
    pub fn holds<I: Into<String>>(mut self, columns: impl IntoIterator<Item = I>) -> Self {
        self.held = columns.into_iter().map(Into::into).collect();
        self
    }

    /// The fitted stage may drop rows ([`Transformer::drops_rows`](crate::Transformer::drops_rows)): no request behind it can
    /// be answered before it.
    pub fn drops_rows(mut self, drops_rows: bool) -> Self {
        self.drops_rows = drops_rows;
        self
    }

    /// Whether both declare the same.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let Self { needs, affine, grouped, iterates, drops_rows, held } = self;
        (affine, grouped, iterates, drops_rows, held)
            == (&other.affine, &other.grouped, &other.iterates, &other.drops_rows, &other.held)
            && needs.len() == other.needs.len()
            && needs.iter().zip(&other.needs).all(|(need, other)| need.same(other))
    }

    /// The declared summaries.
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// The columns of the affine map that the fitted stage will be, if it will be one.
    pub fn affine_columns(&self) -> Option<&AffineColumns> {
        self.affine.as_ref()
    }

    /// Whether configurations gain from being fitted together.
    pub fn is_grouped(&self) -> bool {
        self.grouped
    }

    /// Whether the fitted stage may drop rows.
    pub fn may_drop_rows(&self) -> bool {
        self.drops_rows
    }

    /// Whether `fit` passes over the rows several times.
    pub fn is_iterative(&self) -> bool {
        self.iterates
    }

    /// The columns of which `fit` holds all rows in memory.
    pub fn held_columns(&self) -> &[String] {
        &self.held
    }
}
