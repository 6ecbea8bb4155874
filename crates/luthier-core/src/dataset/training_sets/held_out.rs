//! Training sets of rounds that hold out each of several sets of the same rows.

use std::ops::Range;

use rayon::prelude::*;

use super::TrainingSets;
use crate::dataset::pass::{self, States};
use crate::dataset::{Dataset, Rows};
use crate::{Error, Result};

/// Consecutive rounds whose training rows are all rows of the run but those that are held out.
///
/// The sets that are held out are divided into ranges. The summary of everything outside a range is computed from the merged
/// prefixes and suffixes of the other ranges, and so on down to single sets, with `O(k)` merges in all.
#[derive(Debug)]
pub(super) struct HeldOut {
    rounds: Range<usize>,
    /// Sets or ranges of sets, as they were first read.
    parts: Vec<Part>,
    /// The training rows that are never held out.
    rest: States,
}

#[derive(Debug)]
struct Part {
    rounds: Range<usize>,
    states: States,
}

impl HeldOut {
    /// Reads the sets of a run, or as many ranges of them as fit into memory. If `whole`, the states of all rows as well.
    pub(super) fn read(
        sets: &TrainingSets<'_>,
        rounds: Range<usize>,
        rows: &Rows,
        whole: bool,
    ) -> Result<(Self, States)> {
        let capacity = sets.capacity;
        let ranges = match rounds.len() <= capacity.sets {
            true => single(rounds.clone()),
            false => capacity.parts(rounds.clone(), capacity.sets),
        };
        let mut groups: Vec<Rows> = ranges.iter().map(|range| held_out(sets, range.clone())).collect();
        groups.push(groups.iter().fold(rows.clone(), |left, group| left.without(group)));
        // Rows that are in no round count for `whole` only.
        let apart = whole && sets.rounds.needs_all_rows() && sets.has_rows_outside(rows);
        let mut states = sets.states_of(&groups, apart)?;
        let outside = if apart { states.pop() } else { None };
        let rest = states.pop().unwrap_or_default();
        let parts = ranges.into_iter().zip(states);
        let parts: Vec<Part> = parts.map(|(rounds, states)| Part { rounds, states }).collect();
        let mut all = pass::copy(&rest);
        if whole {
            parts.iter().try_for_each(|part| pass::merge(&mut all, &part.states))?;
            outside.iter().try_for_each(|outside| pass::merge(&mut all, outside))?;
        }
        Ok((Self { rounds, parts, rest }, all))
    }

    /// Calls `f` for one wave of the rounds after the other.
    pub(super) fn for_each_wave<E: From<Error>>(
        &self,
        sets: &TrainingSets<'_>,
        f: &mut impl FnMut(Range<usize>, Vec<Dataset>) -> Result<(), E>,
    ) -> Result<(), E> {
        let states: Vec<&States> = self.parts.iter().map(|part| &part.states).collect();
        if self.parts.iter().all(|part| part.rounds.len() == 1) {
            return descend(sets, self.rounds.clone(), &states, &self.rest, f);
        }
        for (part, outside) in self.parts.iter().zip(all_but_one(&self.rest, &states)?) {
            reread(sets, part.rounds.clone(), &outside, f)?;
        }
        Ok(())
    }
}

/// The rows that some rounds hold out.
fn held_out(sets: &TrainingSets<'_>, rounds: Range<usize>) -> Rows {
    let rounds = sets.rounds.as_slice().get(rounds).unwrap_or_default();
    match rounds {
        [only] => only.validate.clone(),
        _ => Rows::blocks(rounds.iter().flat_map(|round| round.validate.blocks_within(sets.rounds.blocks()))),
    }
}

fn groups(sets: &TrainingSets<'_>, ranges: &[Range<usize>]) -> Result<Vec<States>> {
    let groups: Vec<Rows> = ranges.iter().map(|range| held_out(sets, range.clone())).collect();
    sets.states_of(&groups, false)
}

