//! The summaries of all training and validation sets of a search, a wave of rounds at a time.

mod capacity;
mod held_out;
mod rounds;
mod windows;

use std::ops::Range;

pub use capacity::Capacity;
use held_out::HeldOut;
use rayon::prelude::*;
pub use rounds::Rounds;
use rounds::Run;
use windows::Windows;

use super::pass::{self, States};
use super::reader::Groups;
use super::shelves::Prepared;
use super::{Dataset, FailedNeed, Rows};
use crate::summary::{Answer, Need, fuse_needs};
use crate::{Error, Result};

/// Views of one frame, the summaries requested of each view, and the answers for the rows of every round.
///
/// Blocks are summarised by themselves, and the summary of a training set is the merge of its blocks: nothing is subtracted.
/// Where each of some sets is held out in turn, the merges of everything before and behind it are shared, with `O(k)` merges in
/// all. Windows that move forward share the merges of what stays. If the summaries fit into memory, this takes one pass over
/// the rows. Otherwise rows are read again: `O(log k)` passes with `O(log k)` summaries at a time where sets are held out, and
/// one pass per stretch of windows whose blocks fit.
#[derive(Debug)]
pub struct TrainingSets<'a> {
    views: Vec<View>,
    rounds: &'a Rounds,
    capacity: Capacity,
    first: First,
    /// The answers for all rows.
    whole: Vec<Answer>,
}

#[derive(Debug)]
struct View {
    data: Dataset,
    needs: Vec<Need>,
}

/// What the first pass over the rows has found.
#[derive(Debug)]
enum First {
    /// The parts of the only run.
    HeldOut(HeldOut),
    /// Each block.
    Blocks(Vec<States>),
    /// Nothing but all rows: the runs read what they need.
    Nothing,
}

impl<'a> TrainingSets<'a> {
    /// Reads the rows for the requests of each view on each of the rounds: once, if the summaries fit into `budget` bytes. All
    /// views are of the same frame.
    ///
    /// A request is first pulled back through the stages; if it can be answered before its view, it is not answered here.
    /// Without sharing nothing is read. Requests that cannot be answered are returned with their errors, by view.
    ///
    /// # Errors
    /// If rows cannot be read at all, or reading them is cancelled.
    pub fn read(
        views: Vec<(Dataset, Vec<Need>)>,
        rounds: &'a Rounds,
        budget: u64,
    ) -> Result<(Self, Vec<Vec<FailedNeed>>)> {
        let views = views.into_iter().map(|(data, needs)| View { needs: data.landing(&needs), data });
        let mut sets = Self {
            views: views.collect(),
            rounds,
            capacity: Capacity::new(budget, 1),
            first: First::Nothing,
            whole: Vec::new(),
        };
        let asked: Vec<Vec<Need>> = sets.views.iter().map(|view| view.needs.clone()).collect();
        sets.fuse();
        let failed = match sets.read_first(budget) {
            Ok(()) => asked.iter().map(|_| Vec::new()).collect(),
            Err(cancelled) if cancelled.is_cancelled() => return Err(cancelled),
            // One bad column must not make the other requests fail.
            Err(_) => {
                let failed = sets.keep_sound(asked)?;
                sets.fuse();
                sets.read_first(budget)?;
                failed
            }
        };
        Ok((sets, failed))
    }

    /// Calls `f(rounds, views)` for one wave of rounds after the other; the views have the answers for the training and
    /// validation rows of these rounds and, unless the rounds are [`without_all_rows`](Rounds::without_all_rows), for all rows.
    ///
    /// # Errors
    /// If rows cannot be read again, or the error of `f`.
    pub fn for_each_wave<E: From<Error>>(
        &self,
        mut f: impl FnMut(Range<usize>, Vec<Dataset>) -> Result<(), E>,
    ) -> Result<(), E> {
        for run in self.rounds.runs() {
            match (&self.first, &run.of) {
                (First::HeldOut(held_out), _) => held_out.for_each_wave(self, &mut f)?,
                (_, Some(rows)) => {
                    HeldOut::read(self, run.rounds.clone(), rows, false)?.0.for_each_wave(self, &mut f)?;
                }
                (_, None) => self.for_each_window(run, &mut f)?,
            }
        }
        Ok(())
    }

