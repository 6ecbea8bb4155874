//! Scales features to unit standard deviation.

use luthier_core::frame::{Field, Schema};
use luthier_core::{
    Affine, AxisLabels, Dataset, Description, Error, Estimator, FitContext, Moments, MomentsSpec, Outputs,
    Params, StagePlan, Tile, Transformer,
};
use ndarray::{Array1, ArrayView1};
use serde::{Deserialize, Serialize};

use super::rescaling::Rescaling;
use crate::columns;
use crate::summaries::{FeatureSpec, FeatureSummary, Spread};

/// Scales each feature to unit sample standard deviation and optionally shifts it to zero mean:
/// `out = (x − mean) · factor` with `factor = 1 / std`, `std² = Σ(x − mean)² / (n − 1)`.
///
/// A constant feature has the factor 0, so it becomes 0, as in Spark; so does every feature if there is only one row.
/// Features must be finite when fitting; a fitted model passes NaN on. Sparse vectors stay sparse unless the mean is
/// subtracted. Features of any size are scaled correctly, even if their squares overflow or underflow in `f64`.
///
/// Up to 128 features are read as [`Moments`], which other stages share; for more, two numbers are kept per feature.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{EstimatorExt, Transformer};
/// use luthier_stages::StandardScaler;
///
/// let rows = ndarray::array![[1.0, 100.0], [2.0, 300.0], [3.0, 500.0]];
/// let data = DataFrame::from_columns(vec![("features", Column::vector(rows))])?;
/// let model = StandardScaler::new().with_mean(true).fit_frame(&data)?;
/// assert_eq!(model.std().to_vec(), [1.0, 200.0]);
/// let scaled = model.transform(&data)?.vectors("scaled_features")?;
/// assert_eq!(scaled, ndarray::array![[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct StandardScaler {
    /// The numeric or vector column to scale.
    #[param(default = "features", column = input)]
    input_col: String,
    /// The vector column to append.
    #[param(default = "scaled_features", column = output)]
    output_col: String,
    /// Whether to subtract the mean.
    #[param(default = false)]
    with_mean: bool,
    /// Whether to divide by the sample standard deviation.
    #[param(default = true)]
    with_std: bool,
}

/// Up to this many features are read as [`Moments`], which can be carried through affine stages and shared with other
/// stages. With more features, the products of all pairs would cost more than two numbers per feature.
const FEW_FEATURES: usize = 128;

impl StandardScaler {
    fn spec(&self) -> FeatureSpec<()> {
        FeatureSpec::new([&self.input_col], ())
    }

    fn moments_spec(&self) -> MomentsSpec {
        MomentsSpec::new([&self.input_col])
    }

    fn by_moments(&self, schema: &Schema) -> bool {
        let width = columns::planned_width(schema, &self.input_col).ok().flatten();
        width.is_none_or(|width| width <= FEW_FEATURES) && !columns::is_sparse(schema, &self.input_col)
    }

    /// Means and standard deviations from the moments; `None` if squares overflow or underflow.
    fn of_moments(&self, data: &Dataset) -> luthier_core::Result<Option<(Array1<f64>, Array1<f64>)>> {
        let moments = match data.summarize::<Moments>(&self.moments_spec()) {
            Ok(moments) => moments,
            Err(error) if error.row().is_some() => return Err(error),
            Err(_) => return Ok(None),
        };
        if moments.require_visible(&[&self.input_col]).is_err() {
            return Ok(None);
        }
        let std = match moments.rows() {
            0 => {
                return Err(Error::invalid(
                    "no rows to fit: means and standard deviations need at least one row",
                ));
            }
            1 => Array1::zeros(moments.mean().len()),
            _ => moments.sample_variance().mapv(f64::sqrt),
        };
        Ok(Some((moments.mean().to_owned(), std)))
    }

