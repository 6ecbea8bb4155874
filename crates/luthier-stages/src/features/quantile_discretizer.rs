//! Buckets with about equal numbers of rows.

use luthier_core::frame::{Field, Schema};
use luthier_core::{
    AxisLabels, Dataset, Description, Error, Estimator, FitContext, Outputs, Params, StagePlan, Tile,
    Transformer, memory,
};
use serde::{Deserialize, Serialize};

use super::HandleInvalid;
use super::buckets::Buckets;
use crate::summaries::{FeatureSpec, FeatureSummary, Missing, Quantiles};

/// Maps a number to the index of its bucket; the splits are the quantiles `1/n, 2/n, …` of the fitted rows, so that
/// each of the `num_buckets` buckets has about the same number of rows.
///
/// Equal quantiles are merged, so there may be fewer buckets. The first bucket begins at −∞ and the last
/// ends at ∞, so they include values outside the fitted range. NaN and null are ignored when fitting, and are
/// invalid values when transforming, see `handle_invalid`; `keep` puts them into an additional bucket. An infinite value is
/// an error when fitting.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{EstimatorExt, Transformer};
/// use luthier_stages::QuantileDiscretizer;
///
/// let data = DataFrame::from_columns(vec![("income", Column::f64(vec![1.0, 2.0, 30.0, 400.0]))])?;
/// let stage = QuantileDiscretizer::new().input_col("income").output_col("group").num_buckets(2);
/// let out = stage.fit_frame(&data)?.transform(&data)?;
/// assert_eq!(out.column_f64("group")?, [0.0, 1.0, 1.0, 1.0]); // the median is 2, the start of the second bucket
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct QuantileDiscretizer {
    /// The numeric column to bucket.
    #[param(default = "feature", column = input)]
    input_col: String,
    /// The column of bucket indices (`f64`) to append.
    #[param(default = "bucket", column = output)]
    output_col: String,
    /// Number of buckets.
    #[param(default = 2, range = 2.., simpler = smaller)]
    num_buckets: usize,
    /// Largest error of the rank of a quantile, as a fraction of the rows. Up to about two thousand distinct values quantiles
    /// are exact. With 0 they are always exact, and all distinct values are kept in memory.
    #[param(default = 0.001, range = 0.0..=1.0)]
    relative_error: f64,
    /// How NaN and null are handled.
    #[param(default = HandleInvalid::Error)]
    handle_invalid: HandleInvalid,
}

impl QuantileDiscretizer {
    fn spec(&self) -> FeatureSpec<f64> {
        let missing = Missing { nulls: true, value: None };
        FeatureSpec::new([&self.input_col], self.relative_error).without(missing)
    }

    /// The ends of the buckets are stored three times: as proportions of the rows, as quantiles and as splits.
    fn require_memory(&self) -> luthier_core::Result<()> {
        let bytes = (3 * size_of::<f64>() as u64).saturating_mul(self.num_buckets as u64);
        memory::require(bytes, || (format!("`num_buckets` = {}", self.num_buckets), "use fewer".to_owned()))
    }
}

impl Estimator for QuantileDiscretizer {
    const NAME: &'static str = "quantile_discretizer";
    type Model = QuantileDiscretizerModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<QuantileDiscretizerModel> {
        self.require_memory()?;
        let summary = data.summarize::<FeatureSummary<Quantiles>>(&self.spec())?;
        let probabilities: Vec<f64> =
            (1..self.num_buckets).map(|i| i as f64 / self.num_buckets as f64).collect();
        let quantiles =
            summary.require(&self.input_col)?.first().and_then(|feature| feature.at(&probabilities));
        let Some(quantiles) = quantiles else {
            let message =
                format!("column `{}` has no values from which buckets could be computed", self.input_col);
            return Err(Error::invalid(message).into());
        };
        let mut splits = vec![f64::NEG_INFINITY];
        splits.extend(quantiles);
        splits.push(f64::INFINITY);
        splits.dedup();
        Ok(QuantileDiscretizerModel {
            input_col: self.input_col.clone(),
            output_col: self.output_col.clone(),
            handle_invalid: self.handle_invalid,
            splits,
        })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        self.require_memory()?;
        let buckets = Buckets {
            input_col: &self.input_col,
            output_col: &self.output_col,
            splits: &[],
            handle_invalid: self.handle_invalid,
        };
        buckets.outputs(schema)
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque()
            .need::<FeatureSummary<Quantiles>>(self.spec())
            .grouped()
            .drops_rows(self.handle_invalid == HandleInvalid::Skip)
    }
}

/// Splits learned by a [`QuantileDiscretizer`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuantileDiscretizerModel {
    input_col: String,
    output_col: String,
    handle_invalid: HandleInvalid,
    splits: Vec<f64>,
}

impl QuantileDiscretizerModel {
    /// The boundaries of the buckets, from −∞ to ∞.
    pub fn splits(&self) -> &[f64] {
        &self.splits
    }

    fn buckets(&self) -> Buckets<'_> {
        Buckets {
            input_col: &self.input_col,
            output_col: &self.output_col,
            splits: &self.splits,
            handle_invalid: self.handle_invalid,
        }
    }
}

impl Transformer for QuantileDiscretizerModel {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        self.buckets().outputs(schema)
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        self.buckets().apply(rows, out)
    }

    fn takes_nulls(&self) -> bool {
        true
    }

    fn drops_rows(&self) -> bool {
        self.handle_invalid == HandleInvalid::Skip
    }

    fn describe(&self) -> Description {
        Description::new().vector(
            "split",
            AxisLabels::Numbered("index".to_owned()),
            self.splits.iter().copied(),
        )
    }

    fn check_state(&self) -> anyhow::Result<()> {
        if self.splits.len() == 1 {
            anyhow::bail!("`splits` has one number, expected none or the two ends of each bucket");
        }
        match self.splits.windows(2).all(|ends| ends[0] < ends[1]) {
            true => Ok(()),
            false => Err(anyhow::anyhow!("`splits` must be ascending numbers, found {:?}", self.splits)),
        }
    }
}

luthier_core::register_estimator!(
    QuantileDiscretizer: "Maps numbers to buckets with about equal numbers of rows."
);