    /// The views with the answers for all rows, unless the rounds are [`without_all_rows`](Rounds::without_all_rows).
    pub fn whole(&self) -> Vec<Dataset> {
        self.prepared(Vec::new())
    }

    fn fuse(&mut self) {
        for view in &mut self.views {
            view.needs = fuse_needs(std::mem::take(&mut view.needs));
        }
    }

    fn read_first(&mut self, budget: u64) -> Result<()> {
        let needs = self.views.iter().flat_map(|view| view.needs.iter().map(move |need| (need, &view.data)));
        let bytes = needs.map(|(need, data)| need.bytes(data.schema(), data.source.frame.num_rows() as u64));
        let bytes = bytes.sum::<Result<usize>>()?;
        self.capacity = Capacity::new(budget, bytes as u64);
        self.first = First::Nothing;
        let whole = match self.rounds.runs() {
            [Run { rounds, of: Some(rows) }] => {
                let (held_out, whole) = HeldOut::read(self, rounds.clone(), rows, true)?;
                self.first = First::HeldOut(held_out);
                whole
            }
            _ if self.rounds.reads_blocks(self.capacity) => {
                let blocks: Vec<Rows> = (0..self.rounds.blocks()).map(Rows::only).collect();
                let mut states = self.states_of(&blocks, true)?;
                let mut whole = states.pop().unwrap_or_default();
                if self.rounds.needs_all_rows() {
                    states.iter().try_for_each(|block| pass::merge(&mut whole, block))?;
                }
                self.first = First::Blocks(states);
                whole
            }
            _ => self.states_of(&[], true)?.pop().unwrap_or_default(),
        };
        self.whole = finish(whole);
        Ok(())
    }

    /// Merges of many rounds may take longer than reading the rows did.
    fn check_cancelled(&self) -> Result<()> {
        self.views.first().map_or(Ok(()), |view| view.data.cancel_token().check())
    }

    /// Whether the frame has other rows than these.
    fn has_rows_outside(&self, rows: &Rows) -> bool {
        let blocks = self.views.first().and_then(|view| view.data.blocks());
        blocks.is_some_and(|blocks| blocks.num_rows(rows) < blocks.rows())
    }

    /// Drops the requests that fail by themselves.
    fn keep_sound(&mut self, asked: Vec<Vec<Need>>) -> Result<Vec<Vec<FailedNeed>>> {
        let mut all_failed = Vec::new();
        for (view, asked) in self.views.iter_mut().zip(asked) {
            let mut failed: Vec<FailedNeed> = Vec::new();
            view.needs.clear();
            for need in asked {
                if view.needs.iter().chain(failed.iter().map(|(need, _)| need)).any(|other| other.same(&need))
                {
                    continue;
                }
                let all = view.data.source.all_rows();
                match view.data.states_of_groups(std::slice::from_ref(&need), all) {
                    Ok(_) => view.needs.push(need),
                    Err(cancelled) if cancelled.is_cancelled() => return Err(cancelled),
                    Err(error) => failed.push((need, error)),
                }
            }
            all_failed.push(failed);
        }
        Ok(all_failed)
    }

    /// The states of disjoint sets of blocks over all views, then, if `rest`, those of all other rows: merged from the blocks
    /// where these have been read.
    fn states_of(&self, sets: &[Rows], rest: bool) -> Result<Vec<States>> {
        if let First::Blocks(blocks) = &self.first {
            return sets.par_iter().map(|rows| self.merged(blocks, rows)).collect();
        }
        let count = sets.len() + usize::from(rest);
        let mut states: Vec<States> = (0..count).map(|_| States::new()).collect();
        for view in self.views.iter().filter(|view| !view.needs.is_empty()) {
            let others = rest.then_some(sets.len());
            let mut of_block = vec![others; view.data.source.block_count() as usize];
            for (group, set) in sets.iter().enumerate() {
                for block in set.blocks_within(self.rounds.blocks()) {
                    if let Some(of_block) = of_block.get_mut(block as usize) {
                        *of_block = Some(group);
                    }
                }
            }
            let groups = Groups { of_block, unused: others, count };
            let groups = view.data.states_of_groups(&view.needs, groups)?;
            states.iter_mut().zip(groups).for_each(|(all, more)| all.extend(more));
        }
        Ok(states)
    }

