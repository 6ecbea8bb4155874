//! The tile reader: the one place where rows are read and counted.

use std::collections::BTreeSet;
use std::sync::Arc;

use luthier_frame::{ColumnType, DataFrame, Field, RecordBatch, Schema};

use super::blocks::{Blocks, Rows};
use super::link::{Demand, Link};
use super::meter::Meter;
use super::shards::{Kept, ShardSource};
use crate::cancel::CancelToken;
use crate::rows::{Batch, Chain, Picked, Places, Tile, View, through_frame};
use crate::{Error, Result};

/// Floats in a tile: a quarter of a megabyte, which fits in a second-level cache together with the rows it is made of.
const TILE_FLOATS: usize = 1 << 15;

/// The assumed number of stored values in a sparse row.
const SPARSE_WIDTH: usize = 32;

/// The rows of a group in a chunk of several groups: with fewer, prefetching would cost more than it saves.
const GROUP_ROWS: usize = 128;

/// The number of groups for which a tile of a file is decoded at once, about 32 MB.
const GROUPS_DECODED: usize = 128;

/// The frame, its blocks, and where its partitions start.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) frame: DataFrame,
    pub(super) blocks: Option<Blocks>,
    /// The number of stages, from the first on, whose outputs have been appended to the frame.
    pub(super) held: usize,
    /// The shards that it is made of, if there are any.
    pub(super) shards: Option<Arc<[ShardSource]>>,
    /// The summaries of its blocks that are kept.
    pub(super) kept: Option<Kept>,
    /// The number of its first row.
    first_row: usize,
    starts: Vec<usize>,
}

impl Source {
    pub(super) fn new(frame: DataFrame) -> Self {
        Self::starting_at(frame, 0)
    }

    /// Rows whose first one has this number.
    pub(super) fn starting_at(frame: DataFrame, first_row: usize) -> Self {
        let starts = frame
            .partitions()
            .iter()
            .scan(first_row, |next, partition| {
                let start = *next;
                *next += partition.num_rows();
                Some(start)
            })
            .collect();
        Self { frame, blocks: None, held: 0, shards: None, kept: None, first_row, starts }
    }

    pub(super) fn with_blocks(self, blocks: Blocks) -> Result<Self> {
        let rows = self.frame.num_rows();
        if blocks.rows() != rows {
            return Err(Error::invalid(format!(
                "the blocks were made for {} rows, but the frame has {rows}",
                blocks.rows()
            )));
        }
        Ok(Self { blocks: Some(blocks), ..self })
    }

    pub(super) fn with_shards(self, shards: Vec<ShardSource>) -> Self {
        Self { shards: Some(shards.into()), ..self }
    }

    pub(super) fn keeping(self, kept: Kept) -> Self {
        Self { kept: Some(kept), ..self }
    }

