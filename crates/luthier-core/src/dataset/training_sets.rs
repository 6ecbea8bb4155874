//! The summaries of all training and validation sets of a search, a wave of folds at a time.

use std::ops::Range;

use rayon::prelude::*;

use super::pass::{self, States};
use super::reader::Groups;
use super::{Dataset, FailedNeed, Prepared, Rows};
use crate::summary::{Answer, Need, fuse_needs};
use crate::{Error, Result};

/// The largest number of folds whose training sets are held at once.
const WAVE: usize = 64;

/// Views of one frame, the summaries requested of each view, and the answers for every fold.
///
/// Each fold is summarised by itself, and the summary of the training rows of a fold is the merge of all other folds: nothing
/// is subtracted. Folds are divided into ranges. The summary of everything outside a range is computed from the merged
/// prefixes and suffixes of the other ranges, and so on down to single folds, with `O(k)` merges in all. If `k` summaries fit
/// into memory, this takes one pass over the rows. Otherwise, every level of ranges reads the rows again:
/// `O(log k)` passes with `O(log k)` summaries at a time.
#[derive(Debug)]
pub struct TrainingSets {
    views: Vec<View>,
    folds: Vec<u32>,
    budget: u64,
    capacity: Capacity,
    /// Folds or ranges of folds, as they were first read.
    parts: Vec<Part>,
    /// The rows of all other folds.
    rest: States,
    /// The answers for all rows.
    whole: Vec<Answer>,
}

#[derive(Debug)]
struct View {
    data: Dataset,
    needs: Vec<Need>,
}

#[derive(Debug)]
struct Part {
    folds: Range<usize>,
    states: States,
}

/// How many summaries fit into a memory budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// The number of folds whose own summaries may be in memory at a time.
    folds: usize,
    /// The number of folds whose training sets may be in memory at a time, and of ranges on each level.
    wave: usize,
}

impl Capacity {
    /// The capacity of `budget` bytes for summaries of `bytes` each.
    pub fn new(budget: u64, bytes: u64) -> Self {
        let fit = usize::try_from(budget / bytes.max(1)).unwrap_or(usize::MAX);
        // In a wave, each fold has three summaries: its own, that of its training set, and that of the following folds.
        Self { folds: (fit / 2).max(2), wave: (fit / 8).clamp(2, WAVE) }
    }

    /// How often a row is read at most for this number of folds.
    pub fn passes(self, folds: usize) -> u32 {
        if folds <= self.folds { 1 } else { 1 + self.passes(self.part_size(folds, self.folds)) }
    }

    /// The largest number of summaries in memory at a time for this number of folds.
    pub fn summaries(self, folds: usize) -> usize {
        let own = if folds <= self.folds { folds } else { self.wave * self.passes(folds) as usize };
        own + 2 * folds.min(self.wave) + 2
    }

    /// The size of ranges: about `wanted` folds each, or more if there would be too many ranges.
    fn part_size(self, folds: usize, wanted: usize) -> usize {
        folds.div_ceil(folds.div_ceil(wanted.max(1)).clamp(2, self.wave))
    }

    fn parts(self, folds: Range<usize>, wanted: usize) -> Vec<Range<usize>> {
        let size = self.part_size(folds.len(), wanted).max(1);
        let end = folds.end;
        folds.step_by(size).map(|start| start..(start + size).min(end)).collect()
    }
}

impl TrainingSets {
    /// Reads the rows for the requests of each view on each of the `folds`: once, if one summary per fold
    /// fits into `budget` bytes. All views are of the same frame.
    ///
    /// A request is first pulled back through the stages; if it can be answered before its view, it is not answered here.
    /// Without sharing nothing is read. Requests that cannot be answered are returned with their errors, by view.
    ///
    /// # Errors
    /// If rows cannot be read at all.
    pub fn read(
        views: Vec<(Dataset, Vec<Need>)>,
        folds: &[u32],
        budget: u64,
    ) -> Result<(Self, Vec<Vec<FailedNeed>>)> {
        let views = views.into_iter().map(|(data, needs)| View { needs: data.landing(&needs), data });
        let mut sets = Self {
            views: views.collect(),
            folds: folds.to_vec(),
            budget,
            capacity: Capacity::new(budget, 1),
            parts: Vec::new(),
            rest: States::new(),
            whole: Vec::new(),
        };
        let asked: Vec<Vec<Need>> = sets.views.iter().map(|view| view.needs.clone()).collect();
        sets.fuse();
        let failed = match sets.read_first() {
            Ok(()) => asked.iter().map(|_| Vec::new()).collect(),
            // One bad column must not make the other requests fail.
            Err(_) => {
                let failed = sets.keep_sound(asked);
                sets.fuse();
                sets.read_first()?;
                failed
            }
        };
        Ok((sets, failed))
    }

