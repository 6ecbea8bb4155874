use std::ops::Range;

use luthier_core::frame::{ColumnType, DataFrame, Schema};
use luthier_core::params::Params;
use luthier_core::{Blocks, Round, Rounds, Rows};

use super::columns::{places, require};
use super::{NamedSplitter, Split, Splitter, hold_out, invalid};

/// Rounds in the order of time: trains on rows up to an origin and validates on the rows behind it, then moves the origin on.
///
/// Everything is counted in distinct points in time, of which there are `T`: those of `time_col`, or the rows in their order.
/// Rows of the same time stay together. Round `r` trains on the times before `initial + r · step`, or on the last `window` of
/// these, and validates on the `horizon` times that follow after a `gap`. There are as many rounds as have a complete
/// horizon. By default, there are five that end at the last time, as by scikit-learn's `TimeSeriesSplit`. The seed is ignored.
///
/// ```
/// use luthier_tune::core::frame::{Column, DataFrame};
/// use luthier_tune::{RollingOrigin, Splitter};
///
/// let frame = DataFrame::from_columns(vec![("month", Column::i64(vec![1, 1, 2, 3, 4, 4]))])?;
/// let split = RollingOrigin::new().time_col("month").initial(2).horizon(1).split(&frame, 0)?;
/// let sizes: Vec<_> = (0..2).map(|r| (split.num_training_rows(r), split.num_validation_rows(r))).collect();
/// assert_eq!(sizes, [(3, 1), (4, 2)]); // months 1 and 2, then 3; months 1 to 3, then 4
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct RollingOrigin {
    /// Column of times: numbers, dates or timestamps. Without it, the rows are in the order of time.
    time_col: Option<String>,
    /// Number of times before the first origin; by default, what leaves five rounds.
    #[param(range = 1..)]
    initial: Option<u32>,
    /// Number of times to validate on; by default, a sixth of all.
    #[param(range = 1..)]
    horizon: Option<u32>,
    /// Number of times by which the origin moves from one round to the next; by default, the horizon.
    #[param(range = 1..)]
    step: Option<u32>,
    /// Number of times between the training and the validation rows that are in neither.
    #[param(default = 0)]
    gap: u32,
    /// Number of times to train on, if that is not all before the origin (a sliding instead of an expanding window).
    #[param(range = 1..)]
    window: Option<u32>,
}

impl RollingOrigin {
    /// The rounds over points in time.
    fn rounds(&self, times: usize) -> anyhow::Result<Vec<Round>> {
        let gap = self.gap as usize;
        let horizon = self.horizon.map_or_else(|| (times / 6).max(1), |horizon| horizon as usize);
        let step = self.step.map_or(horizon, |step| step as usize);
        let initial = match self.initial {
            Some(initial) => initial as usize,
            None => times.saturating_sub(4 * step + horizon + gap),
        };
        if initial == 0 || initial + gap + horizon > times {
            return Err(invalid(format!(
                "{times} points in time do not suffice for {} of training, a gap of {gap} and a horizon of {horizon}: lower \
                 initial, gap or horizon, or give more rows",
                initial.max(1)
            )));
        }
        let origins = (initial..).step_by(step).take_while(|origin| origin + gap + horizon <= times);
        let round = |origin: usize| {
            let start = self.window.map_or(0, |window| origin.saturating_sub(window as usize));
            let validate = origin + gap..origin + gap + horizon;
            let rows = |times: Range<usize>| Rows::range(times.start as u32..times.end as u32);
            Round::new(rows(start..origin), rows(validate))
        };
        Ok(origins.map(round).collect())
    }

    /// The place in time of each row, and the number of points in time.
    fn times(&self, frame: &DataFrame) -> anyhow::Result<(Vec<u32>, usize)> {
        let Some(column) = &self.time_col else {
            let rows = u32::try_from(frame.num_rows())?;
            return Ok(((0..rows).collect(), rows as usize));
        };
        check_time(frame.schema(), column)?;
        places(frame, column)
    }
}

fn check_time(schema: &Schema, column: &str) -> anyhow::Result<()> {
    use ColumnType::{Date, F64, I64, Timestamp};
    let takes = |found| matches!(found, F64 | I64 | Date | Timestamp);
    let expected = "numbers, dates or timestamps, in the order of time; text is read as dates if it is written as 2024-02-29";
    require(schema, column, takes, expected)
}

impl Splitter for RollingOrigin {
    fn split(&self, frame: &DataFrame, _seed: u64) -> anyhow::Result<Split> {
        self.validate()?;
        let (time_of, times) = self.times(frame)?;
        let rounds = self.rounds(times)?;
        // A block is a range of times that all rounds take or leave as a whole.
        let all = 0..rounds.len();
        let (blocks, rounds) = Rounds::new(rounds, u32::try_from(times)?).over_pieces(all);
        let block_of = |time: &u32| {
            let block = blocks.partition_point(|times| times.end <= *time);
            match blocks.get(block) {
                Some(times) if times.contains(time) => block as u32,
                _ => Blocks::UNUSED,
            }
        };
        let assignment = time_of.iter().map(block_of).collect();
        Ok(Split::new(Blocks::new(assignment, blocks.len() as u32)?, rounds))
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        self.time_col.iter().try_for_each(|column| check_time(schema, column))
    }

    /// The latest times. No `gap` is left before them.
    fn test_rows(&self, frame: &DataFrame, share: f64, _seed: u64) -> anyhow::Result<Vec<bool>> {
        let (times, count) = self.times(frame)?;
        if count < 2 {
            return Err(invalid(format!(
                "{count} point in time cannot be divided into training and test rows, expected at least 2"
            )));
        }
        Ok(hold_out::latest(&times, hold_out::wanted(times.len(), share)))
    }

    fn num_rounds(&self) -> Option<usize> {
        None
    }
}

impl NamedSplitter for RollingOrigin {
    const NAME: &'static str = "rolling_origin";
}

crate::register_splitter!(RollingOrigin: "Trains on the past and validates on what follows, again and again.");