    /// Whether the frame has this column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.frame.schema().index_of(column).is_some()
    }

    /// The same rows with the columns that all of these stages append, except those of the first `given_up`.
    pub(super) fn through(&self, links: &[Arc<Link>], given_up: usize, cancel: &CancelToken) -> Result<Self> {
        let (held, new) = links.split_at_checked(self.held).unwrap_or((links, &[]));
        let of = |links: &[Arc<Link>]| {
            links.iter().flat_map(|link| link.stage.signature.outputs.clone()).collect::<Vec<_>>()
        };
        let given_up = of(held.get(..given_up).unwrap_or_default());
        let given_up: Vec<&str> = given_up.iter().map(Field::name).filter(|name| self.has(name)).collect();
        let frame = if given_up.is_empty() { self.frame.clone() } else { self.frame.drop(&given_up)? };
        let mut places = Places::new(frame.schema().names());
        let chain = Chain::new(new.iter().map(|link| &link.stage), &mut places)?;
        let schema = frame.schema().with_fields(of(new))?;
        let frame = through_frame(&frame, schema, |batch| {
            cancel.check()?;
            chain.run(batch)
        })?;
        Ok(Self { blocks: self.blocks.clone(), held: links.len(), ..Self::new(frame) })
    }

    /// The same rows in partitions of about `rows` rows, if they are in memory.
    pub(super) fn in_stretches(&self, rows: usize) -> Result<Self> {
        if !self.frame.is_in_memory() {
            return Ok(self.clone());
        }
        let frame = self.frame.repartition(self.frame.num_rows().div_ceil(rows).max(1))?;
        Ok(Self { blocks: self.blocks.clone(), held: self.held, ..Self::new(frame) })
    }

    /// The number of selected rows before each partition.
    pub(super) fn selected_before(&self, rows: &Rows) -> Vec<usize> {
        let end = self.first_row + self.frame.num_rows();
        let ends = self.starts.iter().skip(1).copied().chain([end]);
        let selected = |(&start, end): (&usize, usize)| match &self.blocks {
            _ if rows.is_all() => end - start,
            None if rows.includes(0) => end - start,
            None => 0,
            Some(blocks) => {
                let of_rows = start - self.first_row..end - self.first_row;
                let of_partition = blocks.assignment().get(of_rows).unwrap_or_default();
                of_partition.iter().filter(|block| rows.includes(**block)).count()
            }
        };
        let counts = self.starts.iter().zip(ends).map(selected);
        counts.scan(0, |before, count| Some(std::mem::replace(before, *before + count))).collect()
    }

    /// All rows as one group.
    pub(super) fn all_rows(&self) -> Groups {
        self.one_group(&Rows::all())
    }

    /// Some rows as one group.
    pub(super) fn one_group(&self, rows: &Rows) -> Groups {
        let of_block = (0..self.block_count()).map(|block| rows.includes(block).then_some(0)).collect();
        Groups { of_block, unused: rows.is_all().then_some(0), count: 1 }
    }

    /// Whether there is a group for each block, and one for all other rows.
    pub(super) fn are_blocks(&self, groups: &Groups) -> bool {
        let blocks = self.block_count() as usize;
        let is_rest = match groups.unused {
            Some(group) => group == blocks,
            None => self.blocks.as_ref().is_none_or(|all| all.sizes().iter().sum::<usize>() == all.rows()),
        };
        groups.count == blocks + 1
            && is_rest
            && groups.of_block.iter().enumerate().all(|(block, group)| *group == Some(block))
    }

    /// Without blocks all rows are in block 0.
    pub(super) fn block_count(&self) -> u32 {
        self.blocks.as_ref().map_or(1, Blocks::count)
    }
}

/// Assigns every block to a group or leaves it out.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    pub(super) of_block: Vec<Option<usize>>,
    /// The group of rows that are in no block.
    pub(super) unused: Option<usize>,
    pub(super) count: usize,
}

impl Groups {
    pub(super) fn of(&self, block: u32) -> Option<usize> {
        match self.of_block.get(block as usize) {
            Some(group) => *group,
            None => self.unused,
        }
    }
}

/// One view of the rows behind a shared prefix: further stages and the columns requested behind them.
#[derive(Debug)]
pub(super) struct Branch<'a> {
    pub(super) links: &'a [Arc<Link>],
    pub(super) columns: &'a [String],
}

/// Reads the rows of one view, or of several that share a prefix of stages.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    source: &'a Source,
    prefix: Chain,
    branches: Vec<Shown>,
    projection: Vec<usize>,
    tile_rows: usize,
    groups: Groups,
    meter: &'a Meter,
}

