//! Pulls requests for summaries back through stages.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};

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

/// The number of stages that requests are pulled back, and that rows pass through, before the result is kept.
pub(crate) const STRIDE: usize = 16;

/// A request pulled back: the number of stages before it, and the request there.
type Landing = (usize, Need);

/// Pulls requests back through long sequences of stages and remembers on the way where they end. So a request behind the
/// last of many stages, which is usually like an earlier one, is pulled back through few of them.
#[derive(Debug, Default)]
pub struct Landings {
    known: HashMap<usize, Vec<(Need, Landing)>>,
}

impl Landings {
    /// As [`LineageStep::pull_back_all`]. `place(depth)` is a number for the first `depth` stages, which must be another one for
    /// other stages.
    pub fn pull_back<S: Borrow<LineageStep>>(
        &mut self,
        steps: &[S],
        place: impl Fn(usize) -> usize,
        need: &Need,
    ) -> (usize, Need) {
        let (mut need, mut depth, mut passed) = (need.clone(), steps.len(), Vec::new());
        let landing = loop {
            let before = depth.saturating_sub(1) / STRIDE * STRIDE;
            let (landed, earlier) =
                LineageStep::pull_back_all(steps.get(before..depth).unwrap_or_default(), &need);
            need = earlier;
            if landed > 0 || before == 0 {
                break (before + landed, need);
            }
            if let Some(known) = self.find(place(before), &need) {
                break known;
            }
            passed.push((before, need.clone()));
            depth = before;
        };
        // A request that ends where it was noted does not pass.
        for (depth, need) in passed.into_iter().filter(|(depth, _)| *depth > landing.0) {
            self.known.entry(place(depth)).or_default().push((need, landing.clone()));
        }
        landing
    }

    fn find(&self, place: usize, need: &Need) -> Option<Landing> {
        let known = self.known.get(&place)?.iter().find(|(known, _)| known.same(need))?;
        Some(known.1.clone())
    }

    /// The requests that passed a place.
    pub fn passing(&self, place: usize) -> Vec<Need> {
        self.known.get(&place).into_iter().flatten().map(|(need, _)| need.clone()).collect()
    }
}
