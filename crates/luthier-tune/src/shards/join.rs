//! Shards as one data set.

use std::sync::Arc;

use luthier_core::frame::DataFrame;
use luthier_core::{Blocks, Dataset, Round, Rows, Shard};
use serde::{Deserialize, Serialize};

use super::{OneShard, Shards};
use crate::search::Search;
use crate::splitter::{OverShards, Split};
use crate::{Error, Result};

/// How the rows of a shard are split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShardSplit {
    /// The splitter and the seed.
    by: String,
    /// A hash of the blocks of all rows.
    assignment: String,
    /// The number of rows of each block.
    sizes: Vec<u64>,
    rounds: Vec<SavedRound>,
}

/// The ranges of blocks of a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SavedRound {
    train: Vec<(u32, u32)>,
    validate: Vec<(u32, u32)>,
}

impl ShardSplit {
    fn new(by: String, split: &Split) -> Self {
        let blocks = split.blocks().count();
        let ranges = |rows: &Rows| rows.ranges_within(blocks).map(|range| (range.start, range.end)).collect();
        let round =
            |round: &Round| SavedRound { train: ranges(&round.train), validate: ranges(&round.validate) };
        let sizes = split.blocks().sizes().iter().map(|&size| size as u64).collect();
        Self {
            by,
            assignment: split.hash_of_blocks(),
            sizes,
            rounds: split.rounds().iter().map(round).collect(),
        }
    }

    fn rounds(&self) -> Vec<Round> {
        let rows = |ranges: &[(u32, u32)]| Rows::blocks(ranges.iter().flat_map(|&(start, end)| start..end));
        self.rounds.iter().map(|round| Round::new(rows(&round.train), rows(&round.validate))).collect()
    }

    /// Whether it can be a split of this number of rows.
    pub(super) fn is_sound(&self, rows: usize) -> bool {
        let blocks = u32::try_from(self.sizes.len()).unwrap_or(0);
        let sum = self.sizes.iter().try_fold(0u64, |sum, &size| sum.checked_add(size));
        let ascending = |ranges: &[(u32, u32)]| {
            ranges.iter().all(|&(start, end)| start < end && end <= blocks)
                && ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0)
        };
        sum.is_some_and(|sum| sum <= rows as u64)
            && self.sizes.iter().all(|&size| size > 0)
            && self.rounds.iter().all(|round| ascending(&round.train) && ascending(&round.validate))
    }

    /// The blocks, of which only the sizes are known.
    fn blocks(&self, rows: usize) -> luthier_core::Result<Blocks> {
        let sizes = self.sizes.iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX));
        Blocks::of_sizes(sizes.collect(), rows)
    }
}

/// Shards as one data set, split.
#[derive(Debug, Clone)]
pub(crate) struct Joined {
    pub(crate) frame: DataFrame,
    pub(crate) split: Split,
    pub(crate) base: Dataset,
    pub(crate) fingerprint: Option<String>,
    /// The names of shards whose rows are not here.
    pub(crate) absent: Vec<String>,
}