    /// Calls `f(folds, views)` for one wave of folds after the other; the views have the answers for the training and
    /// validation rows of these folds and for all rows.
    ///
    /// # Errors
    /// If rows cannot be read again, or the error of `f`.
    pub fn for_each_wave<E: From<Error>>(
        &self,
        mut f: impl FnMut(&[u32], Vec<Dataset>) -> Result<(), E>,
    ) -> Result<(), E> {
        let states: Vec<&States> = self.parts.iter().map(|part| &part.states).collect();
        if self.parts.iter().all(|part| part.folds.len() == 1) {
            return self.descend(0..self.folds.len(), &states, &self.rest, &mut f);
        }
        for (part, outside) in self.parts.iter().zip(all_but_one(&self.rest, &states)?) {
            self.reread(part.folds.clone(), &outside, &mut f)?;
        }
        Ok(())
    }

    /// The views with the answers for all rows.
    pub fn whole(&self) -> Vec<Dataset> {
        self.prepared(Vec::new())
    }

    fn fuse(&mut self) {
        for view in &mut self.views {
            view.needs = fuse_needs(std::mem::take(&mut view.needs));
        }
    }

    fn read_first(&mut self) -> Result<()> {
        let needs = self.views.iter().flat_map(|view| view.needs.iter().map(move |need| (need, &view.data)));
        let bytes = needs.map(|(need, data)| need.bytes(data.schema(), data.source.frame.num_rows() as u64));
        let bytes = bytes.sum::<Result<usize>>()?;
        self.capacity = Capacity::new(self.budget, bytes as u64);
        let all = 0..self.folds.len();
        let ranges = if all.len() <= self.capacity.folds {
            single(all)
        } else {
            self.capacity.parts(all, self.capacity.folds)
        };
        let mut states = self.read_ranges(&ranges, true)?;
        self.rest = states.pop().unwrap_or_default();
        let parts = ranges.into_iter().zip(states);
        self.parts = parts.map(|(folds, states)| Part { folds, states }).collect();
        let mut whole = pass::copy(&self.rest);
        self.parts.iter().try_for_each(|part| pass::merge(&mut whole, &part.states))?;
        self.whole = finish(whole);
        Ok(())
    }

    /// Drops the requests that fail by themselves.
    fn keep_sound(&mut self, asked: Vec<Vec<Need>>) -> Vec<Vec<FailedNeed>> {
        let mut all_failed = Vec::new();
        for (view, asked) in self.views.iter_mut().zip(asked) {
            let mut failed: Vec<FailedNeed> = Vec::new();
            view.needs.clear();
            for need in asked {
                if view.needs.iter().chain(failed.iter().map(|(need, _)| need)).any(|other| other.same(&need))
                {
                    continue;
                }
                match view.data.pass(std::slice::from_ref(&need), view.data.source.all_folds()) {
                    Ok(_) => view.needs.push(need),
                    Err(error) => failed.push((need, error)),
                }
            }
            all_failed.push(failed);
        }
        all_failed
    }

    /// The states of each range of folds over all views, then, if `rest`, those of the folds that were not requested.
    fn read_ranges(&self, ranges: &[Range<usize>], rest: bool) -> Result<Vec<States>> {
        let count = ranges.len() + usize::from(rest);
        let mut states: Vec<States> = (0..count).map(|_| States::new()).collect();
        for view in self.views.iter().filter(|view| !view.needs.is_empty()) {
            let mut of_fold = vec![rest.then_some(ranges.len()); view.data.source.fold_count() as usize];
            for (group, range) in ranges.iter().enumerate() {
                for &fold in self.folds.get(range.clone()).unwrap_or_default() {
                    if let Some(of_fold) = of_fold.get_mut(fold as usize) {
                        *of_fold = Some(group);
                    }
                }
            }
            let groups = view.data.pass(&view.needs, Groups { of_fold, count })?;
            states.iter_mut().zip(groups).for_each(|(all, more)| all.extend(more));
        }
        Ok(states)
    }

