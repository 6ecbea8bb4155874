//! The summaries that candidates share, and what a search needs beside them.

use std::collections::{BTreeSet, HashMap};

use luthier_core::{Dataset, TrainingSets};

use super::{Request, Session};
use crate::Result;
use crate::search::Sharing;

impl Session {
    /// The frame and the views behind transformers only, which are the same for all rounds, with the requests on
    /// them.
    pub(super) fn common_views(&self) -> Vec<(Option<usize>, Request)> {
        let base = &self.base;
        let needs = self.tree.base_needs().iter().map(|base| base.need.clone()).collect();
        let mut behind: HashMap<usize, Dataset> = HashMap::new();
        let mut views = vec![(None, (base.clone(), needs))];
        for (index, node) in self.tree.nodes.iter().enumerate() {
            let before = match node.parent {
                None => Some(base),
                Some(parent) => behind.get(&parent),
            };
            let Some((before, model)) = before.zip(node.stage.as_model()) else { continue };
            // A stage that does not fit fails its candidates where they use it.
            let Ok(view) = before.through_stage(&node.name, model) else { continue };
            if !node.needs.is_empty() {
                views.push((Some(index), (view.clone(), node.needs.clone())));
            }
            behind.insert(index, view);
        }
        views
    }

    /// The frame with the summaries of all rows, which a search that has found all scores in its journal has not computed.
    pub(super) fn read_whole(&mut self) -> luthier_core::Result<()> {
        if self.whole.is_some() || self.search.sharing == Sharing::Off {
            return Ok(());
        }
        let needs = self.tree.base_needs().iter().map(|base| base.need.clone()).collect();
        let base = self.base.clone().cancelled_by(self.search.refit_token.clone());
        let (merges, budget) = (self.split.merges().clone(), self.forecast.budget);
        let reads = || TrainingSets::read(vec![(base, needs)], &merges, budget);
        let (sets, _) = self.timed_pass(None, &[], &[], reads)?;
        self.whole = sets.whole().into_iter().next();
        Ok(())
    }

    /// Computes the summaries of all blocks, for those who keep them.
    pub(crate) fn summarize_blocks(&mut self) -> Result<()> {
        let views = self.common_views().into_iter().map(|(_, request)| request).collect();
        let (merges, budget) = (self.split.merges().clone(), self.forecast.budget);
        let (_, failed) = TrainingSets::read(views, &merges, budget)?;
        match failed.into_iter().flatten().next() {
            Some((_, error)) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// Which candidates turned out to need rows of which only summaries are known: a short cut would have left too few digits. Without
    /// them, the others cannot be compared.
    pub(crate) fn lost_digits(&self) -> Option<String> {
        let lost = self
            .cells
            .iter()
            .filter(|(_, _, cell)| cell.error.as_ref().is_some_and(super::Failure::needs_absent_rows));
        let lost: BTreeSet<usize> =
            lost.filter_map(|(_, entry, _)| Some(self.entries.get(entry)?.candidate)).collect();
        let first = lost.first()?;
        Some(format!(
            "the summaries leave less than 11 digits for {} of {} candidates, the first of which is candidate {first}, so their rows have to be read \
             (a column whose values are large and differ by little, such as a year, often does that: subtract a constant)",
            lost.len(),
            self.candidates().len()
        ))
    }

    /// What needs rows although all summaries of the frame itself are known, in words; empty if nothing does.
    pub(crate) fn needs_beside_summaries(&self) -> Vec<String> {
        if self.search.sharing == Sharing::Off {
            return vec!["nothing is shared (sharing off), so each fit reads rows".to_owned()];
        }
        let mut parts = BTreeSet::new();
        for node in self.tree.nodes.iter().filter(|node| !node.candidates.is_empty()) {
            let (name, plan) = (&node.name, &node.planned.plan);
            if node.stage.as_model().is_none() && (plan.needs().is_empty() || plan.is_iterative()) {
                parts.insert(format!(
                    "`{name}` ({}) is fitted by passes over the rows",
                    node.stage.type_name()
                ));
            }
            if !node.needs.is_empty() {
                parts.insert(format!(
                    "what follows `{name}` ({}) sees rows behind it, because it is not affine",
                    node.stage.type_name()
                ));
            }
        }
        if let Some(passes) = self.tree.scoring_passes.iter().max().filter(|passes| **passes > 0) {
            let metrics = self.metrics.join(", ");
            parts.insert(format!("{metrics} {} predicted rows", if *passes > 1 { "need" } else { "needs" }));
        }
        parts.into_iter().collect()
    }
}
