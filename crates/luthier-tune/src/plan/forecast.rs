//! How much work and memory a search is expected to take.

use std::collections::HashSet;

use luthier_core::frame::{ColumnType, DataFrame, Schema};
use luthier_core::{Capacity, Dataset, Need, Work, fuse_needs, memory};
use serde::{Deserialize, Serialize};

use super::asked::{Asked, AskedPart};
use super::tree::Tree;
use crate::memory_budget::MemoryBudget;
use crate::search::Sharing;
use crate::splitter::Split;

/// The work and memory that a search is expected to take, estimated from its plan alone.
/// [`SearchResult`](crate::SearchResult) contains it together with the work that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Forecast {
    /// Rows read, passes, fits, reused fits and evaluations; the other counters depend on the stages and are 0.
    pub work: Work,
    /// Whether rows and passes are approximate: the access pattern of a stage is unknown, a stage iterates, or memory is
    /// short.
    pub is_approximate: bool,
    /// The largest number of times that the rows are read for the summaries of the frame itself: more than 1 if memory is
    /// short.
    pub times_read: u32,
    /// The number of rows whose summaries are known, so that they are not read for them; all the same they count among the
    /// [`work`](Self::work). What is known depends on earlier searches and is not part of the document of a result.
    #[serde(skip)]
    pub known_rows: u64,
    /// The size in bytes of the summaries that are kept for the folds.
    pub summary_bytes: u64,
    /// The number of bytes that a unit uses while it runs.
    pub unit_bytes: u64,
    /// The number of bytes that the search may use. It depends on the machine and is not part of the document of a result.
    #[serde(skip)]
    pub budget: u64,
}

/// The number of copies of a summary that a unit makes on its way through stages.
const COPIES: u64 = 6;

/// The assumed number of values in a sparse row.
const SPARSE_WIDTH: usize = 32;

/// The summary of the training rows of a fold and that of its other rows.
const LEAST_COPIES: u64 = 2;

pub(crate) struct CostEstimate<'a> {
    pub(crate) tree: &'a Tree,
    /// What is asked, one batch after the other.
    pub(crate) batches: &'a [Asked],
    pub(crate) split: &'a Split,
    pub(crate) frame: &'a DataFrame,
    pub(crate) evaluators: usize,
    pub(crate) sharing: Sharing,
    pub(crate) memory_budget: MemoryBudget,
    pub(crate) base: &'a Dataset,
}

