//! Finds the bucket of a number.

use luthier_core::frame::{ColumnType, Field, Schema};
use luthier_core::{Error, Outputs, Tile};

use super::HandleInvalid;
use crate::categories::UNKNOWN;
use crate::columns;

/// Buckets between ascending splits: `[s₀, s₁), [s₁, s₂), …, [sₙ₋₁, sₙ]`.
#[derive(Debug)]
pub(super) struct Buckets<'a> {
    pub(super) input_col: &'a str,
    pub(super) output_col: &'a str,
    pub(super) splits: &'a [f64],
    pub(super) handle_invalid: HandleInvalid,
}

impl Buckets<'_> {
    pub(super) fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::require_numeric(schema, self.input_col)?;
        Ok(vec![self.field(schema)?])
    }

    pub(super) fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let values = rows.numbers(self.input_col)?;
        let buckets = values.iter().enumerate().map(|(i, &x)| self.bucket(rows, i, x));
        let buckets = buckets.collect::<Result<Vec<_>, Error>>()?;
        out.keep(buckets.iter().map(Option::is_some).collect());
        out.numbers(buckets.into_iter().flatten().collect());
        Ok(())
    }

    /// The field of the indices, with intervals as categories.
    fn field(&self, schema: &Schema) -> Result<Field, Error> {
        let input = schema.require(self.input_col)?;
        let field = Field::new(self.output_col, ColumnType::F64).with_feature_names_of(input);
        let last = self.splits.len().saturating_sub(2);
        let intervals = self
            .splits
            .windows(2)
            .enumerate()
            .map(|(i, ends)| format!("[{}, {}{}", ends[0], ends[1], if i == last { ']' } else { ')' }));
        let unknown = (self.handle_invalid == HandleInvalid::Keep).then(|| UNKNOWN.to_owned());
        Ok(field.with_categories(intervals.chain(unknown.filter(|_| !self.splits.is_empty()))))
    }

    /// The bucket of a value; `None` if its row is to be dropped.
    fn bucket(&self, rows: &Tile<'_>, i: usize, x: f64) -> Result<Option<f64>, Error> {
        let bad_value = |found: String, expected| Err(rows.bad_value_of(self.input_col, i, found, expected));
        let count = self.splits.len().saturating_sub(1);
        let (Some(&first), Some(&last)) = (self.splits.first(), self.splits.last()) else {
            return Ok(None);
        };
        if x.is_nan() {
            return match self.handle_invalid {
                HandleInvalid::Error => bad_value(
                    "null or NaN".to_owned(),
                    "a number in every row; fill missing values, or set `handle_invalid` to skip or keep",
                ),
                HandleInvalid::Skip => Ok(None),
                HandleInvalid::Keep => Ok(Some(count as f64)),
            };
        }
        if x < first || x > last {
            return bad_value(
                x.to_string(),
                "a number between the first and the last split; use -inf and inf as first and last split to accept all numbers",
            );
        }
        let above = self.splits.partition_point(|split| *split <= x);
        Ok(Some((above - 1).min(count - 1) as f64))
    }
}
