//! Pulls requests for summaries back through stages.

use std::borrow::Borrow;
use std::collections::HashSet;

use luthier_frame::Field;

use crate::affine::AffineColumns;
use crate::summary::Need;

/// What is known about one stage of a pipeline without fitting it.
#[derive(Debug, Clone)]
pub struct LineageStep {
    outputs: HashSet<String>,
    affine: Option<AffineColumns>,
    drops_rows: bool,
}

impl LineageStep {
    /// The step of a stage that appends these columns.
    pub fn new(outputs: &[Field], affine: Option<AffineColumns>) -> Self {
        let outputs = outputs.iter().map(|field| field.name().to_owned()).collect();
        Self { outputs, affine, drops_rows: false }
    }

    /// The same step, where `drops_rows` says whether it drops rows: no request can be pulled back through a step that does.
    pub fn dropping_rows(self, drops_rows: bool) -> Self {
        Self { drops_rows, ..self }
    }

    /// The columns of its affine map, if it is one.
    pub fn affine_columns(&self) -> Option<&AffineColumns> {
        self.affine.as_ref()
    }

    /// Whether a request does not concern the columns that the stage appends.
    pub(crate) fn bypassed_by(&self, columns: &[String]) -> bool {
        !columns.iter().any(|column| self.outputs.contains(column))
    }

    /// The request before this stage, if it can be answered there.
    pub fn pull_back(&self, need: &Need) -> Option<Need> {
        if self.drops_rows {
            return None;
        }
        if self.bypassed_by(&need.columns()) {
            return Some(need.clone());
        }
        // A stage may append other columns than its affine output; these exist only behind it.
        need.pull_back(self.affine.as_ref()?).filter(|earlier| self.bypassed_by(&earlier.columns()))
    }

    /// Pulls a request behind all of `steps` as far back as possible; returns the number of steps before it, and the request
    /// there.
    pub fn pull_back_all<S: Borrow<Self>>(steps: &[S], need: &Need) -> (usize, Need) {
        let (mut need, mut columns) = (need.clone(), need.columns());
        for (depth, step) in steps.iter().map(Borrow::borrow).enumerate().rev() {
            if !step.drops_rows && step.bypassed_by(&columns) {
                continue;
            }
            match step.pull_back(&need) {
                Some(earlier) => (columns, need) = (earlier.columns(), earlier),
                None => return (depth + 1, need),
            }
        }
        (0, need)
    }
}
