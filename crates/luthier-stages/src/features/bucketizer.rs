//! Numbers in buckets between given splits.

use luthier_core::frame::{Field, Schema};
use luthier_core::{Outputs, Params, PureTransformer, Required, Tile, Transformer};

use super::HandleInvalid;
use super::buckets::Buckets;

/// Maps a number to the index of its bucket: bucket `i` is `[splits[i], splits[i+1])`, and the last one includes its
/// upper end.
///
/// NaN and null are invalid values, see `handle_invalid`; `keep` puts them into an additional bucket. A number outside
/// the splits is always an error, as in Spark; use `-inf` and `inf` as first and last split to accept all numbers.
///
/// ```
/// use luthier_core::Transformer;
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_stages::Bucketizer;
///
/// let ages = DataFrame::from_columns(vec![("age", Column::f64(vec![12.0, 18.0, 80.0]))])?;
/// let groups = Bucketizer::new().input_col("age").output_col("group").splits([0.0, 18.0, 65.0, f64::INFINITY]);
/// assert_eq!(groups.transform(&ages)?.column_f64("group")?, [0.0, 1.0, 2.0]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct Bucketizer {
    /// The numeric column to bucket.
    #[param(default = "feature", column = input)]
    input_col: String,
    /// The column of bucket indices (`f64`) to append.
    #[param(default = "bucket", column = output)]
    output_col: String,
    /// Boundaries of the buckets, strictly increasing; at least three.
    splits: Required<Vec<f64>>,
    /// How NaN and null are handled.
    #[param(default = HandleInvalid::Error)]
    handle_invalid: HandleInvalid,
}

impl Bucketizer {
    fn check(&self) -> Result<(), String> {
        let Some(splits) = self.splits.as_option() else { return Ok(()) };
        if splits.len() < 3 {
            return Err(format!(
                "`splits` has {} values, expected at least 3, which make two buckets",
                splits.len()
            ));
        }
        match splits.windows(2).find(|pair| pair[0].partial_cmp(&pair[1]) != Some(std::cmp::Ordering::Less)) {
            Some(pair) => Err(format!(
                "`splits` must be strictly increasing, but {} is followed by {}",
                pair[0], pair[1]
            )),
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