impl Search {
    /// Splits each shard and makes one data set of all.
    pub(crate) fn join_shards(&self, shards: &mut Shards) -> Result<Joined> {
        let frame = shards.rows()?;
        let budget = self.memory_budget.bytes();
        let over = self.splitter.over_shards();
        let holds_out_shards = over == OverShards::HoldOutEach;
        if shards.len() > 1 && over == OverShards::Refused {
            return Err(Error::splitter(
                self.splitter.as_ref(),
                anyhow::anyhow!(
                    "its splits of single shards cannot be put together: use k_fold, train_ratio, a column of folds or \
                     leave_one_shard_out"
                ),
            ));
        }
        let by = format!("{:?}, seed {}", self.splitter, self.seed);
        let mut splits = Vec::with_capacity(shards.len());
        for shard in &mut shards.shards {
            splits.push(self.blocks_of(shard, &by, holds_out_shards)?);
        }
        let absent = shards.absent().into_iter().map(str::to_owned).collect();
        let fingerprint = match &self.journal {
            Some(_) => Some(shards.fingerprint()?),
            None => None,
        };
        if let ([shard], [blocks], false) = (&shards.shards[..], &splits[..], holds_out_shards)
            && let Some(split) = &shard.split
            && blocks.has_assignment()
        {
            let split = Split::new(blocks.clone(), split.rounds());
            let base = Dataset::with_blocks(frame.clone(), blocks.clone())?;
            let base = base.keeping(shards.kept(shard, budget));
            return Ok(Joined { frame, split, base, fingerprint, absent });
        }
        let (count, rounds) = match holds_out_shards {
            true => {
                let count = splits.len() as u32;
                if count < 2 {
                    return Err(Error::splitter(
                        self.splitter.as_ref(),
                        anyhow::anyhow!(
                            "there is one shard, expected at least two: each is held out in turn"
                        ),
                    ));
                }
                (count, (0..count).map(Round::hold_out).collect())
            }
            false => common_rounds(self, &shards.shards)?,
        };
        let part = |(number, (shard, blocks)): (usize, (&OneShard, Blocks))| Shard {
            rows: shard.rows.clone(),
            part_of: match holds_out_shards {
                true => vec![number as u32; blocks.count() as usize],
                false => (0..blocks.count()).collect(),
            },
            blocks,
            kept: shards.kept(shard, budget),
        };
        let parts = shards.shards.iter().zip(splits).enumerate().map(part).collect();
        let base = Dataset::of_shards(parts, count)?;
        let blocks = match base.blocks() {
            Some(blocks) => blocks.clone(),
            None => Blocks::of_sizes(Vec::new(), frame.num_rows())?,
        };
        Ok(Joined { frame, split: Split::new(blocks, rounds), base, fingerprint, absent })
    }

    /// The blocks of a shard. What is known of it is forgotten if it was split in another way.
    fn blocks_of(&self, shard: &mut OneShard, by: &str, holds_out_shards: bool) -> Result<Blocks> {
        let rows = shard.rows.num_rows();
        if shard.rows.is_absent() {
            let split = shard.split.as_ref().filter(|split| holds_out_shards || split.by == by);
            let Some(split) = split else {
                let found = shard.split.as_ref().map_or("nothing is known of it", |split| &split.by);
                return Err(Error::invalid(format!(
                    "the rows of shard `{}` are not here, and it was split by another splitter: found {found}, expected {by}",
                    shard.name
                )));
            };
            return Ok(split.blocks(rows)?);
        }
        let split = match holds_out_shards {
            true => Split::new(Blocks::new(vec![0; rows], 1)?, []),
            false => self.split_rows(&shard.rows)?,
        };
        let found = ShardSplit::new(by.to_owned(), &split);
        if shard.split.as_ref() != Some(&found) {
            // A copy of these shards may know them.
            shard.summaries = Arc::default();
            shard.split = Some(found);
        }
        Ok(split.blocks().clone())
    }
}

/// The blocks and the rounds of all shards, which must be the same in each.
fn common_rounds(search: &Search, shards: &[OneShard]) -> Result<(u32, Vec<Round>)> {
    let known: Vec<(&str, &ShardSplit)> =
        shards.iter().filter_map(|shard| Some((shard.name.as_str(), shard.split.as_ref()?))).collect();
    let Some((first_name, first)) = known.first() else {
        return Err(Error::invalid("there are no shards"));
    };
    for (name, split) in &known {
        if split.sizes.len() != first.sizes.len() || split.rounds != first.rounds {
            return Err(Error::splitter(
                search.splitter.as_ref(),
                anyhow::anyhow!(
                    "it divides the shards `{first_name}` and `{name}` into different blocks or rounds ({} and {} blocks), so they \
                     cannot be put together: use k_fold, train_ratio or leave_one_shard_out",
                    first.sizes.len(),
                    split.sizes.len()
                ),
            ));
        }
    }
    Ok((first.sizes.len() as u32, first.rounds()))
}
