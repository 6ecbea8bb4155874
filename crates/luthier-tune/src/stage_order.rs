//! The order in which the stages of candidates are shared.

use std::collections::{HashMap, HashSet};

use luthier_core::frame::Schema;
use luthier_core::params::ColumnRole;
use luthier_core::{DynEstimator, PlannedStage};

type Stages<'a> = Vec<(String, &'a dyn DynEstimator)>;

/// Candidates share the stages before the first in which they differ. So a stage that is the same for all of them is moved
/// before one that differs, if neither depends on the other: sharing does not depend on the order in which
/// independent stages were declared.
pub(crate) struct StageOrder {
    /// For each stage the number of its distinct configurations, and its place in the order in which stages are met.
    stages: HashMap<String, (usize, usize)>,
}

impl StageOrder {
    pub(crate) fn new(configured: &[Box<dyn DynEstimator>]) -> Self {
        let mut distinct: HashMap<String, (HashSet<String>, usize)> = HashMap::new();
        for root in configured {
            for (name, leaf) in root.leaves() {
                let place = distinct.len();
                let (configurations, _) = distinct.entry(name).or_insert_with(|| (HashSet::new(), place));
                configurations.insert(format!("{} {:?}", leaf.type_name(), leaf.configuration()));
            }
        }
        let count = |(name, (configurations, place)): (String, (HashSet<String>, usize))| {
            (name, (configurations.len(), place))
        };
        Self { stages: distinct.into_iter().map(count).collect() }
    }

    /// The stages in the order in which they are shared; `None` where that is the order of declaration.
    pub(crate) fn moved<'a>(&self, declared: &Stages<'a>, schema: &Schema) -> Option<Stages<'a>> {
        let columns: Vec<Columns> = declared.iter().map(|(_, stage)| Columns::of(*stage)).collect();
        let key = |place: usize| declared.get(place).and_then(|(name, _)| self.stages.get(name));
        let mut left: Vec<usize> = (0..declared.len()).collect();
        let mut order = Vec::with_capacity(declared.len());
        while !left.is_empty() {
            let ready = |&place: &usize| {
                let mut earlier = left.iter().take_while(|&&other| other < place);
                !earlier.any(|&other| columns[place].depends_on(&columns[other]))
            };
            let next = left.iter().copied().filter(ready).min_by_key(|&place| key(place))?;
            left.retain(|&place| place != next);
            order.push(next);
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

/// The columns of a stage, as its parameters declare them.
struct Columns {
    /// `None` if it declares no input, so that it may read anything.
    reads: Option<Vec<String>>,
    appends: Vec<String>,
}

impl Columns {
    fn of(stage: &dyn DynEstimator) -> Self {
        let of = |appended: bool| {
            let roles = ColumnRole::ALL.into_iter().filter(move |role| role.is_appended() == appended);
            roles.flat_map(|role| stage.columns_of(role)).collect::<Vec<_>>()
        };
        let has_input = !stage.columns_of(ColumnRole::Input).is_empty();
        Self { reads: has_input.then(|| of(false)), appends: of(true) }
    }

    /// Whether this later stage may read what an earlier one appends, or must stay behind it for another reason.
    fn depends_on(&self, earlier: &Self) -> bool {
        match (&self.reads, &earlier.reads) {
            (Some(reads), Some(_)) => {
                reads.iter().chain(&self.appends).any(|column| earlier.appends.contains(column))
            }
            _ => true,
        }
    }
}
