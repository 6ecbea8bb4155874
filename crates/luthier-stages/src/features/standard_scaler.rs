//! Features brought to a common scale.

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

/// Scales each feature to unit sample deviation and, if asked, shifts it to zero mean:
/// `out = (x − mean) · factor` with `factor = 1 / std`, `std² = Σ(x − mean)² / (n − 1)`.
///
/// A constant feature has the factor 0, so it becomes 0, as in Spark; so does every feature of a single row.
/// Rows need finite features to be fitted; a fitted model passes NaN on. Sparse vectors stay sparse unless the mean is
/// subtracted.
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

impl StandardScaler {
    fn spec(&self) -> FeatureSpec<()> {
        FeatureSpec::new([&self.input_col], ())
    }

    fn of_moments(&self, data: &Dataset) -> luthier_core::Result<(Array1<f64>, Array1<f64>)> {
        let moments = data.summarize::<Moments>(&MomentsSpec::new([&self.input_col]))?;
        let std = match moments.rows() {
            0 => return Err(Error::invalid("there are no rows to learn means and deviations from")),
            1 => Array1::zeros(moments.mean().len()),
            _ => moments.sample_variance().mapv(f64::sqrt),
        };
        Ok((moments.mean().to_owned(), std))
    }

    /// Of sparse vectors, whose products would take the square of their width.
    fn of_each_feature(&self, data: &Dataset) -> luthier_core::Result<(Array1<f64>, Array1<f64>)> {
        let summary = data.summarize::<FeatureSummary<Spread>>(&self.spec())?;
        let features = summary.require(&self.input_col)?;
        if let Some(j) = features.iter().position(|feature| feature.count() < summary.rows()) {
            return Err(Error::invalid(format!(
                "feature {j} of column `{}` is NaN in some rows: fill missing values first",
                self.input_col
            )));
        }
        let std = features.iter().map(|feature| feature.sample_variance().sqrt()).collect();
        Ok((features.iter().map(Spread::mean).collect(), std))
    }
}

impl Estimator for StandardScaler {
    const NAME: &'static str = "standard_scaler";
    type Model = StandardScalerModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<StandardScalerModel> {
        let (mean, std) = match columns::is_sparse(data.schema(), &self.input_col) {
            true => self.of_each_feature(data)?,
            false => self.of_moments(data)?,
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

    // Grouped although `fit_many` is the default: the moments are kept with the view, the rest is nothing.
    fn plan(&self, schema: &Schema) -> StagePlan {
        let plan = match columns::is_sparse(schema, &self.input_col) {
            true => StagePlan::opaque().need::<FeatureSummary<Spread>>(self.spec()),
            false => StagePlan::opaque().need::<Moments>(MomentsSpec::new([&self.input_col])),
        };
        plan.affine([&self.input_col], &self.output_col).grouped()
    }
}

/// Means and deviations learned by a [`StandardScaler`].
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
    /// Mean of each feature, also where it is not subtracted.
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.as_slice().into()
    }

    /// Sample standard deviation of each feature, also where it is not divided by; 0 for a constant one.
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
        Description::new()
            .vector("mean", AxisLabels::Features(self.input_col.clone()), self.mean.iter().copied())
            .vector("std", AxisLabels::Features(self.input_col.clone()), self.std.iter().copied())
    }

    fn check_state(&self) -> anyhow::Result<()> {
        columns::same_lengths([("mean", self.mean.len()), ("std", self.std.len())])
    }
}

luthier_core::register_estimator!(
    StandardScaler: "Scales features to unit deviation and, if asked, to zero mean."
);
