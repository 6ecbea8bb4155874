//! The plan as a value.

use std::collections::BTreeSet;

use luthier_core::frame::DataFrame;
use serde::{Deserialize, Serialize};

use super::forecast::Forecast;
use super::tree::{Level, Tree};
use crate::failure::Failure;
use crate::memory_budget::MemoryBudget;
use crate::search::Sharing;
use crate::splitter::Split;
use crate::unit_key::Fingerprint;

/// What a search will do: what is fitted, what is shared, what is read, and what it is expected to take.
///
/// It is displayed as a text for people ([`Search::explain`](crate::Search::explain)), and can be written and read by serde.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The number of candidates that are known before the search starts.
    pub candidates: usize,
    /// The number of candidates of each pipeline, by name, if several compete.
    pub pipelines: Vec<(String, usize)>,
    /// The candidates that cannot be fitted on any rows: their number, the first of them, and why it cannot.
    pub not_fitted: Option<(usize, usize, Failure)>,
    /// The names of the metrics; the first one ranks.
    pub metrics: Vec<String>,
    /// The number of rows.
    pub rows: usize,
    /// The number of partitions.
    pub partitions: usize,
    /// The rounds that count for the candidates.
    pub rounds: Vec<PlannedRound>,
    /// The number of further rounds that score the procedure; `None` if it is not scored.
    pub nested_rounds: Option<usize>,
    /// What scoring the procedure would take in addition, where it is not scored because that is not nearly free.
    pub nested_price: Option<NestedPrice>,
    /// A strategy that depends on scores: its name, and the largest number of pairs of a candidate and a round that it asks for.
    pub strategy: Option<(String, u64)>,
    /// The name of the executor.
    pub executor: String,
    /// The parallelism as it is asked for.
    pub parallelism: String,
    /// The largest number of units in flight.
    pub units_in_flight: usize,
    /// How the executor deviates from the parallelism.
    pub executor_note: Option<String>,
    /// Whether common work is done once.
    pub is_sharing: bool,
    /// The summaries of the frame itself.
    pub summaries: Vec<PlannedSummary>,
    /// The stages, level by level.
    pub levels: Vec<PlannedLevel>,
    /// The distinct configurations of stages.
    pub nodes: Vec<PlannedNode>,
    /// Whether the memory budget is a quarter of what is free, and not a number.
    pub is_budget_auto: bool,
    /// What the search is expected to take.
    pub forecast: Forecast,
}

/// What nested cross-validation would take in addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NestedPrice {
    /// The number of fits.
    pub fits: u64,
    /// The number of rows read, at least.
    pub rows_read: u64,
}

/// A round and its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedRound {
    /// The number of training rows.
    pub training_rows: usize,
    /// The number of validation rows.
    pub validation_rows: usize,
}

/// A summary that is computed before units run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedSummary {
    /// Its name, such as `moments`.
    pub name: String,
    /// The columns that are summarised.
    pub columns: Vec<String>,
    /// Who asks for it.
    pub stages: Vec<String>,
}

/// The stages that are the same number of stages behind the frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedLevel {
    /// The names of the stages: more than one where candidates have different stages here.
    pub name: String,
    /// The number of groups that are fitted on each round; 0 for a transformer.
    pub groups: usize,
    /// The size of the largest group.
    pub largest_group: usize,
    /// The number of distinct configurations.
    pub distinct: usize,
    /// The number of configurations of all candidates.
    pub configurations: usize,
    /// Whether a stage goes over the rows several times.
    pub is_iterative: bool,
    /// Whether it is not known what the stages read.
    pub is_opaque: bool,
    /// Whether short cuts lead through the stages.
    pub is_affine: bool,
    /// Whether rows look the same behind it for all rounds.
    pub is_common: bool,
    /// The number of passes over the rows for later stages, on each round, or for all if the level is common.
    pub passes_behind: usize,
}

/// A configured stage behind other configured stages. Candidates share it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedNode {
    /// The names of the stages up to this one, such as `scaler/lr`.
    pub place: String,
    /// The registered name of the stage.
    pub stage: String,
    /// A hash of the configurations up to this one: the same in every run.
    pub hash: Fingerprint,
    /// The position of the node before it.
    pub parent: Option<usize>,
    /// The number of candidates that share it.
    pub candidates: usize,
}

