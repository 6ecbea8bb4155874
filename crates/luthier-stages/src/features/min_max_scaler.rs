//! Features brought to a common range.

use luthier_core::frame::{Column, DataFrame, Schema};
use luthier_core::{
    Affine, AxisLabels, Dataset, Description, Estimator, FitContext, Params, StagePlan, Transformer,
};
use ndarray::{Array1, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use crate::columns;
use crate::summaries::{Extremes, FeatureSpec, FeatureSummary};

/// Maps each feature linearly from the range it has to `[min, max]`:
/// `out = (x − least) / (largest − least) · (max − min) + min`.
///
/// A constant feature becomes `(min + max) / 2`, as in Spark. Values outside of the fitted range are mapped outside of
/// `[min, max]`. NaN is left out when fitting and passed on; a feature that is NaN in all rows has no range, and all of
/// it becomes NaN. Null and infinity are errors when fitting.
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct MinMaxScaler {
    /// The numeric or vector column to scale.
    #[param(default = "features", column = input)]
    input_col: String,
    /// The vector column to append.
    #[param(default = "scaled_features", column = output)]
    output_col: String,
    /// What the least value becomes; less than `max`.
    #[param(default = 0.0)]
    min: f64,
    /// What the largest value becomes.
    #[param(default = 1.0)]
    max: f64,
}

impl MinMaxScaler {
    fn check(&self) -> Result<(), String> {
        let (min, max) = (self.min, self.max);
        if min < max && (max - min).is_finite() {
            return Ok(());
        }
        Err(format!("`min` is {min} and `max` is {max}: `min` must be less than `max`, and both finite"))
    }

    fn spec(&self) -> FeatureSpec<()> {
        FeatureSpec::new([&self.input_col], ())
    }
}

impl Estimator for MinMaxScaler {
    const NAME: &'static str = "min_max_scaler";
    type Model = MinMaxScalerModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<MinMaxScalerModel> {
        let summary = data.summarize::<FeatureSummary<Extremes>>(&self.spec())?;
        let extremes = summary.require(&self.input_col)?;
        let model = MinMaxScalerModel {
            input_col: self.input_col.clone(),
            output_col: self.output_col.clone(),
            min: self.min,
            max: self.max,
            original_min: extremes.iter().map(Extremes::min).collect(),
            original_max: extremes.iter().map(Extremes::max).collect(),
        };
        columns::check_divisors(&self.input_col, "range", &model.ranges().to_vec())?;
        Ok(model)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        Ok(schema.with_field(columns::vector_like(schema, &self.input_col, &self.output_col)?)?)
    }

    // Grouped although `fit_many` is the default: the summary is kept with the view, the rest is nothing.
    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque()
            .need::<FeatureSummary<Extremes>>(self.spec())
            .affine([&self.input_col], &self.output_col)
            .grouped()
    }
}

/// Ranges learned by a [`MinMaxScaler`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MinMaxScalerModel {
    input_col: String,
    output_col: String,
    min: f64,
    max: f64,
    original_min: Vec<f64>,
    original_max: Vec<f64>,
}

impl MinMaxScalerModel {
    /// The least value of each feature.
    pub fn original_min(&self) -> ArrayView1<'_, f64> {
        self.original_min.as_slice().into()
    }

    /// The largest value of each feature.
    pub fn original_max(&self) -> ArrayView1<'_, f64> {
        self.original_max.as_slice().into()
    }

    fn ranges(&self) -> Array1<f64> {
        &self.original_max() - &self.original_min()
    }
}

impl Transformer for MinMaxScalerModel {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let data = data.collect()?;
        let width = self.original_min.len();
        columns::require_width(data.schema(), &self.input_col, width)?;
        let (least, ranges) = (self.original_min().insert_axis(Axis(0)), self.ranges());
        let (span, middle) = (self.max - self.min, 0.5 * self.min + 0.5 * self.max);
        let rows = columns::compute(&data, &[&self.input_col], width, |rows, mut out| {
            out.assign(&rows);
            out -= &least;
            for (mut feature, &range) in out.columns_mut().into_iter().zip(&ranges) {
                // Divided first: the largest value becomes exactly one span.
                match range == 0.0 {
                    true => feature.mapv_inplace(|x| if x.is_nan() { x } else { middle }),
                    false => feature.mapv_inplace(|x| x / range * span + self.min),
                }
            }
        })?;
        let field = columns::vector_like(data.schema(), &self.input_col, &self.output_col)?;
        Ok(data.with_field(field, Column::vector(rows))?)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        columns::require_width(schema, &self.input_col, self.original_min.len())?;
        Ok(schema.with_field(columns::vector_like(schema, &self.input_col, &self.output_col)?)?)
    }

    fn input_columns(&self) -> Option<Vec<String>> {
        Some(vec![self.input_col.clone()])
    }

    fn affine(&self) -> Option<Affine> {
        let ranges = self.ranges();
        let (span, middle) = (self.max - self.min, 0.5 * self.min + 0.5 * self.max);
        let scale = ranges.mapv(|range| if range == 0.0 { 0.0 } else { span / range });
        let low = ranges.mapv(|range| if range == 0.0 { middle } else { self.min });
        let offset = low - &self.original_min() * &scale;
        Some(Affine::diagonal(self.input_col.clone(), self.output_col.clone(), scale, offset))
    }

    fn describe(&self) -> Description {
        Description::new()
            .vector(
                "original_min",
                AxisLabels::Features(self.input_col.clone()),
                self.original_min.iter().copied(),
            )
            .vector(
                "original_max",
                AxisLabels::Features(self.input_col.clone()),
                self.original_max.iter().copied(),
            )
    }

    fn check_state(&self) -> anyhow::Result<()> {
        let lengths = [("original_min", self.original_min.len()), ("original_max", self.original_max.len())];
        columns::same_lengths(lengths)
    }
}

luthier_core::register_estimator!(MinMaxScaler: "Maps each feature linearly to a common range.");
