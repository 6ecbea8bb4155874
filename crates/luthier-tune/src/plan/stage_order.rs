//! The order in which the stages of candidates are shared.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use luthier_core::frame::Schema;
use luthier_core::params::ColumnRole;
use luthier_core::{DynEstimator, PlannedStage};

use crate::unit_key::Fingerprint;

type Stages<'a> = Vec<(String, &'a dyn DynEstimator)>;

/// Candidates share the stages before the first in which they differ. So a stage that is the same for all of them is moved
/// before one that differs, if neither depends on the other: sharing does not depend on the order in which
/// independent stages were declared.
pub(crate) struct StageOrder {
    /// For each stage the number of its distinct configurations, and its place in the order in which stages are met.
    stages: HashMap<String, (usize, usize)>,
}

impl StageOrder {
    pub(crate) fn new(configured: &[Arc<dyn DynEstimator>]) -> Self {
        let mut distinct: HashMap<String, (HashSet<Fingerprint>, usize)> = HashMap::new();
        if configured.iter().all(|root| root.leaves().len() < 2) {
            // There is nothing to move.
            return Self { stages: HashMap::new() };
        }
        for root in configured {
            for (name, leaf) in root.leaves() {
                let place = distinct.len();
                let (configurations, _) = distinct.entry(name).or_insert_with(|| (HashSet::new(), place));
                let configuration = format_args!("{} {:?}", leaf.type_name(), leaf.configuration());
                configurations.insert(Fingerprint::default().with(&configuration));
            }
        }
        let count = |(name, (configurations, place)): (String, (HashSet<Fingerprint>, usize))| {
            (name, (configurations.len(), place))
        };
        Self { stages: distinct.into_iter().map(count).collect() }
    }

    /// The stages in the order in which they are shared; `None` where that is the order of declaration.
    pub(crate) fn moved<'a>(&self, declared: &Stages<'a>, schema: &Schema) -> Option<Stages<'a>> {
        if declared.len() < 2 {
            return None;
        }
        let key = |place: usize| declared.get(place).and_then(|(name, _)| self.stages.get(name));
        let mut stages = Dependencies::of(declared);
        let mut ready: BinaryHeap<_> = stages.free().map(|place| Reverse((key(place), place))).collect();
        let mut order = Vec::with_capacity(declared.len());
        while let Some(Reverse((_, place))) = ready.pop() {
            order.push(place);
            let free = stages.without(place);
            ready.extend(free.into_iter().map(|free| Reverse((key(free), free))));
        }
        if order.is_sorted() || drops_rows(declared, schema) {
            return None;
        }
        Some(order.into_iter().filter_map(|place| declared.get(place).cloned()).collect())
    }
}

/// Whether a stage may leave rows out, so that none behind it can be moved; also where the stages do not fit.
fn drops_rows(stages: &Stages<'_>, schema: &Schema) -> bool {
    let mut schema = schema.clone();
    stages.iter().any(|(_, stage)| match PlannedStage::new(*stage, &schema) {
        Ok(planned) => {
            schema = planned.schema;
            planned.plan.may_drop_rows()
        }
        Err(_) => true,
    })
}

/// Which stages must stay behind which.
struct Dependencies {
    /// For each stage the stages that wait for it.
    waiting: Vec<Vec<usize>>,
    /// For each stage the number of stages that it waits for.
    missing: Vec<usize>,
}

impl Dependencies {
    /// By the columns that the parameters of the stages declare: a stage stays behind one that appends a column of its own. A
    /// stage that declares no input may read anything, so it keeps its place.
    fn of(declared: &Stages<'_>) -> Self {
        let mut found = Self { waiting: vec![Vec::new(); declared.len()], missing: vec![0; declared.len()] };
        let mut appended: HashMap<String, usize> = HashMap::new();
        let mut fixed: Option<usize> = None;
        for (place, (_, stage)) in declared.iter().enumerate() {
            let of = |appends: bool| {
                let roles = ColumnRole::ALL.into_iter().filter(move |role| role.is_appended() == appends);
                roles.flat_map(|role| stage.columns_of(role))
            };
            let appends: Vec<String> = of(true).collect();
            if stage.columns_of(ColumnRole::Input).is_empty() {
                (fixed.unwrap_or(0)..place).for_each(|earlier| found.add(place, earlier));
                fixed = Some(place);
            } else {
                let made_by = of(false).chain(appends.iter().cloned());
                let made_by = made_by.filter_map(|column| appended.get(&column).copied());
                let earlier: BTreeSet<usize> = made_by.chain(fixed).collect();
                earlier.into_iter().for_each(|earlier| found.add(place, earlier));
            }
            appended.extend(appends.into_iter().map(|column| (column, place)));
        }
        found
    }

    fn add(&mut self, place: usize, earlier: usize) {
        self.waiting[earlier].push(place);
        self.missing[place] += 1;
    }

    /// The stages that wait for none.
    fn free(&self) -> impl Iterator<Item = usize> + '_ {
        self.missing.iter().enumerate().filter(|(_, missing)| **missing == 0).map(|(place, _)| place)
    }

    /// Strikes a stage; returns those that wait for none any more.
    fn without(&mut self, place: usize) -> Vec<usize> {
        let mut free = std::mem::take(&mut self.waiting[place]);
        free.retain(|&waiting| {
            self.missing[waiting] -= 1;
            self.missing[waiting] == 0
        });
        free
    }
}