    /// The merge of some blocks.
    fn merged(&self, blocks: &[States], rows: &Rows) -> Result<States> {
        let mut selected =
            rows.blocks_within(self.rounds.blocks()).filter_map(|block| blocks.get(block as usize));
        let Some(first) = selected.next() else { return self.empty() };
        let mut states = pass::copy(first);
        selected.try_for_each(|block| pass::merge(&mut states, block))?;
        Ok(states)
    }

    /// The states of no rows.
    fn empty(&self) -> Result<States> {
        let needs = self.views.iter().flat_map(|view| view.needs.iter().map(move |need| (need, &view.data)));
        needs.map(|(need, data)| need.empty(data.schema())).collect()
    }

    /// The rounds of windows, a stretch after the other.
    fn for_each_window<E: From<Error>>(
        &self,
        run: &Run,
        f: &mut impl FnMut(Range<usize>, Vec<Dataset>) -> Result<(), E>,
    ) -> Result<(), E> {
        let stretches = match &self.first {
            First::Blocks(_) => vec![run.rounds.clone()],
            _ => self.rounds.stretches(run.rounds.clone(), self.capacity),
        };
        let empty = self.empty()?;
        for stretch in stretches {
            let (pieces, rounds) = self.rounds.over_pieces(stretch.clone());
            let sets: Vec<Rows> = pieces.iter().cloned().map(Rows::range).collect();
            let states = self.states_of(&sets, false)?;
            let ranges = |rows: &Rows| {
                let ranges = rows.ranges_within(pieces.len() as u32);
                ranges.map(|range| range.start as usize..range.end as usize).collect::<Vec<_>>().into_iter()
            };
            let (mut training, mut validation) = (Windows::default(), Windows::default());
            for places in self.rounds.waves(stretch.clone(), self.capacity.wave) {
                let wave = rounds.get(places.start - stretch.start..places.end - stretch.start);
                let (wave, shown) = (wave.unwrap_or_default(), self.rounds.as_slice().get(places.clone()));
                let shown = shown.unwrap_or_default();
                let mut sets: Vec<(Rows, States)> = Vec::with_capacity(2 * wave.len());
                for (round, shown) in wave.iter().zip(shown) {
                    if sets.last().is_some_and(|(rows, _)| *rows == shown.train) {
                        continue;
                    }
                    let states = training.move_to(ranges(&round.train), &states, &empty)?;
                    sets.push((shown.train.clone(), states));
                }
                for (round, shown) in wave.iter().zip(shown) {
                    let states = validation.move_to(ranges(&round.validate), &states, &empty)?;
                    sets.push((shown.validate.clone(), states));
                }
                self.check_cancelled()?;
                f(places, self.prepared(sets))?;
            }
        }
        Ok(())
    }

    /// The views with answers for some sets of rows.
    fn prepared(&self, sets: Vec<(Rows, States)>) -> Vec<Dataset> {
        let sets = sets.into_iter().map(|(rows, states)| (rows, finish(states)));
        let whole = self.rounds.needs_all_rows().then(|| (Rows::all(), self.whole.clone()));
        let mut sets: Vec<_> = sets.chain(whole).map(|(rows, answers)| (rows, answers.into_iter())).collect();
        let view = |view: &View| {
            let mut shelf = Vec::new();
            for (rows, answers) in &mut sets {
                for (need, answer) in view.needs.iter().zip(answers) {
                    shelf.push(Prepared { need: need.clone(), rows: rows.clone(), answer });
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