    /// Divides a range whose folds have not been read one by one.
    fn reread<E: From<Error>>(
        &self,
        range: Range<usize>,
        outside: &States,
        f: &mut impl FnMut(&[u32], Vec<Dataset>) -> Result<(), E>,
    ) -> Result<(), E> {
        if range.len() <= self.capacity.folds {
            let leaves = self.read_ranges(&single(range.clone()), false)?;
            return self.descend(range, &leaves.iter().collect::<Vec<_>>(), outside, f);
        }
        let ranges = self.capacity.parts(range, self.capacity.folds);
        let sums = self.read_ranges(&ranges, false)?;
        let outsides = all_but_one(outside, &sums.iter().collect::<Vec<_>>())?;
        drop(sums);
        ranges.into_iter().zip(outsides).try_for_each(|(range, outside)| self.reread(range, &outside, f))
    }

    /// Divides a range whose folds are available one by one.
    fn descend<E: From<Error>>(
        &self,
        range: Range<usize>,
        leaves: &[&States],
        outside: &States,
        f: &mut impl FnMut(&[u32], Vec<Dataset>) -> Result<(), E>,
    ) -> Result<(), E> {
        if range.len() <= self.capacity.wave {
            let folds = self.folds.get(range).unwrap_or_default();
            let training = folds.iter().map(|&fold| Rows::Except(fold)).zip(all_but_one(outside, leaves)?);
            let validation = folds.iter().map(|&fold| Rows::Only(fold));
            let validation = validation.zip(leaves.iter().map(|leaf| pass::copy(leaf)));
            return f(folds, self.prepared(training.chain(validation).collect()));
        }
        let ranges = self.capacity.parts(range, self.capacity.wave);
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
        parts.into_iter().try_for_each(|((range, part), outside)| self.descend(range, part, &outside, f))
    }

    /// The views with answers for some sets of rows.
    fn prepared(&self, sets: Vec<(Rows, States)>) -> Vec<Dataset> {
        let sets = sets.into_iter().map(|(rows, states)| (rows, finish(states)));
        let mut sets: Vec<_> = sets
            .chain([(Rows::All, self.whole.clone())])
            .map(|(rows, answers)| (rows, answers.into_iter()))
            .collect();
        let view = |view: &View| {
            let mut shelf = Vec::new();
            for (rows, answers) in &mut sets {
                for (need, answer) in view.needs.iter().zip(answers) {
                    shelf.push(Prepared { need: need.clone(), rows: *rows, answer });
                }
            }
            view.data.with_more(shelf)
        };
        self.views.iter().map(view).collect()
    }
}

fn finish(states: States) -> Vec<Answer> {
    states.into_iter().map(|state| state.finish()).collect()
}

fn single(folds: Range<usize>) -> Vec<Range<usize>> {
    folds.map(|fold| fold..fold + 1).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_capacity_costs_passes_not_memory() {
        let large = Capacity::new(1 << 30, 80_000);
        assert_eq!((large.passes(1000), large.wave), (1, WAVE));
        let tight = Capacity::new(1 << 20, 80_000);
        assert_eq!(tight, Capacity { folds: 6, wave: 2 });
        assert_eq!(tight.passes(6), 1);
        assert_eq!(tight.passes(12), 2);
        assert!(tight.passes(100_000) <= 17);
        assert!(tight.summaries(100_000) <= 2 * 17 + 6);
    }

    #[test]
    fn ranges_cover_all_folds_in_order() {
        for wave in 2..9 {
            let capacity = Capacity { folds: 2, wave };
            for folds in [2, 3, 7, 64, 65, 1000] {
                let parts = capacity.parts(3..3 + folds, 5);
                assert!(parts.len() <= wave);
                assert_eq!(
                    parts.into_iter().flatten().collect::<Vec<_>>(),
                    (3..3 + folds).collect::<Vec<_>>()
                );
            }
        }
    }
}
