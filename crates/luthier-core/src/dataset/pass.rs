//! One pass over the rows that answers several requests for several sets of folds.

use luthier_frame::Schema;
use rayon::prelude::*;

use super::folds::Rows;
use super::link::Link;
use super::reader::{Branch, Groups, Reader, Source};
use crate::summary::{Answer, DynState, Need};
use crate::work::WorkCounter;
use crate::{Error, Result};

/// The states of all requests for one group of folds, in the order of the requests.
type States = Vec<Box<dyn DynState>>;

/// Folds that always go together: each set of rows asked for contains all of a class or nothing.
struct Classes {
    groups: Groups,
    /// For each set of rows asked for, the classes it contains, in order.
    members: Vec<Vec<usize>>,
}

impl Classes {
    fn of(source: &Source, wanted: &[Rows]) -> Self {
        let mut signatures: Vec<Vec<bool>> = Vec::new();
        let of_fold = (0..source.fold_count())
            .map(|fold| {
                let signature: Vec<bool> = wanted.iter().map(|rows| rows.includes(fold)).collect();
                if !signature.contains(&true) {
                    return None;
                }
                Some(signatures.iter().position(|s| *s == signature).unwrap_or_else(|| {
                    signatures.push(signature);
                    signatures.len() - 1
                }))
            })
            .collect();
        let members = (0..wanted.len())
            .map(|w| (0..signatures.len()).filter(|&class| signatures[class][w]).collect())
            .collect();
        Self { groups: Groups { of_fold, count: signatures.len() }, members }
    }
}

/// Answers all `needs` behind `links` for each of the `wanted` sets of rows: `result[w][n]`.
pub(super) fn summarize(
    source: &Source,
    links: &[Link],
    needs: &[Need],
    wanted: &[Rows],
    work: &WorkCounter,
) -> Result<Vec<Vec<Answer>>> {
    let schema = links.last().map_or(source.frame.schema(), |link| &link.schema);
    let classes = Classes::of(source, wanted);
    let mut columns: Vec<String> = needs.iter().flat_map(Need::columns).collect();
    columns.sort();
    columns.dedup();
    let branch = Branch { links: &[], columns: &columns };
    let reader = Reader::new(source, links, vec![branch], classes.groups.clone(), work);
    work.passes(1);
    work.summaries(needs.len() as u64);
    let groups = read(source, &reader, &[schema], needs, classes.groups.count)?;
    combine(groups.into_iter().flatten().collect(), &classes.members, needs, schema)
}

/// Answers one request for the rows of several views that share `prefix`: one answer per branch.
pub(super) fn summarize_branches(
    source: &Source,
    prefix: &[Link],
    branches: Vec<&[Link]>,
    need: &Need,
    rows: Rows,
    work: &WorkCounter,
) -> Result<Vec<Answer>> {
    let schema = |links: &&[Link]| match links.last().or(prefix.last()) {
        Some(link) => link.schema.clone(),
        None => source.frame.schema().clone(),
    };
    let schemas: Vec<Schema> = branches.iter().map(schema).collect();
    let schemas: Vec<&Schema> = schemas.iter().collect();
    let classes = Classes::of(source, &[rows]);
    let columns = need.columns();
    let branches = branches.into_iter().map(|links| Branch { links, columns: &columns }).collect();
    let reader = Reader::new(source, prefix, branches, classes.groups.clone(), work);
    work.passes(1);
    work.summaries(schemas.len() as u64);
    let needs = std::slice::from_ref(need);
    let per_branch = read(source, &reader, &schemas, needs, classes.groups.count)?;
    per_branch
        .into_iter()
        .zip(&schemas)
        .map(|(groups, schema)| {
            let mut answers = combine(groups, &classes.members, needs, schema)?;
            answers.pop().and_then(|mut of_rows| of_rows.pop()).ok_or_else(no_answer)
        })
        .collect()
}

/// `result[branch][group]`: partitions are read in parallel and merged in their order. There is a schema for
/// each branch.
fn read(
    source: &Source,
    reader: &Reader<'_>,
    schemas: &[&Schema],
    needs: &[Need],
    groups: usize,
) -> Result<Vec<Vec<States>>> {
    let empty = || -> Result<Vec<Vec<States>>> {
        let states = |schema| needs.iter().map(|need| need.empty(schema)).collect::<Result<States>>();
        schemas.iter().map(|schema| (0..groups).map(|_| states(schema)).collect()).collect()
    };
    let parts: Vec<Result<Vec<Vec<States>>>> = (0..source.frame.num_partitions())
        .into_par_iter()
        .map(|partition| {
            let mut states = empty()?;
            reader.for_each_tile(partition, |branch, group, tile| {
                let errors = states[branch][group].iter_mut().map(|state| state.update(tile).err());
                errors.fold(None, Error::earlier).map_or(Ok(()), Err)
            })?;
            Ok(states)
        })
        .collect();
    let mut merged: Option<Vec<Vec<States>>> = None;
    for part in parts {
        let part = part?;
        match &mut merged {
            None => merged = Some(part),
            Some(merged) => {
                for (into, from) in merged.iter_mut().flatten().zip(part.iter().flatten()) {
                    merge(into, from)?;
                }
            }
        }
    }
    merged.map_or_else(empty, Ok)
}

fn merge(into: &mut States, from: &States) -> Result<()> {
    into.iter_mut().zip(from).try_for_each(|(into, from)| into.merge(from.as_ref()))
}

/// Merges classes into the sets of rows asked for. A set that lacks one class is a prefix and a suffix merged,
/// so that all training sets of a cross-validation together cost a number of merges linear in the folds.
fn combine(
    classes: Vec<States>,
    members: &[Vec<usize>],
    needs: &[Need],
    schema: &Schema,
) -> Result<Vec<Vec<Answer>>> {
    let n = classes.len();
    let copy = |states: &States| states.iter().map(|state| state.clone_box()).collect::<States>();
    let empty = || needs.iter().map(|need| need.empty(schema)).collect::<Result<States>>();
    let lacks_one = |set: &[usize]| (set.len() + 1 == n).then(|| (0..n).find(|c| !set.contains(c))).flatten();
    let running = members.iter().any(|set| set.len() > 1 && (set.len() == n || lacks_one(set).is_some()));
    let (mut prefixes, mut suffixes) = (vec![empty()?], vec![empty()?]);
    if running {
        for i in 0..n {
            let mut prefix = copy(&prefixes[i]);
            merge(&mut prefix, &classes[i])?;
            prefixes.push(prefix);
            let mut suffix = copy(&classes[n - 1 - i]);
            merge(&mut suffix, &suffixes[i])?;
            suffixes.push(suffix);
        }
    }
    members
        .iter()
        .map(|set| {
            let states = match (set.as_slice(), lacks_one(set)) {
                ([], _) => empty()?,
                ([one], _) => copy(&classes[*one]),
                (set, _) if set.len() == n => copy(&prefixes[n]),
                (_, Some(missing)) => {
                    let mut states = copy(&prefixes[missing]);
                    merge(&mut states, &suffixes[n - 1 - missing])?;
                    states
                }
                (set, None) => {
                    let mut states = empty()?;
                    set.iter().try_for_each(|&class| merge(&mut states, &classes[class]))?;
                    states
                }
            };
            Ok(states.into_iter().map(|state| state.finish()).collect())
        })
        .collect()
}

pub(super) fn no_answer() -> Error {
    Error::invalid("a summary was not computed; this is a bug in luthier-core")
}
