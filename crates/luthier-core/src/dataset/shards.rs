//! Rows in several shards, each of which is split and summarised by itself.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use luthier_frame::{ContentHash, DataFrame, Schema};
use serde::{Deserialize, Serialize};

use super::Dataset;
use super::blocks::Blocks;
use super::link::Link;
use super::meter::Meter;
use super::pass::{self, States};
use super::reader::{Groups, Source};
use crate::summary::Need;
use crate::{Error, Result};

/// The largest number of passes whose summaries are kept: the latest ones.
const MOST_PASSES: usize = 16;

/// By default, the summaries of a pass are not kept if they take more bytes than this.
const MOST_KEPT: u64 = 1 << 28;

/// The summaries of the blocks of some rows, as bytes: they can be kept, sent elsewhere, and merged with those of other rows.
///
/// Rows that are at hand are only answered by what the same requests have computed, so that the bits do not depend on what is
/// known. Rows that are [absent](DataFrame::absent) are also answered by wider requests (see
/// [`Summary::project`](crate::Summary::project)).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockSummaries {
    passes: Vec<Pass>,
    /// A pass that has not ended: the number of partitions that it has read, of how many.
    begun: Option<(u64, u64, Pass)>,
}

/// What one pass over the rows has computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pass {
    /// A hash of the stages before the requests, none of which is fitted; empty if there are none.
    behind: String,
    answers: Vec<Answered>,
    holds_rows: bool,
}

/// The answers to one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Answered {
    name: String,
    spec: Vec<u8>,
    /// The state of each block, then that of the rows in no block.
    states: Vec<Vec<u8>>,
}

impl BlockSummaries {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.passes.is_empty()
    }

    /// Whether a summary holds rows instead of sums over them, as one of few rows with many features may.
    pub fn holds_rows(&self) -> bool {
        self.passes.iter().any(|pass| pass.holds_rows)
    }

    /// The states of each block, if all requests on a view of this schema are answered. What is damaged counts as unknown.
    fn states(
        &self,
        needs: &[Need],
        behind: &str,
        schema: &Schema,
        blocks: usize,
        exactly: bool,
    ) -> Option<Vec<States>> {
        let here = || self.passes.iter().filter(|pass| pass.behind == behind);
        let part = |need| here().find_map(|pass| pass.answer(need, schema));
        let of_needs = match here().find_map(|pass| pass.exactly(needs, schema)) {
            Some(states) => states,
            None if exactly => return None,
            None => needs.iter().map(part).collect::<Option<_>>()?,
        };
        if of_needs.iter().any(|states| states.len() != blocks) {
            return None;
        }
        let mut by_block: Vec<States> = (0..blocks).map(|_| States::new()).collect();
        for states in of_needs {
            by_block.iter_mut().zip(states).for_each(|(block, state)| block.push(state));
        }
        Some(by_block)
    }

    /// The states of each block after the partitions of a pass that was begun.
    fn begun(
        &self,
        needs: &[Need],
        behind: &str,
        schema: &Schema,
        blocks: usize,
        partitions: usize,
    ) -> Option<(usize, Vec<States>)> {
        let (done, of, pass) = self.begun.as_ref()?;
        if *of != partitions as u64 || done > of {
            return None;
        }
        let only = Self { passes: vec![pass.clone()], begun: None };
        Some((usize::try_from(*done).ok()?, only.states(needs, behind, schema, blocks, true)?))
    }

    fn keep_begun(&mut self, done: usize, of: usize, pass: Pass) {
        self.begun = Some((done as u64, of as u64, pass));
    }

    fn keep(&mut self, pass: Pass) {
        self.begun = None;
        self.passes.retain(|known| !known.asks_as(&pass));
        self.passes.push(pass);
        let surplus = self.passes.len().saturating_sub(MOST_PASSES);
        self.passes.drain(..surplus);
    }
}

impl Pass {
    fn new(needs: &[Need], behind: &str, blocks: &[States]) -> Result<Self> {
        let answer = |(place, need): (usize, &Need)| {
            let states = blocks.iter().filter_map(|block| block.get(place));
            let states = states.map(|state| state.to_bytes()).collect::<Result<_>>()?;
            Ok(Answered { name: need.name().to_owned(), spec: need.spec()?, states })
        };
        let answers = needs.iter().enumerate().map(answer).collect::<Result<_>>()?;
        let holds_rows = blocks.iter().flatten().any(|state| state.holds_rows());
        Ok(Self { behind: behind.to_owned(), answers, holds_rows })
    }

    fn asks_as(&self, other: &Self) -> bool {
        let asked = |pass: &Self| -> Vec<(String, Vec<u8>)> {
            pass.answers.iter().map(|one| (one.name.clone(), one.spec.clone())).collect()
        };
        self.behind == other.behind && asked(self) == asked(other)
    }