/// What a plan is made of.
pub(crate) struct Facts<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) candidates: usize,
    pub(crate) pipelines: Vec<(String, usize)>,
    pub(crate) split: &'a Split,
    /// The number of rounds of the splitter; those after them are of nested cross-validation.
    pub(crate) plain: usize,
    pub(crate) is_nested: bool,
    pub(crate) strategy: Option<(String, u64)>,
    pub(crate) frame: &'a DataFrame,
    pub(crate) metrics: Vec<String>,
    pub(crate) sharing: Sharing,
    pub(crate) executor: String,
    pub(crate) units_in_flight: usize,
    pub(crate) parallelism: String,
    pub(crate) memory_budget: MemoryBudget,
    pub(crate) forecast: Forecast,
    pub(crate) executor_note: Option<String>,
}

impl From<Facts<'_>> for Plan {
    fn from(facts: Facts<'_>) -> Self {
        let Facts { tree, split, plain, .. } = facts;
        let valid: Vec<usize> = tree.valid().collect();
        let round = |round| PlannedRound {
            training_rows: split.num_training_rows(round),
            validation_rows: split.num_validation_rows(round),
        };
        let is_sharing = facts.sharing == Sharing::On;
        let first = tree.invalid.first_key_value();
        let node = |node: &super::tree::Node| PlannedNode {
            place: node.place.clone(),
            stage: node.stage.type_name().to_owned(),
            hash: node.hash,
            parent: node.parent,
            candidates: node.candidates.len(),
        };
        Self {
            candidates: facts.candidates,
            pipelines: facts.pipelines,
            not_fitted: first.map(|(first, error)| (tree.invalid.len(), *first, error.clone())),
            metrics: facts.metrics,
            rows: facts.frame.num_rows(),
            partitions: facts.frame.num_partitions(),
            rounds: (0..plain).map(round).collect(),
            nested_rounds: facts.is_nested.then(|| split.rounds().len() - plain),
            nested_price: None,
            strategy: facts.strategy,
            executor: facts.executor,
            parallelism: facts.parallelism,
            units_in_flight: facts.units_in_flight,
            executor_note: facts.executor_note,
            is_sharing,
            summaries: if is_sharing { summaries(tree) } else { Vec::new() },
            levels: tree
                .levels(&valid)
                .iter()
                .filter(|_| is_sharing)
                .map(|level| planned(tree, level))
                .collect(),
            nodes: tree.nodes.iter().map(node).collect(),
            is_budget_auto: matches!(facts.memory_budget, MemoryBudget::Auto),
            forecast: facts.forecast,
        }
    }
}

fn summaries(tree: &Tree) -> Vec<PlannedSummary> {
    let needs = luthier_core::fuse_needs(tree.base_needs().iter().map(|base| base.need.clone()));
    let planned = |need: &luthier_core::Need| {
        let stages =
            tree.base_needs().iter().filter(|base| need.union(&base.need).is_some_and(|u| u.same(need)));
        let mut stages: Vec<&str> = stages.map(|base| base.stage.as_str()).collect();
        stages.dedup();
        stages.sort_unstable();
        stages.dedup();
        PlannedSummary {
            name: need.name().to_owned(),
            columns: need.columns(),
            stages: stages.into_iter().map(str::to_owned).collect(),
        }
    };
    needs.iter().map(planned).collect()
}

fn planned(tree: &Tree, level: &Level) -> PlannedLevel {
    let fitted = || level.groups.iter().flatten().filter_map(|&node| tree.nodes.get(node));
    let members: BTreeSet<usize> = level.nodes.iter().copied().collect();
    let nodes = || members.iter().filter_map(|&node| tree.nodes.get(node));
    PlannedLevel {
        name: level.name.clone(),
        groups: level.groups.len(),
        largest_group: level.groups.iter().map(Vec::len).max().unwrap_or(0),
        distinct: fitted().count(),
        configurations: fitted().map(|node| node.candidates.len()).sum(),
        is_iterative: fitted().any(|node| node.planned.plan.is_iterative()),
        is_opaque: fitted().all(|node| node.planned.plan.needs().is_empty()),
        is_affine: nodes().all(|node| node.planned.plan.affine_columns().is_some()),
        is_common: members.iter().all(|&node| tree.is_common(node)),
        passes_behind: nodes().filter(|node| !node.needs.is_empty()).count(),
    }
}