/// One branch: its stages, the requested columns, and their places behind the stages.
#[derive(Debug)]
struct Shown {
    chain: Chain,
    columns: Schema,
    places: Vec<usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        source: &'a Source,
        prefix: &'a [Arc<Link>],
        branches: Vec<Branch<'a>>,
        groups: Groups,
        meter: &'a Meter,
    ) -> Result<Self> {
        let mut wanted = BTreeSet::new();
        let mut needed_of = Vec::with_capacity(branches.len());
        for branch in &branches {
            let columns = branch.columns.iter().cloned().collect();
            let demand = Demand::of(columns, branch.links, prefix.len(), source);
            wanted.extend(demand.columns);
            needed_of.push(demand.links);
        }
        let demand = Demand::of(wanted, prefix, 0, source);
        let schema = source.frame.schema();
        let mut projection: Vec<usize> =
            demand.columns.iter().filter_map(|column| schema.index_of(column)).collect();
        projection.sort_unstable();
        let stages = |links: Vec<&'a Link>| links.into_iter().map(|link| &link.stage);
        let names = projection.iter().filter_map(|&position| Some(schema.fields().get(position)?.name()));
        let mut places = Places::new(names);
        let prefix_chain = Chain::new(stages(demand.links), &mut places)?;
        let mut width = 1;
        let mut shown = Vec::with_capacity(branches.len());
        for (branch, needed) in branches.iter().zip(needed_of) {
            let schema = branch.links.last().or(prefix.last()).map_or(schema, |link| &link.schema);
            width = width.max(branch.columns.iter().map(|column| width_of(schema, column)).sum());
            let mut places = places.clone();
            let chain = Chain::new(stages(needed), &mut places)?;
            let mut columns: Vec<&String> = branch.columns.iter().collect();
            columns.sort_unstable();
            columns.dedup();
            let fields = columns.iter().filter_map(|column| schema.field(column).cloned());
            let columns = Schema::new(fields.collect())?;
            let places = places.find_all(columns.names())?;
            shown.push(Shown { chain, columns, places });
        }
        let tile_rows = (TILE_FLOATS / width).clamp(32, 8192);
        Ok(Self { source, prefix: prefix_chain, branches: shown, projection, tile_rows, groups, meter })
    }

    /// Calls `f` for the rows of one partition, some thousands or a batch at a time, in their order.
    pub(super) fn for_each_chunk(
        &self,
        partition: usize,
        mut f: impl FnMut(&GroupedChunk<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some(rows) = self.source.frame.partitions().get(partition) else { return Ok(()) };
        let mut first_row = self.source.starts.get(partition).copied().unwrap_or(0);
        let chunk_rows = self.chunk_rows();
        // Rows of a file are cut like rows in memory, so that the results are the same to the last bit.
        let batch_rows = chunk_rows.min(self.tile_rows * GROUPS_DECODED);
        for batch in rows.batches_of(Some(&self.projection), batch_rows)? {
            let batch = batch?;
            let mut offset = 0;
            while offset < batch.num_rows() {
                let len = chunk_rows.min(batch.num_rows() - offset);
                self.read_chunk(batch.slice(offset, len), first_row + offset, &mut f)?;
                offset += len;
            }
            first_row += batch.num_rows();
        }
        Ok(())
    }

    pub(super) fn groups(&self) -> usize {
        self.groups.count
    }

    /// The number of rows that are cut into groups at once: about a tile per group, so that memory prefetched for the rows of
    /// one group is still in the cache for the next. Transformed rows cost memory.
    fn chunk_rows(&self) -> usize {
        let transforms =
            !self.prefix.is_empty() || self.branches.iter().any(|branch| !branch.chain.is_empty());
        let most = if transforms { 64 } else { usize::MAX };
        let groups = self.groups.count.clamp(1, most);
        if groups == 1 { self.tile_rows } else { (2 * self.tile_rows).max(GROUP_ROWS * groups) }
    }

    fn read_chunk(
        &self,
        batch: RecordBatch,
        first_row: usize,
        f: &mut impl FnMut(&GroupedChunk<'_>) -> Result<()>,
    ) -> Result<()> {
        let picks: Arc<[Pick]> = self.picks(first_row, 0..batch.num_rows()).into();
        let picked: usize = picks.iter().map(|pick| pick.len()).sum();
        if picked == 0 {
            return Ok(());
        }
        self.meter.read_rows(picked)?;
        let rows = Batch::new(batch.columns(), batch.num_rows(), first_row);
        let Some(shared) = self.prefix.run(rows)? else { return Ok(()) };
        let batches = self.branches.iter().map(|branch| branch.chain.run(shared.clone()));
        let batches = batches.collect::<Result<Vec<_>>>()?;
        let shown = self.branches.iter().zip(&batches).map(|(branch, batch)| {
            let batch = batch.as_ref()?;
            let picks = match batch.origin.is_whole() {
                true => Arc::clone(&picks),
                false => self.picks(first_row, (0..batch.rows).map(|i| batch.origin.offset(i))).into(),
            };
            Some((picks, View::new(&branch.columns, batch, &branch.places)))
        });
        let shown: Vec<_> = shown.collect();
        if picks.len() > 1 {
            shown.iter().flatten().for_each(|(_, view)| view.prefetch());
        }
        f(&GroupedChunk { shown, tile_rows: self.tile_rows })
    }

    /// The rows of each group, by their place; `offsets` are their positions relative to `first_row`.
    fn picks(&self, first_row: usize, offsets: impl ExactSizeIterator<Item = usize>) -> Vec<Pick> {
        let rows = offsets.len();
        let Some(blocks) = &self.source.blocks else {
            let all = self.groups.of(0);
            let pick = |group| if all == Some(group) { Pick::All(rows) } else { Pick::Some(Vec::new()) };
            return (0..self.groups.count).map(pick).collect();
        };
        let first = first_row - self.source.first_row;
        let assignment = blocks.assignment().get(first..).unwrap_or_default();
        let mut picks = vec![Vec::new(); self.groups.count];
        for (i, offset) in (0..).zip(offsets) {
            if let Some(group) = assignment.get(offset).and_then(|&block| self.groups.of(block)) {
                picks[group].push(i);
            }
        }
        picks.into_iter().map(|rows_of| Pick::new(rows_of, rows)).collect()
    }
}

/// Consecutive rows as seen through every branch, sorted by group.
pub(super) struct GroupedChunk<'a> {
    /// The rows of each branch, unless it drops all of them.
    shown: Vec<Option<(Arc<[Pick]>, View<'a>)>>,
    tile_rows: usize,
}

impl GroupedChunk<'_> {
    /// The tiles of one group as seen through one branch, in row order.
    pub(super) fn for_each_tile(
        &self,
        branch: usize,
        group: usize,
        mut f: impl FnMut(&Tile<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some((picks, view)) = self.shown.get(branch).and_then(Option::as_ref) else { return Ok(()) };
        match picks.get(group) {
            Some(pick) => pick.tiles(self.tile_rows, |picked| f(&view.tile(picked))),
            None => Ok(()),
        }
    }
}

/// The rows of one group in a chunk.
#[derive(Debug, Clone)]
enum Pick {
    All(usize),
    Some(Vec<u32>),
}

impl Pick {
    fn new(picked: Vec<u32>, rows: usize) -> Self {
        if picked.len() == rows { Self::All(rows) } else { Self::Some(picked) }
    }

    fn len(&self) -> usize {
        match self {
            Self::All(rows) => *rows,
            Self::Some(indices) => indices.len(),
        }
    }

    /// Tiles of about equal size, because a small last tile would cost as much as a large one.
    fn tiles(&self, tile_rows: usize, mut f: impl FnMut(Picked<'_>) -> Result<()>) -> Result<()> {
        let tiles = (self.len() + tile_rows / 2) / tile_rows.max(1);
        let tile_rows = self.len().div_ceil(tiles.max(1)).max(1);
        match self {
            Self::All(rows) => (0..*rows)
                .step_by(tile_rows)
                .try_for_each(|start| f(Picked::Range(start..(start + tile_rows).min(*rows)))),
            Self::Some(indices) => {
                indices.chunks(tile_rows).try_for_each(|indices| f(Picked::Indices(indices)))
            }
        }
    }
}

/// The approximate number of values per row of the column.
fn width_of(schema: &Schema, column: &str) -> usize {
    match schema.field(column).map(|field| (field.column_type(), field.is_sparse())) {
        Some((ColumnType::Vector { width }, true)) => width.min(SPARSE_WIDTH),
        Some((ColumnType::Vector { width }, false)) => width,
        _ => 1,
    }
}
