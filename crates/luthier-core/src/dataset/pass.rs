//! One pass over the rows that answers several requests for several groups of folds.

use std::sync::Arc;

use luthier_frame::Schema;
use rayon::prelude::*;

use super::link::Link;
use super::meter::Meter;
use super::reader::{Branch, Groups, Reader, Source};
use crate::summary::{Answer, DynState, Need};
use crate::{Error, Result, memory};

/// The states of all requests for one group of folds, in the order of the requests.
pub(super) type States = Vec<Box<dyn DynState>>;

/// With more groups than this, their states are held once, not once per partition.
const FEW_GROUPS: usize = 64;

/// The number of partitions whose states are held before they are merged.
const PARTITIONS_AHEAD: usize = 64;

/// The same for a pass that may be resumed, which can be kept between any two merges.
const PARTITIONS_AHEAD_KEPT: usize = 16;

/// A pass that goes on where another one was, and is kept while it goes on.
pub(super) struct Resumed<'a> {
    /// The number of partitions that are in the states.
    pub(super) done: usize,
    /// The states after these partitions; `None` if there are none.
    pub(super) states: Option<Vec<States>>,
    /// Called with the number of partitions that are in the states.
    pub(super) keep: &'a dyn Fn(usize, &[States]) -> Result<()>,
}

/// Answers all `needs` behind `links` for each of the groups of folds.
pub(super) fn summarize(
    source: &Source,
    links: &[Arc<Link>],
    needs: &[Need],
    groups: Groups,
    meter: &Meter,
    resumed: Option<Resumed<'_>>,
) -> Result<Vec<States>> {
    let schema = links.last().map_or(source.frame.schema(), |link| &link.schema);
    let columns = columns_of(needs);
    let branch = Branch { links: &[], columns: &columns };
    let reader = Reader::new(source, links, vec![branch], groups, meter)?;
    meter.work.passes(1);
    meter.work.summaries(needs.len() as u64);
    read(source, &reader, &[schema], needs, resumed)
}

/// Answers all `needs` for one group of rows of several views that share `prefix`; returns a list of answers per branch.
pub(super) fn summarize_branches(
    source: &Source,
    prefix: &[Arc<Link>],
    branches: Vec<&[Arc<Link>]>,
    needs: &[Need],
    group: Groups,
    meter: &Meter,
) -> Result<Vec<Vec<Answer>>> {
    let schema = |links: &&[Arc<Link>]| match links.last().or(prefix.last()) {
        Some(link) => link.schema.clone(),
        None => source.frame.schema().clone(),
    };
    let schemas: Vec<Schema> = branches.iter().map(schema).collect();
    let schemas: Vec<&Schema> = schemas.iter().collect();
    let columns = columns_of(needs);
    let branches = branches.into_iter().map(|links| Branch { links, columns: &columns }).collect();
    let reader = Reader::new(source, prefix, branches, group, meter)?;
    meter.work.passes(1);
    meter.work.summaries((schemas.len() * needs.len()) as u64);
    let states = read(source, &reader, &schemas, needs, None)?;
    let finish = |states: States| states.into_iter().map(|state| state.finish()).collect();
    Ok(states.into_iter().map(finish).collect())
}

fn columns_of(needs: &[Need]) -> Vec<String> {
    let mut columns: Vec<String> = needs.iter().flat_map(Need::columns).collect();
    columns.sort();
    columns.dedup();
    columns
}

/// The states of each group of the first branch, then of the next, and so on, with one schema per branch. Partitions
/// and groups are read in parallel; partitions are merged in their order.
fn read(
    source: &Source,
    reader: &Reader<'_>,
    schemas: &[&Schema],
    needs: &[Need],
    resumed: Option<Resumed<'_>>,
) -> Result<Vec<States>> {
    let groups = reader.groups();
    let places: Vec<(usize, usize)> =
        (0..schemas.len()).flat_map(|branch| (0..groups).map(move |group| (branch, group))).collect();
    let empty = || -> Result<Vec<States>> {
        let states = |schema| needs.iter().map(|need| need.empty(schema)).collect::<Result<States>>();
        places.iter().map(|&(branch, _)| states(schemas[branch])).collect()
    };
    let take_in = |states: &mut Vec<States>, partition| {
        reader.for_each_chunk(partition, |chunk| {
            let update = |(&(branch, group), states): (&(usize, usize), &mut States)| {
                let tiles = chunk.for_each_tile(branch, group, |tile| {
                    let errors = states.iter_mut().map(|state| state.update(tile).err());
                    errors.fold(None, Error::earlier).map_or(Ok(()), Err)
                });
                tiles.err()
            };
            // Groups are processed one after the other: the first bad row of the chunk may be in any of them.
            let errors: Vec<_> = places.par_iter().zip(states.par_iter_mut()).map(update).collect();
            errors.into_iter().fold(None, Error::earlier).map_or(Ok(()), Err)
        })
    };
    let mut merged = empty()?;
    require_memory(needs, &merged, source.frame.num_rows())?;
    let (mut done, keep) = match resumed {
        Some(Resumed { done, states, keep }) => {
            if let Some(states) = states.filter(|states| states.len() == merged.len()) {
                merged = states;
                (done, Some(keep))
            } else {
                (0, Some(keep))
            }
        }
        None => (0, None),
    };
    let partitions: Vec<usize> = (done..source.frame.num_partitions()).collect();
    let ahead = match (groups > FEW_GROUPS, keep.is_some()) {
        (true, _) => 1,
        (false, true) => PARTITIONS_AHEAD_KEPT,
        (false, false) => PARTITIONS_AHEAD,
    };
    for some in partitions.chunks(ahead) {
        if let ([partition], true) = (some, groups > FEW_GROUPS) {
            take_in(&mut merged, *partition)?;
        } else {
            let parts = some.par_iter().map(|&partition| {
                let mut states = empty()?;
                take_in(&mut states, partition).map(|()| states)
            });
            for part in parts.collect::<Vec<Result<Vec<States>>>>() {
                merged.iter_mut().zip(&part?).try_for_each(|(into, from)| merge(into, from))?;
            }
        }
        done += some.len();
        keep.iter().try_for_each(|keep| keep(done, &merged))?;
    }
    Ok(merged)
}

/// Rejects states that would not fit into memory after all rows are added.
fn require_memory(needs: &[Need], states: &[States], rows: usize) -> Result<()> {
    let rows = rows.div_ceil(states.len().max(1)) as u64;
    needs.iter().enumerate().try_for_each(|(place, need)| {
        let of = |states: &States| states.get(place).map_or(0, |state| state.bytes_of_rows(rows) as u64);
        memory::require(states.iter().map(of).fold(0, u64::saturating_add), || {
            let what = format!("`{}` of {}", need.name(), need.columns().join(", "));
            (what, "use fewer features, or fewer rows".to_owned())
        })
    })
}

pub(super) fn merge(into: &mut States, from: &States) -> Result<()> {
    into.iter_mut().zip(from).try_for_each(|(into, from)| into.merge(from.as_ref()))
}

pub(super) fn copy(states: &States) -> States {
    states.iter().map(|state| state.clone_box()).collect()
}

pub(super) fn no_answer() -> Error {
    Error::invalid("a summary was not computed; this is a bug in luthier-core")
}
