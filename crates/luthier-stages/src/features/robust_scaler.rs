//! Scales features by statistics that are robust to outliers.

use luthier_core::frame::{Field, Schema};
use luthier_core::{
    Affine, AxisLabels, Dataset, Description, Estimator, FitContext, Outputs, Params, StagePlan, Tile,
    Transformer,
};
use ndarray::{Array1, ArrayView1};
use serde::{Deserialize, Serialize};

use super::rescaling::Rescaling;
use crate::columns;
use crate::summaries::{FeatureSpec, FeatureSummary, Quantiles};

/// Divides each feature by the range between two of its quantiles and optionally subtracts its median first:
/// `out = (x − median) / (quantile(upper) − quantile(lower))`.
///
/// A quantile is the value of rank `⌈p·n⌉`, as in Spark; there is no interpolation. A feature whose
/// quantiles are equal becomes 0, and so does one that is NaN in all rows. NaN is ignored when fitting and passed on when
/// transforming; null and infinity are errors when fitting. Without centering, sparse vectors stay sparse.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{EstimatorExt, Transformer};
/// use luthier_stages::RobustScaler;
///
/// let data = DataFrame::from_columns(vec![("features", Column::f64(vec![1.0, 2.0, 3.0, 1000.0]))])?;
/// let model = RobustScaler::new().with_centering(true).fit_frame(&data)?;
/// assert_eq!((model.median()[0], model.range()[0]), (2.0, 2.0));
/// assert_eq!(model.transform(&data)?.vectors("scaled_features")?.column(0).to_vec(), [-0.5, 0.0, 0.5, 499.0]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct RobustScaler {
    /// The numeric or vector column to scale.
    #[param(default = "features", column = input)]
    input_col: String,
    /// The vector column to append.
    #[param(default = "scaled_features", column = output)]
    output_col: String,
    /// Probability of the lower quantile; less than `upper`.
    #[param(default = 0.25, range = 0.0..=1.0)]
    lower: f64,
    /// Probability of the upper quantile.
    #[param(default = 0.75, range = 0.0..=1.0)]
    upper: f64,
    /// Whether to subtract the median.
    #[param(default = false)]
    with_centering: bool,
    /// Whether to divide by the range between the quantiles.
    #[param(default = true)]
    with_scaling: bool,
    /// Largest error of the rank of a quantile, as a fraction of the rows. Up to about two thousand distinct values quantiles
    /// are exact. With 0 they are always exact, and all distinct values are kept in memory.
    #[param(default = 0.001, range = 0.0..=1.0)]
    relative_error: f64,
}

impl RobustScaler {
    fn check(&self) -> Result<(), String> {
        if self.lower < self.upper {
            return Ok(());
        }
        Err(format!("`lower` is {}, but it must be less than `upper`, which is {}", self.lower, self.upper))
    }

    fn spec(&self) -> FeatureSpec<f64> {
        FeatureSpec::new([&self.input_col], self.relative_error)
    }
}

impl Estimator for RobustScaler {
    const NAME: &'static str = "robust_scaler";
    type Model = RobustScalerModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<RobustScalerModel> {
        let summary = data.summarize::<FeatureSummary<Quantiles>>(&self.spec())?;
        let quantiles = |feature: &Quantiles| {
            let found = feature.at(&[self.lower, 0.5, self.upper]);
            found.map_or((0.0, 0.0), |found| (found[1], found[2] - found[0]))
        };
        let (median, range): (Vec<f64>, Vec<f64>) =
            summary.require(&self.input_col)?.iter().map(quantiles).unzip();
        if self.with_scaling {
            columns::check_divisors(data.schema(), &self.input_col, "range between the quantiles", &range)?;
        }
        Ok(RobustScalerModel {
            input_col: self.input_col.clone(),
            output_col: self.output_col.clone(),
            with_centering: self.with_centering,
            with_scaling: self.with_scaling,
            median,
            range,
        })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::rescaled(schema, &self.input_col, &self.output_col, !self.with_centering)
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque()
            .need::<FeatureSummary<Quantiles>>(self.spec())
            .affine([&self.input_col], &self.output_col)
            .grouped()
    }
}

/// Medians and ranges learned by a [`RobustScaler`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RobustScalerModel {
    input_col: String,
    output_col: String,
    with_centering: bool,
    with_scaling: bool,
    median: Vec<f64>,
    range: Vec<f64>,
}

impl RobustScalerModel {
    /// Median of each feature, even if it is not subtracted.
    pub fn median(&self) -> ArrayView1<'_, f64> {
        self.median.as_slice().into()
    }

    /// Range between the quantiles of each feature, even if it is not used for scaling.
    pub fn range(&self) -> ArrayView1<'_, f64> {
        self.range.as_slice().into()
    }

    fn rescaling(&self) -> Rescaling<'_> {
        let factor = |range: f64| if range > 0.0 { range.recip() } else { 0.0 };
        Rescaling {
            input_col: &self.input_col,
            output_col: &self.output_col,
            shift: self.with_centering.then(|| self.median()),
            factors: match self.with_scaling {
                true => self.range().mapv(factor),
                false => Array1::ones(self.range.len()),
            },
        }
    }
}

impl Transformer for RobustScalerModel {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        self.rescaling().outputs(schema)
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        Ok(self.rescaling().apply(rows, out)?)
    }

    fn affine(&self) -> Option<Affine> {
        Some(self.rescaling().affine())
    }

    fn describe(&self) -> Description {
        let said = Description::new();
        let said = if self.with_scaling { said.in_units_of("range between the quantiles") } else { said };
        said.vector("median", AxisLabels::Features(self.input_col.clone()), self.median.iter().copied())
            .vector("range", AxisLabels::Features(self.input_col.clone()), self.range.iter().copied())
    }

    fn check_state(&self) -> anyhow::Result<()> {
        columns::same_lengths([("median", self.median.len()), ("range", self.range.len())])
    }
}

luthier_core::register_estimator!(
    RobustScaler: "Scales features by the range between two quantiles and optionally shifts them to zero median."
);