/// Divides a range whose sets have not been read one by one.
fn reread<E: From<Error>>(
    sets: &TrainingSets<'_>,
    range: Range<usize>,
    outside: &States,
    f: &mut impl FnMut(Range<usize>, Vec<Dataset>) -> Result<(), E>,
) -> Result<(), E> {
    if range.len() <= sets.capacity.sets {
        let leaves = groups(sets, &single(range.clone()))?;
        return descend(sets, range, &leaves.iter().collect::<Vec<_>>(), outside, f);
    }
    let ranges = sets.capacity.parts(range, sets.capacity.sets);
    let sums = groups(sets, &ranges)?;
    let outsides = all_but_one(outside, &sums.iter().collect::<Vec<_>>())?;
    drop(sums);
    ranges.into_iter().zip(outsides).try_for_each(|(range, outside)| reread(sets, range, &outside, f))
}

/// Divides a range whose sets are available one by one.
fn descend<E: From<Error>>(
    sets: &TrainingSets<'_>,
    range: Range<usize>,
    leaves: &[&States],
    outside: &States,
    f: &mut impl FnMut(Range<usize>, Vec<Dataset>) -> Result<(), E>,
) -> Result<(), E> {
    sets.check_cancelled()?;
    if range.len() <= sets.capacity.wave {
        let rounds = sets.rounds.as_slice().get(range.clone()).unwrap_or_default();
        let training = rounds.iter().map(|round| round.train.clone()).zip(all_but_one(outside, leaves)?);
        let validation = rounds.iter().map(|round| round.validate.clone());
        let validation = validation.zip(leaves.iter().map(|leaf| pass::copy(leaf)));
        return f(range, sets.prepared(training.chain(validation).collect()));
    }
    let ranges = sets.capacity.parts(range, sets.capacity.wave);
    let parts: Vec<&[&States]> = leaves.chunks(ranges.first().map_or(1, Range::len)).collect();
    let sum = |part: &&[&States]| -> Result<States> {
        let (first, others) = part.split_first().ok_or_else(pass::no_answer)?;
        let mut sum = pass::copy(first);
        others.iter().try_for_each(|leaf| pass::merge(&mut sum, leaf))?;
        Ok(sum)
    };
    let sums = parts.iter().map(sum).collect::<Result<Vec<_>>>()?;
    let outsides = all_but_one(outside, &sums.iter().collect::<Vec<_>>())?;
    drop(sums);
    let parts = ranges.into_iter().zip(parts).zip(outsides);
    parts.into_iter().try_for_each(|((range, part), outside)| descend(sets, range, part, &outside, f))
}

fn single(rounds: Range<usize>) -> Vec<Range<usize>> {
    rounds.map(|round| round..round + 1).collect()
}

/// For each part, the merge of everything else: `outside`, the parts before it, and the parts after it.
fn all_but_one(outside: &States, parts: &[&States]) -> Result<Vec<States>> {
    let behind = || -> Result<Vec<States>> {
        let mut behind: Vec<States> = Vec::new();
        for part in parts.iter().skip(1).rev() {
            let mut states = pass::copy(part);
            if let Some(last) = behind.last() {
                pass::merge(&mut states, last)?;
            }
            behind.push(states);
        }
        behind.reverse();
        Ok(behind)
    };
    let before = || -> Result<Vec<States>> {
        let mut before = vec![pass::copy(outside)];
        for part in parts.split_last().map_or(&[][..], |(_, earlier)| earlier) {
            let mut states = before.last().map(pass::copy).unwrap_or_default();
            pass::merge(&mut states, part)?;
            before.push(states);
        }
        before.truncate(parts.len());
        Ok(before)
    };
    let (behind, before) = rayon::join(behind, before);
    let (behind, mut before) = (behind?, before?);
    // There is nothing after the last part.
    before.par_iter_mut().zip(&behind).try_for_each(|(before, behind)| pass::merge(before, behind))?;
    Ok(before)
}