    fn of_each_feature(&self, data: &Dataset) -> luthier_core::Result<(Array1<f64>, Array1<f64>)> {
        let summary = data.summarize::<FeatureSummary<Spread>>(&self.spec())?;
        let features = summary.require(&self.input_col)?;
        if let Some(j) = features.iter().position(|feature| feature.count() < summary.rows()) {
            let input = self.input_col.as_str();
            data.for_each_tile(&[input], |tile| tile.first_not_finite(input).map_or(Ok(()), Err))?;
            let problem = "it is NaN in some rows; fill missing values first";
            return Err(columns::bad_feature(data.schema(), input, j, problem));
        }
        let std: Array1<f64> = features.iter().map(Spread::sample_deviation).collect();
        if let Some(j) = std.iter().position(|std| !std.is_finite()) {
            let problem = "the range of its values is too large for f64; divide them by a constant first";
            return Err(columns::bad_feature(data.schema(), &self.input_col, j, problem));
        }
        Ok((features.iter().map(Spread::mean).collect(), std))
    }
}

impl Estimator for StandardScaler {
    const NAME: &'static str = "standard_scaler";
    type Model = StandardScalerModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<StandardScalerModel> {
        let by_moments = if self.by_moments(data.schema()) { self.of_moments(data)? } else { None };
        let (mean, std) = match by_moments {
            Some(found) => found,
            None => self.of_each_feature(data)?,
        };
        Ok(StandardScalerModel {
            input_col: self.input_col.clone(),
            output_col: self.output_col.clone(),
            with_mean: self.with_mean,
            with_std: self.with_std,
            mean: mean.to_vec(),
            std: std.to_vec(),
        })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::rescaled(schema, &self.input_col, &self.output_col, !self.with_mean)
    }

    // Grouped although `fit_many` is the default: the moments are kept with the view, and the rest costs nothing.
    fn plan(&self, schema: &Schema) -> StagePlan {
        let plan = match self.by_moments(schema) {
            true => StagePlan::opaque().need::<Moments>(self.moments_spec()),
            false => StagePlan::opaque().need::<FeatureSummary<Spread>>(self.spec()),
        };
        plan.affine([&self.input_col], &self.output_col).grouped()
    }
}

/// Means and deviations learned by a [`StandardScaler`].
///
/// ```
/// use luthier_core::EstimatorExt;
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_stages::StandardScaler;
///
/// let data = DataFrame::from_columns(vec![("features", Column::f64(vec![1.0, 2.0, 3.0]))])?;
/// let model = StandardScaler::new().fit_frame(&data)?;
/// assert_eq!((model.mean()[0], model.std()[0]), (2.0, 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StandardScalerModel {
    input_col: String,
    output_col: String,
    with_mean: bool,
    with_std: bool,
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl StandardScalerModel {
    /// Mean of each feature, even if it is not subtracted.
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.as_slice().into()
    }

    /// Sample standard deviation of each feature, even if it is not used for scaling; 0 for a constant one.
    pub fn std(&self) -> ArrayView1<'_, f64> {
        self.std.as_slice().into()
    }

    fn rescaling(&self) -> Rescaling<'_> {
        let factor = |std: f64| if std == 0.0 { 0.0 } else { 1.0 / std };
        Rescaling {
            input_col: &self.input_col,
            output_col: &self.output_col,
            shift: self.with_mean.then(|| self.mean()),
            factors: match self.with_std {
                true => self.std().mapv(factor),
                false => Array1::ones(self.std.len()),
            },
        }
    }
}

impl Transformer for StandardScalerModel {
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
        let said = if self.with_std { said.in_units_of("standard deviation") } else { said };
        said.vector("mean", AxisLabels::Features(self.input_col.clone()), self.mean.iter().copied()).vector(
            "std",
            AxisLabels::Features(self.input_col.clone()),
            self.std.iter().copied(),
        )
    }

    fn check_state(&self) -> anyhow::Result<()> {
        columns::same_lengths([("mean", self.mean.len()), ("std", self.std.len())])
    }
}

luthier_core::register_estimator!(
    StandardScaler: "Scales features to unit standard deviation and optionally shifts them to zero mean."
);
