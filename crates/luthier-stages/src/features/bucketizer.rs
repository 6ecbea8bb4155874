//! Numbers in buckets between given splits.

use luthier_core::frame::{Field, Schema};
use luthier_core::{Outputs, Params, PureTransformer, Required, Tile, Transformer};

use super::HandleInvalid;
use super::buckets::Buckets;

/// Maps a number to the index of its bucket: bucket `i` is `[splits[i], splits[i+1])`, and the last one has its
/// upper end as well.
///
/// NaN and null are invalid values, see `handle_invalid`; `keep` puts them into one bucket more. A number outside of
/// the splits is an error in any case, as in Spark: `-inf` and `inf` as first and last split take all numbers.
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct Bucketizer {
    /// The numeric column to put into buckets.
    #[param(default = "feature", column = input)]
    input_col: String,
    /// The column of bucket indices (`f64`) to append.
    #[param(default = "bucket", column = output)]
    output_col: String,
    /// Ends of the buckets, strictly increasing; at least three.
    splits: Required<Vec<f64>>,
    /// What is done with NaN and null.
    #[param(default = HandleInvalid::Error)]
    handle_invalid: HandleInvalid,
}

impl Bucketizer {
    fn check(&self) -> Result<(), String> {
        let Some(splits) = self.splits.as_option() else { return Ok(()) };
        if splits.len() < 3 {
            return Err(format!("`splits` has {} values: two buckets need three", splits.len()));
        }
        match splits.windows(2).find(|pair| pair[0].partial_cmp(&pair[1]) != Some(std::cmp::Ordering::Less)) {
            Some(pair) => Err(format!("`splits` must increase: {} is followed by {}", pair[0], pair[1])),
            None => Ok(()),
        }
    }

    fn buckets(&self) -> anyhow::Result<Buckets<'_>> {
        Ok(Buckets {
            input_col: &self.input_col,
            output_col: &self.output_col,
            splits: self.splits.get()?,
            handle_invalid: self.handle_invalid,
        })
    }
}

impl Transformer for Bucketizer {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        self.buckets()?.outputs(schema)
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        self.buckets()?.apply(rows, out)
    }

    fn takes_nulls(&self) -> bool {
        true
    }

    fn drops_rows(&self) -> bool {
        self.handle_invalid == HandleInvalid::Skip
    }
}

impl PureTransformer for Bucketizer {
    const NAME: &'static str = "bucketizer";
}

luthier_core::register_transformer!(Bucketizer: "Maps numbers to buckets between given splits.");
