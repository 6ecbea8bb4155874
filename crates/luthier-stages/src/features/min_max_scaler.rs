//! Scales features to a common range.

use luthier_core::frame::{Field, Schema};
use luthier_core::{
    Affine, AxisLabels, Dataset, Description, Estimator, FitContext, Outputs, Params, StagePlan, Tile,
    Transformer,
};
use ndarray::{Array1, ArrayView1, Zip};
use serde::{Deserialize, Serialize};

use crate::columns;
use crate::summaries::{Extremes, FeatureSpec, FeatureSummary};

/// Maps each feature linearly from its range to `[min, max]`:
/// `out = (x − smallest) / (largest − smallest) · (max − min) + min`.
///
/// A constant feature becomes `(min + max) / 2`, as in Spark. Values outside the fitted range are mapped outside
/// `[min, max]`. NaN is ignored when fitting and passed on when transforming; a feature that is NaN in all rows has no range,
/// and all of it becomes NaN. Null and infinity are errors when fitting.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{EstimatorExt, Transformer};
/// use luthier_stages::MinMaxScaler;
///
/// let rows = ndarray::array![[1.0, 10.0], [2.0, 30.0], [3.0, 50.0]];
/// let data = DataFrame::from_columns(vec![("features", Column::vector(rows))])?;
/// let out = MinMaxScaler::new().fit_frame(&data)?.transform(&data)?;
/// assert_eq!(out.vectors("scaled_features")?, ndarray::array![[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct MinMaxScaler {
    /// The numeric or vector column to scale.
    #[param(default = "features", column = input)]
    input_col: String,
    /// The vector column to append.
    #[param(default = "scaled_features", column = output)]
    output_col: String,
    /// Lower end of the output range; less than `max`.
    #[param(default = 0.0)]
    min: f64,
    /// Upper end of the output range.
    #[param(default = 1.0)]
    max: f64,
}

impl MinMaxScaler {
    fn check(&self) -> Result<(), String> {
        let (min, max) = (self.min, self.max);
        if min < max && (max - min).is_finite() {
            return Ok(());
        }
        Err(format!(
            "`min` is {min} and `max` is {max}, but `min` must be less than `max`, and both must be finite"
        ))
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
        columns::check_divisors(data.schema(), &self.input_col, "range", &model.ranges().to_vec())?;
        Ok(model)
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::rescaled(schema, &self.input_col, &self.output_col, false)
    }

    // Grouped although `fit_many` is the default: the summary is kept with the view, and the rest costs nothing.
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
    /// The smallest value of each feature.
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
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::require_width(schema, &self.input_col, self.original_min.len())?;
        columns::rescaled(schema, &self.input_col, &self.output_col, false)
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let (least, ranges) = (self.original_min(), self.ranges());
        let (span, middle) = (self.max - self.min, 0.5 * self.min + 0.5 * self.max);
        let mut scaled = rows.vectors(&self.input_col)?.into_owned();
        Zip::from(&mut scaled).and_broadcast(&least).and_broadcast(&ranges).for_each(|x, least, range| {
            // Divides first, so that the largest value becomes exactly one span.
            *x = match (*x - least, *range == 0.0) {
                (above, true) => {
                    if above.is_nan() {
                        above
                    } else {
                        middle
                    }
                }
                (above, false) => above / range * span + self.min,
            };
        });
        out.vectors(scaled);
        Ok(())
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
            .in_units_of(match self.max - self.min {
                1.0 => "range from original_min to original_max".to_owned(),
                range => format!("1/{range} of the range from original_min to original_max"),
            })
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
