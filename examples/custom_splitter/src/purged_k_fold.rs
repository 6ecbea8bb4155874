use std::ops::Range;

use anyhow::{bail, ensure};
use luthier_tune::core::frame::{ColumnType, DataFrame, Error, Schema};
use luthier_tune::core::{Blocks, Params, Required, Round, Rounds, Rows};
use luthier_tune::{NamedSplitter, Split, Splitter, hold_out};

/// Cross-validation for rows in the order of time whose labels look ahead, such as the return of the next five days.
///
/// The folds are stretches of time. A label at time `t` says something about the times `t ..= t + horizon`, so rows close to a
/// fold on either side share what they are to predict with the rows of the fold. They are left out of its training rows
/// ("purged"), and so are the `embargo` times that follow, whose features still remember the fold (López de Prado, *Advances in
/// Financial Machine Learning*, 2018, chapter 7).
///
/// With `T` distinct times in their order, fold `f` of `k` is the times `⌊fT/k⌋ .. ⌊(f+1)T/k⌋`. If these are `start .. end`, the
/// training rows are those before `start − horizon` and from `end + horizon + embargo`. The seed is ignored.
#[derive(Debug, Clone, PartialEq, Params)]
pub struct PurgedKFold {
    /// Column of times: numbers, dates or timestamps.
    time_col: Required<String>,
    /// Number of folds.
    #[param(default = 5, range = 2..)]
    num_folds: u32,
    /// Number of times that a label looks ahead.
    #[param(default = 0)]
    horizon: u32,
    /// Number of further times behind a fold that are not trained on.
    #[param(default = 0)]
    embargo: u32,
}

impl PurgedKFold {
    /// The rounds over times.
    fn rounds(&self, times: u32) -> anyhow::Result<Vec<Round>> {
        let Self { num_folds, horizon, embargo, .. } = *self;
        ensure!(
            times >= num_folds,
            "{times} distinct times cannot be divided into {num_folds} folds: lower num_folds"
        );
        let bound = |fold: u32| (u64::from(fold) * u64::from(times) / u64::from(num_folds)) as u32;
        let round = |fold: u32| {
            let (start, end) = (bound(fold), bound(fold + 1));
            let before = 0..start.saturating_sub(horizon);
            let behind = end.saturating_add(horizon).saturating_add(embargo).min(times)..times;
            ensure!(
                !(before.is_empty() && behind.is_empty()),
                "fold {fold} leaves no training rows: horizon = {horizon} and embargo = {embargo} take all of {times} times"
            );
            Ok(Round::new(Rows::range(before).and(&Rows::range(behind)), Rows::range(start..end)))
        };
        (0..num_folds).map(round).collect()
    }

    /// The place in time of each row, and the number of distinct times.
    fn times(&self, frame: &DataFrame) -> anyhow::Result<(Vec<u32>, u32)> {
        self.check_schema(frame.schema())?;
        let column = self.time_col.get()?;
        let ranks = frame.ranks(column)?;
        let known = |(row, rank): (usize, Option<u32>)| {
            rank.ok_or_else(|| Error::Null { column: column.clone(), row })
        };
        let times = ranks.of_row.into_iter().enumerate().map(known).collect::<Result<_, _>>()?;
        Ok((times, u32::try_from(ranks.distinct.len())?))
    }
}

impl Splitter for PurgedKFold {
    fn split(&self, frame: &DataFrame, _seed: u64) -> anyhow::Result<Split> {
        let (time_of, times) = self.times(frame)?;
        let rounds = self.rounds(times)?;
        // One block for all times that every round takes or leaves together: there are few of them, however many times.
        let all = 0..rounds.len();
        let (pieces, rounds) = Rounds::new(rounds, times).over_pieces(all);
        let block = |time: &u32| pieces.partition_point(|piece: &Range<u32>| piece.end <= *time) as u32;
        let blocks = time_of.iter().map(block).collect();
        Ok(Split::new(Blocks::new(blocks, u32::try_from(pieces.len())?)?, rounds))
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        self.validate()?;
        let column = self.time_col.get()?;
        match schema.require(column)?.column_type() {
            ColumnType::I64 | ColumnType::F64 | ColumnType::Date | ColumnType::Timestamp => Ok(()),
            found => {
                bail!("time_col: the column `{column}` is {found}, expected numbers, dates or timestamps")
            }
        }
    }

    fn num_rounds(&self) -> Option<usize> {
        Some(self.num_folds as usize)
    }

    /// The latest rows. The labels of the last `horizon` times before them look into them.
    fn test_rows(&self, frame: &DataFrame, share: f64, _seed: u64) -> anyhow::Result<Vec<bool>> {
        let (times, _) = self.times(frame)?;
        Ok(hold_out::latest(&times, hold_out::wanted(times.len(), share)))
    }
}

impl NamedSplitter for PurgedKFold {
    const NAME: &'static str = "acme.purged_k_fold";
}

luthier_tune::register_splitter!(PurgedKFold: "Cross-validation over stretches of time, without training rows whose labels overlap.");