    /// The states for each request, if the pass was for the same requests in the same order.
    fn exactly(&self, needs: &[Need], schema: &Schema) -> Option<Vec<States>> {
        let restore = |(need, answer): (&Need, &Answered)| {
            let same = need.spec().is_ok_and(|spec| spec == answer.spec);
            if same { answer.restore(need, schema) } else { None }
        };
        (self.answers.len() == needs.len()).then(|| needs.iter().zip(&self.answers).map(restore).collect())?
    }

    fn answer(&self, need: &Need, schema: &Schema) -> Option<States> {
        self.answers.iter().find_map(|answer| answer.restore(need, schema))
    }
}

impl Answered {
    fn restore(&self, need: &Need, schema: &Schema) -> Option<States> {
        let restore = |state: &Vec<u8>| need.restore(&self.spec, state, schema);
        (self.name == need.name()).then(|| self.states.iter().map(restore).collect())?
    }
}

/// A part of the rows of a [`Dataset`] that is summarised by itself, such as those of a day, a file or a site.
#[derive(Debug, Clone)]
pub struct Shard {
    /// The rows, which may be [absent](DataFrame::absent) if their summaries are known.
    pub rows: DataFrame,
    /// Their blocks.
    pub blocks: Blocks,
    /// For each of these blocks the block of the data set that it is a part of.
    pub part_of: Vec<u32>,
    /// The summaries of the blocks that are known.
    pub kept: Kept,
}

/// Where the summaries of blocks are kept: what is known is not computed again, and what is computed is added.
#[derive(Clone)]
pub struct Kept {
    summaries: Arc<Mutex<BlockSummaries>>,
    most: u64,
    save: Option<(Duration, Arc<dyn Fn() + Send + Sync>)>,
}

impl Kept {
    /// These summaries.
    pub fn new(summaries: Arc<Mutex<BlockSummaries>>) -> Self {
        Self { summaries, most: MOST_KEPT, save: None }
    }

    /// The same, where the summaries of a pass that take more bytes than this are not kept (default: 256 MB).
    #[must_use]
    pub fn within(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// Calls `save` whenever there is more to save: after a pass, and during a pass at most once in this time. What has been read of a pass
    /// is then among the summaries, and a pass that is interrupted goes on there, with the same bits.
    #[must_use]
    pub fn saved(self, every: Duration, save: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { save: Some((every, save)), ..self }
    }

    fn lock(&self) -> MutexGuard<'_, BlockSummaries> {
        self.summaries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("summaries", &self.summaries).finish_non_exhaustive()
    }
}

/// A shard of a source, whose rows have their numbers in all rows.
#[derive(Debug)]
pub(super) struct ShardSource {
    source: Source,
    part_of: Vec<u32>,
}

impl Dataset {
    /// The rows of several shards, with `count` blocks that are made of those of the shards.
    ///
    /// The summaries of [`TrainingSets`](crate::TrainingSets) are those of the shards, merged in their order: what is known of a
    /// shard is not computed again, and the bits do not depend on what is known.
    ///
    /// # Errors
    /// No shard; columns that do not agree; a block of a shard that is a part of none that exists; blocks for another number of
    /// rows; a block without rows.
    pub fn of_shards(shards: Vec<Shard>, count: u32) -> Result<Self> {
        let blocks = joined_blocks(&shards, count)?;
        let rows: Vec<DataFrame> = shards.iter().map(|shard| shard.rows.clone()).collect();
        let frame = DataFrame::concat(&rows)?;
        let names: Vec<&str> = frame.schema().names().collect();
        let mut first_row = 0;
        let mut sources = Vec::with_capacity(shards.len());
        for shard in shards {
            let source = Source::starting_at(shard.rows.select(&names)?, first_row);
            first_row += source.frame.num_rows();
            let source = source.with_blocks(shard.blocks)?.keeping(shard.kept);
            sources.push(ShardSource { source, part_of: shard.part_of });
        }
        Ok(Self::from_source(Source::new(frame).with_blocks(blocks)?.with_shards(sources)))
    }

    /// The same view, whose summaries are kept there if [`TrainingSets`](crate::TrainingSets) asks for those of each block.
    #[must_use]
    pub fn keeping(self, kept: Kept) -> Self {
        Self { source: Arc::new(Source::clone(&self.source).keeping(kept)), ..self }
    }

    /// The number of rows that are read where all of these requests are answered for the blocks of this view: those of shards
    /// of which the answers are not known.
    pub fn rows_to_summarize(&self, needs: &[Need]) -> usize {
        let unknown = |source: &Source| {
            let blocks = source.block_count() as usize + 1;
            let kept = source.kept.as_ref().zip(behind(&self.links));
            let is_absent = source.frame.is_absent();
            let is_known = kept.is_some_and(|(kept, behind)| {
                kept.lock().states(needs, &behind, self.schema(), blocks, !is_absent).is_some()
            });
            if is_known { 0 } else { source.frame.num_rows() }
        };
        match &self.source.shards {
            Some(shards) => shards.iter().map(|shard| unknown(&shard.source)).sum(),
            None => unknown(&self.source),
        }
    }

