//! From a number to its bucket.

use luthier_core::Error;
use luthier_core::frame::{Column, ColumnType, DataFrame, Field, Schema};

use super::HandleInvalid;
use super::handle_invalid::UNKNOWN;
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
    pub(super) fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let data = data.collect()?;
        columns::require_numeric(data.schema(), self.input_col)?;
        let values = columns::numbers_or_nan(&data, self.input_col)?;
        let buckets = values.iter().enumerate().map(|(row, &x)| self.bucket(row, x));
        let buckets = buckets.collect::<Result<Vec<_>, Error>>()?;
        let skipped = self.handle_invalid == HandleInvalid::Skip && buckets.iter().any(Option::is_none);
        let kept: Vec<bool> = buckets.iter().map(Option::is_some).collect();
        let data = if skipped { data.filter(&kept)? } else { data };
        let field = self.field(data.schema())?;
        Ok(data.with_field(field, Column::f64(buckets.into_iter().flatten().collect()))?)
    }

    pub(super) fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        columns::require_numeric(schema, self.input_col)?;
        Ok(schema.with_field(self.field(schema)?)?)
    }

    /// The indices stand for intervals.
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

    /// The bucket of a value; `None` if its row is to be left out.
    fn bucket(&self, row: usize, x: f64) -> Result<Option<f64>, Error> {
        let bad_value = |found: String, expected| {
            Err(Error::BadValue { column: self.input_col.to_owned(), row, found, expected })
        };
        let count = self.splits.len().saturating_sub(1);
        let (Some(&first), Some(&last)) = (self.splits.first(), self.splits.last()) else {
            return Ok(None);
        };
        if x.is_nan() {
            return match self.handle_invalid {
                HandleInvalid::Error => bad_value(
                    "null or NaN".to_owned(),
                    "a number in every row: fill missing values, or set `handle_invalid` to skip or keep",
                ),
                HandleInvalid::Skip => Ok(None),
                HandleInvalid::Keep => Ok(Some(count as f64)),
            };
        }
        if x < first || x > last {
            return bad_value(
                x.to_string(),
                "a number between the first and the last split: begin and end the splits with -inf and inf",
            );
        }
        let above = self.splits.partition_point(|split| *split <= x);
        Ok(Some((above - 1).min(count - 1) as f64))
    }
}