impl CostEstimate<'_> {
    pub(crate) fn forecast(&self) -> Forecast {
        let mut forecast = Forecast { budget: self.memory_budget.bytes(), ..Forecast::default() };
        let scored: usize = self.parts().map(|part| part.candidates.len() * part.rounds.len()).sum();
        forecast.work.evaluations = (scored * self.evaluators) as u64;
        let summaries = COPIES.saturating_mul(self.largest_summary());
        let held = self.held_rows().map_or(0, |(bytes, _)| bytes);
        forecast.unit_bytes = summaries.saturating_add(held);
        match self.sharing {
            Sharing::On => self.shared(&mut forecast),
            Sharing::Off => self.alone(&mut forecast),
        }
        forecast
    }

    /// Rejects a search if one of its summaries does not fit into memory, before anything is read.
    ///
    /// # Errors
    /// The stage that needs the summary, with the sizes. A `memory_budget` above the free memory is accepted as it is.
    pub(crate) fn require_memory(&self) -> luthier_core::Result<()> {
        self.require_held_rows()?;
        let schema = self.frame.schema();
        let in_front = self.tree.base_needs().iter().map(|base| (base.stage.as_str(), &base.need, schema));
        let behind =
            self.tree.nodes.iter().flat_map(|node| {
                node.needs.iter().map(|need| (node.name.as_str(), need, &node.planned.schema))
            });
        let sized = in_front.chain(behind).map(|(stage, need, schema)| {
            let bytes = self.bytes_of(std::slice::from_ref(need), schema);
            (bytes.saturating_mul(LEAST_COPIES), stage, need)
        });
        let Some((bytes, stage, need)) = sized.max_by_key(|(bytes, ..)| *bytes) else { return Ok(()) };
        if matches!(self.memory_budget, MemoryBudget::Bytes(budget) if bytes <= budget) {
            return Ok(());
        }
        memory::require(bytes, || {
            let what = format!("`{}` of {}", need.name(), need.columns().join(", "));
            (what, "use fewer features, or fewer rows".to_owned())
        })
        .map_err(|error| error.in_stage(stage))
    }

    /// Rejects a search if a stage holds more rows in memory than there is room for.
    fn require_held_rows(&self) -> luthier_core::Result<()> {
        let Some((bytes, node)) = self.held_rows() else { return Ok(()) };
        let node = &self.tree.nodes[node];
        let columns = node.planned.plan.held_columns().join(", ");
        let what = || format!("holding {} rows of {columns}", self.rows());
        let advice = "use fewer rows or fewer features".to_owned();
        let checked = match self.memory_budget {
            MemoryBudget::Bytes(budget) if bytes > budget => Err(luthier_core::Error::invalid(format!(
                "{} takes about {}, but memory_budget is {}: raise it, or {advice}",
                what(),
                memory::in_words(bytes),
                memory::in_words(budget)
            ))),
            MemoryBudget::Bytes(_) => Ok(()),
            MemoryBudget::Auto => memory::require(bytes, || (what(), advice)),
        };
        checked.map_err(|error| error.in_stage(&node.name))
    }

    /// The largest number of bytes of rows that a fit holds in memory, that on all rows, and the node that holds them.
    fn held_rows(&self) -> Option<(u64, usize)> {
        let nodes = self.tree.nodes.iter().enumerate().filter(|(_, node)| !node.candidates.is_empty());
        let sized = nodes.filter_map(|(index, node)| {
            let before = match node.parent {
                Some(parent) => &self.tree.nodes.get(parent)?.planned.schema,
                None => self.frame.schema(),
            };
            let held = node.planned.plan.held_columns();
            let numbers: u64 = held.iter().map(|column| numbers_of(before, column)).sum();
            let bytes = size_of::<f64>() as u64 * numbers;
            (bytes > 0).then(|| (bytes.saturating_mul(self.rows()), index))
        });
        sized.max_by_key(|(bytes, _)| *bytes)
    }

    fn parts(&self) -> impl Iterator<Item = &AskedPart> {
        self.batches.iter().flat_map(|asked| &asked.parts)
    }

    /// A candidate that may turn out to be the best.
    fn first(&self) -> Option<usize> {
        self.tree.valid().next()
    }

    fn rows(&self) -> u64 {
        self.frame.num_rows() as u64
    }

    fn training_rows(&self, round: u32) -> u64 {
        self.split.num_training_rows(round as usize) as u64
    }

    fn validation_rows(&self, round: u32) -> u64 {
        self.split.num_validation_rows(round as usize) as u64
    }

    fn shared(&self, forecast: &mut Forecast) {
        let tree = self.tree;
        let in_front = fuse_needs(tree.base_needs().iter().map(|base| base.need.clone()));
        let mut summary = self.bytes_of(&in_front, self.frame.schema());
        let mut views = usize::from(!in_front.is_empty()) as u64;
        for (index, node) in tree.nodes.iter().enumerate() {
            if !node.needs.is_empty() && tree.is_common(index) {
                summary += self.bytes_of(&fuse_needs(node.needs.iter().cloned()), &node.planned.schema);
                views += 1;
            }
        }
        let capacity = Capacity::new(forecast.budget, summary);
        let rounds = self.split.merges();
        let again = u64::from(rounds.passes(capacity));
        let mut pass = |times: u64, rows: u64| {
            forecast.work.passes += times;
            forecast.work.rows_read += rows;
        };
        pass(views * again, views * again * self.rows());
        // The refit finds what was asked of the frame itself.
        let path = self.first().and_then(|first| tree.paths.get(first)).map_or(&[][..], Vec::as_slice);
        let behind =
            path.iter().filter(|&&node| tree.nodes.get(node).is_some_and(|node| !node.needs.is_empty()));
        let behind = behind.count() as u64;
        pass(behind, behind * self.rows());
        let mut fitted = HashSet::new();
        // Scores that evaluators hold of the rows of a round, for all candidates of a unit.
        let mut scored = 0;
        for part in self.parts() {
            scored = scored.max(self.part(part, forecast, &mut fitted));
        }
        forecast.unit_bytes =
            forecast.unit_bytes.saturating_add(scored.saturating_mul(tree.scored_row_bytes));
        forecast.work.fits += self.first().map_or(0, |first| self.fitted_stages(first));
        if !in_front.is_empty() {
            forecast.known_rows = self.rows() - self.base.rows_to_summarize(&in_front) as u64;
        }
        forecast.times_read = rounds.passes(capacity);
        forecast.summary_bytes = summary * rounds.summaries(capacity) as u64;
        forecast.is_approximate = again > 1 || self.has_stages_that_read();
    }

    /// Adds what some candidates take on some rounds, where `fitted` holds the stages that are kept from earlier parts. Returns the largest
    /// number of rows that a unit scores, each as often as there are candidates.
    fn part(&self, part: &AskedPart, forecast: &mut Forecast, fitted: &mut HashSet<(u32, usize)>) -> u64 {
        let (tree, work) = (self.tree, &mut forecast.work);
        let most_rows = part.rounds.iter().map(|&round| self.validation_rows(round)).max().unwrap_or(0);
        let mut most_scored = 0;
        let is_only = self.parts().count() == 1;
        // Rounds with the same training rows share their fits.
        let mut alike = HashSet::new();
        let (first, again): (Vec<u32>, Vec<u32>) =
            part.rounds.iter().partition(|&&round| alike.insert(self.split.first_alike(round)));
        for level in tree.levels(&part.candidates) {
            for group in &level.groups {
                let scored = tree.scored_by(group, &part.candidates);
                most_scored = most_scored.max(scored.len() as u64);
                let passes = scored.iter().filter_map(|&candidate| tree.scoring_passes.get(candidate)).max();
                for &round in &part.rounds {
                    let passes = passes.copied().unwrap_or(0);
                    work.passes += passes;
                    work.rows_read += passes * self.validation_rows(round);
                }
                if is_only {
                    work.fits += (group.len() * first.len()) as u64;
                    continue;
                }
                for (&round, &node) in first.iter().flat_map(|r| group.iter().map(move |n| (r, n))) {
                    let ends = tree.ending_at(node, &part.candidates);
                    let is_new = tree.through(&[node], &part.candidates).len() == ends.len()
                        || fitted.insert((round, node));
                    work.fits += u64::from(is_new || !ends.is_empty());
                }
            }
            let behind = level.nodes.iter().filter(|&&node| !tree.is_common(node));
            for &node in behind.filter(|&&node| !tree.nodes[node].needs.is_empty()) {
                let new = part.rounds.iter().filter(|&&round| fitted.insert((round, usize::MAX - node)));
                for &round in new {
                    work.passes += 1;
                    work.rows_read += self.validation_rows(round);
                    if again.binary_search(&round).is_err() {
                        work.rows_read += self.training_rows(round);
                    }
                }
            }
            let (reused, needed) = tree.fits_of(&level, &part.candidates);
            work.reused_fits += (reused * first.len() + needed * again.len()) as u64;
        }
        most_scored.saturating_mul(most_rows)
    }

    fn alone(&self, forecast: &mut Forecast) {
        for part in self.parts() {
            for &candidate in part.candidates.iter() {
                let (stages, scored) = (self.fitted_stages(candidate), self.evaluators as u64);
                for &round in &part.rounds {
                    forecast.work.fits += stages;
                    forecast.work.passes += stages + scored;
                    forecast.work.rows_read +=
                        stages * self.training_rows(round) + scored * self.validation_rows(round);
                }
            }
        }
        let stages = self.first().map_or(0, |first| self.fitted_stages(first));
        forecast.work.fits += stages;
        forecast.work.passes += stages;
        forecast.work.rows_read += stages * self.rows();
        forecast.is_approximate = self.has_stages_that_read();
    }

    /// The stages of a candidate that are fitted.
    fn fitted_stages(&self, candidate: usize) -> u64 {
        let path = self.tree.paths.get(candidate).map_or(&[][..], Vec::as_slice);
        path.iter().filter(|&&node| self.tree.is_fitted(node)).count() as u64
    }

    fn has_stages_that_read(&self) -> bool {
        let nodes = self.tree.nodes.iter().filter(|node| !node.candidates.is_empty());
        let plans = nodes.filter(|node| node.stage.as_model().is_none()).map(|node| &node.planned.plan);
        let mut reads = plans.map(|plan| plan.needs().is_empty() || plan.is_iterative());
        reads.any(|reads| reads)
    }

    fn largest_summary(&self) -> u64 {
        let in_front = self
            .tree
            .base_needs()
            .iter()
            .map(|base| self.bytes_of(std::slice::from_ref(&base.need), self.frame.schema()));
        let behind = self.tree.nodes.iter().map(|node| self.bytes_of(&node.needs, &node.planned.schema));
        in_front.chain(behind).max().unwrap_or(0)
    }

    /// The size of one summary in bytes for each request; 0 for a request without a summary.
    fn bytes_of(&self, needs: &[Need], schema: &Schema) -> u64 {
        let bytes = needs.iter().filter_map(|need| need.bytes(schema, self.rows()).ok());
        bytes.fold(0, |sum, bytes| sum.saturating_add(bytes as u64))
    }
}

/// About how many numbers a row has in a column.
fn numbers_of(schema: &Schema, column: &str) -> u64 {
    match schema.field(column).map(|field| (field.column_type(), field.is_sparse())) {
        // A position takes half as much as a value.
        Some((ColumnType::Vector { width }, true)) => (width.min(SPARSE_WIDTH) * 3).div_ceil(2) as u64,
        Some((ColumnType::Vector { width }, false)) => width as u64,
        Some(_) => 1,
        None => 0,
    }
}

impl Forecast {
    /// The number of units that fit into memory at the same time, at least one.
    pub fn units_that_fit(&self) -> usize {
        let left = self.budget.saturating_sub(self.summary_bytes);
        usize::try_from(left / self.unit_bytes.max(1)).unwrap_or(usize::MAX).max(1)
    }
}
