//! How a request for a summary goes back through stages.

use std::borrow::Borrow;
use std::collections::HashSet;

use luthier_frame::Field;

use crate::affine::AffineColumns;
use crate::summary::Need;

/// What is known of one stage in a chain without fitting it.
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

    /// The same step, leaving rows out or not: no request goes back through one that does.
    pub fn dropping_rows(self, drops_rows: bool) -> Self {
        Self { drops_rows, ..self }
    }

    /// The columns of its affine map, if it is one.
    pub fn affine_columns(&self) -> Option<&AffineColumns> {
        self.affine.as_ref()
    }

    /// Whether a request does not touch what the stage appends.
    pub(crate) fn bypassed_by(&self, columns: &[String]) -> bool {
        !columns.iter().any(|column| self.outputs.contains(column))
    }

    /// The request before this stage, if its answer can be had from there.
    pub fn pull_back(&self, need: &Need) -> Option<Need> {
        if self.drops_rows {
            return None;
        }
        if self.bypassed_by(&need.columns()) {
            return Some(need.clone());
        }
        // A stage may append more than its affine output; what else it appends exists only behind it.
        need.pull_back(self.affine.as_ref()?).filter(|earlier| self.bypassed_by(&earlier.columns()))
    }

    /// Takes a request behind all of `steps` as far back as it goes: the number of steps that stay in front of
    /// it, and the request there.
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