    /// The states of some requests for groups of blocks: from what is known of the blocks, or from the rows.
    pub(super) fn states_of_groups(&self, needs: &[Need], groups: Groups) -> Result<Vec<States>> {
        let (source, links) = (&*self.source, &*self.links);
        let Some(shards) = &source.shards else {
            return match source.kept.is_some() && source.are_blocks(&groups) {
                true => by_block(source, links, needs, &self.meter),
                false => self.pass(needs, groups),
            };
        };
        let mut merged: Vec<Option<States>> = (0..groups.count).map(|_| None).collect();
        for shard in shards.iter() {
            let groups_of = shard.part_of.iter().map(|&block| groups.of(block)).chain([groups.unused]);
            let blocks = by_block(&shard.source, links, needs, &self.meter)?;
            for (group, states) in groups_of.zip(blocks) {
                match group.and_then(|group| merged.get_mut(group)) {
                    Some(Some(into)) => pass::merge(into, &states)?,
                    Some(none) => *none = Some(states),
                    None => {}
                }
            }
        }
        let empty = || needs.iter().map(|need| need.empty(self.schema())).collect::<Result<States>>();
        merged.into_iter().map(|states| states.map_or_else(empty, Ok)).collect()
    }
}

/// The blocks of all rows.
fn joined_blocks(shards: &[Shard], count: u32) -> Result<Blocks> {
    let mut sizes = vec![0; count as usize];
    let mut assignment = Vec::new();
    let are_known = shards.iter().all(|shard| shard.blocks.has_assignment());
    for shard in shards {
        let whole = |block: u32| shard.part_of.get(block as usize).copied().unwrap_or(Blocks::UNUSED);
        for (block, size) in (0..).zip(shard.blocks.sizes()) {
            let whole = whole(block);
            let sum = sizes.get_mut(whole as usize).ok_or_else(|| {
                Error::invalid(format!(
                    "block {block} of a shard is a part of block {whole}, but there are {count} blocks, numbered from 0"
                ))
            })?;
            *sum += size;
        }
        if are_known {
            assignment.extend(shard.blocks.assignment().iter().map(|&block| whole(block)));
        }
    }
    let rows = shards.iter().map(|shard| shard.rows.num_rows()).sum();
    if are_known { Blocks::new(assignment, count) } else { Blocks::of_sizes(sizes, rows) }
}

/// The states of each block, then those of the rows in no block.
fn by_block(source: &Source, links: &[Arc<Link>], needs: &[Need], meter: &Meter) -> Result<Vec<States>> {
    let blocks = source.block_count() as usize;
    let behind = behind(links);
    let groups =
        Groups { of_block: (0..blocks).map(Some).collect(), unused: Some(blocks), count: blocks + 1 };
    // What cannot be named cannot be found again.
    let Some((kept, behind)) = source.kept.as_ref().zip(behind.as_deref()) else {
        return pass::summarize(source, links, needs, groups, meter, None);
    };
    let is_absent = source.frame.is_absent();
    let schema = links.last().map_or(source.frame.schema(), |link| &link.schema);
    let known = kept.lock().states(needs, behind, schema, blocks + 1, !is_absent);
    if let Some(known) = known {
        return Ok(known);
    }
    let partitions = source.frame.num_partitions();
    let begun = kept.lock().begun(needs, behind, schema, blocks + 1, partitions);
    let (done, states) = begun.map_or((0, None), |(done, states)| (done, Some(states)));
    let last = Mutex::new(Instant::now());
    let keep = |done: usize, states: &[States]| {
        let Some((every, save)) = &kept.save else { return Ok(()) };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= *every && done < partitions {
            kept.lock().keep_begun(done, partitions, Pass::new(needs, behind, states)?);
            save();
            *last = Instant::now();
        }
        Ok(())
    };
    let resumed = pass::Resumed { done, states, keep: &keep };
    let states = pass::summarize(source, links, needs, groups, meter, Some(resumed))?;
    let rows = source.frame.num_rows() as u64;
    let bytes = states.iter().flatten().map(|state| state.bytes_of_rows(rows) as u64);
    if bytes.fold(0, u64::saturating_add) <= kept.most {
        kept.lock().keep(Pass::new(needs, behind, &states)?);
        kept.save.iter().for_each(|(_, save)| save());
    }
    Ok(states)
}

/// A hash of stages, empty if there are none; `None` if one cannot be saved, or is made of others.
fn behind(links: &[Arc<Link>]) -> Option<String> {
    let mut hash = ContentHash::new();
    for link in links {
        let model = &link.stage.model;
        let (values, state) = (model.values(), model.state().ok()?);
        let is_single = model.children().all().is_empty();
        is_single.then(|| hash.write(format!("{} {values:?} {state}\n", model.type_name()).as_bytes()))?;
    }
    Some(if links.is_empty() { String::new() } else { hash.finish().to_string() })
}
