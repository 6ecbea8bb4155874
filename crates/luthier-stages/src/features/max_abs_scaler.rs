//! Scales features to `[−1, 1]` without a shift.

use luthier_core::frame::{Field, Schema};
use luthier_core::{
    Affine, AxisLabels, Dataset, Description, Estimator, FitContext, Outputs, Params, StagePlan, Tile,
    Transformer,
};
use ndarray::{Array1, ArrayView1};
use serde::{Deserialize, Serialize};

use crate::columns;
use crate::summaries::{Extremes, FeatureSpec, FeatureSummary};

/// Divides each feature by its largest absolute value: `out = x / max|x|`. Zeros stay zeros.
///
/// A feature that is zero in all rows does not change, as in Spark, nor does one that is NaN in all rows. NaN is ignored
/// when fitting and passed on when transforming; null and infinity are errors when fitting. Sparse vectors stay sparse.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{EstimatorExt, Transformer};
/// use luthier_stages::MaxAbsScaler;
///
/// let rows = ndarray::array![[1.0, -8.0], [2.0, 4.0]];
/// let data = DataFrame::from_columns(vec![("features", Column::vector(rows))])?;
/// let out = MaxAbsScaler::new().fit_frame(&data)?.transform(&data)?;
/// assert_eq!(out.vectors("scaled_features")?, ndarray::array![[0.5, -1.0], [1.0, 0.5]]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct MaxAbsScaler {
    /// The numeric or vector column to scale.
    #[param(default = "features", column = input)]
    input_col: String,
    /// The vector column to append.
    #[param(default = "scaled_features", column = output)]
    output_col: String,
}

impl MaxAbsScaler {
    fn spec(&self) -> FeatureSpec<()> {
        FeatureSpec::new([&self.input_col], ())
    }
}

impl Estimator for MaxAbsScaler {
    const NAME: &'static str = "max_abs_scaler";
    type Model = MaxAbsScalerModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<MaxAbsScalerModel> {
        let summary = data.summarize::<FeatureSummary<Extremes>>(&self.spec())?;
        let max_abs: Vec<f64> = summary.require(&self.input_col)?.iter().map(Extremes::max_abs).collect();
        columns::check_divisors(data.schema(), &self.input_col, "largest absolute value", &max_abs)?;
        Ok(MaxAbsScalerModel {
            input_col: self.input_col.clone(),
            output_col: self.output_col.clone(),
            max_abs,
        })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::rescaled(schema, &self.input_col, &self.output_col, true)
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque()
            .need::<FeatureSummary<Extremes>>(self.spec())
            .affine([&self.input_col], &self.output_col)
            .grouped()
    }
}

/// Largest absolute values learned by a [`MaxAbsScaler`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaxAbsScalerModel {
    input_col: String,
    output_col: String,
    max_abs: Vec<f64>,
}

impl MaxAbsScalerModel {
    /// The largest absolute value of each feature.
    pub fn max_abs(&self) -> ArrayView1<'_, f64> {
        self.max_abs.as_slice().into()
    }

    fn divisors(&self) -> Array1<f64> {
        self.max_abs().mapv(|largest| if largest > 0.0 { largest } else { 1.0 })
    }
}

impl Transformer for MaxAbsScalerModel {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::require_width(schema, &self.input_col, self.max_abs.len())?;
        columns::rescaled(schema, &self.input_col, &self.output_col, true)
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let divisors = self.divisors();
        Ok(columns::write_each_feature(
            rows,
            &self.input_col,
            divisors.view(),
            |x, largest| x / largest,
            out,
        )?)
    }

    fn affine(&self) -> Option<Affine> {
        let scale = self.divisors().recip();
        let (input, output) = (self.input_col.clone(), self.output_col.clone());
        Some(Affine::diagonal(input, output, scale, Array1::zeros(0)))
    }

    fn describe(&self) -> Description {
        Description::new().in_units_of("largest absolute value").vector(
            "max_abs",
            AxisLabels::Features(self.input_col.clone()),
            self.max_abs.iter().copied(),
        )
    }
}

luthier_core::register_estimator!(MaxAbsScaler: "Divides each feature by its largest absolute value.");
