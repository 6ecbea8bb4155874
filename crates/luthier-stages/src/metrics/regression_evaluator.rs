//! The evaluator for regression.

use luthier_core::frame::Schema;
use luthier_core::{
    Dataset, EvaluationPlan, Evaluator, Linear, Moments, MomentsSpec, Note, NoteKind, ParamEnum, Params,
    Summary,
};
use ndarray::Axis;

use super::regression_sums::{RegressionSums, RegressionSumsSpec};
use super::sibling_sums::{SiblingSums, SiblingSumsSpec};
use crate::columns;

/// A metric of regression; `y` is the label, `ŷ` the prediction, `w` the weight, `ȳ = Σwy / Σw`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
#[non_exhaustive]
pub enum RegressionMetric {
    /// Root mean squared error, `√(Σw(y−ŷ)² / Σw)`.
    Rmse,
    /// Mean squared error, `Σw(y−ŷ)² / Σw`.
    Mse,
    /// Coefficient of determination, `1 − Σw(y−ŷ)² / Σw(y−ȳ)²`, or with `through_origin`
    /// `1 − Σw(y−ŷ)² / Σwy²`. NaN (not defined) if the denominator is 0.
    R2,
    /// Mean absolute error, `Σw|y−ŷ| / Σw`.
    Mae,
    /// Explained variance, `Σw(ŷ−ȳ)² / Σw`.
    Var,
}

/// Computes a [`RegressionMetric`] of predicted numbers.
///
/// The metrics are those of Spark, except that `r2` is correct for weights other than 1 (Spark's may exceed 1).
/// Every metric is NaN if a prediction is null, NaN or infinite, or if the weights sum to 0. A label that is
/// null, NaN or infinite and a negative weight are errors that name column and row.
///
/// All metrics except `mae` follow from the [`Moments`] of label and prediction, which need no rows behind a linear
/// model; the rows are read if fewer than 11 digits would be correct.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{Dataset, Evaluator};
/// use luthier_stages::{RegressionEvaluator, RegressionMetric};
///
/// let data = Dataset::new(DataFrame::from_columns(vec![
///     ("label", Column::f64(vec![1.0, 2.0, 3.0])),
///     ("prediction", Column::f64(vec![1.0, 2.0, 5.0])),
/// ])?);
/// assert_eq!(RegressionEvaluator::new().metric(RegressionMetric::R2).evaluate(&data)?, -1.0);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct RegressionEvaluator {
    /// The metric: rmse, mse, r2, mae or var.
    #[param(default = RegressionMetric::Rmse)]
    metric: RegressionMetric,
    /// The numeric column of true values.
    #[param(default = "label", column = label)]
    label_col: String,
    /// The numeric column of predicted values.
    #[param(default = "prediction", column = prediction)]
    prediction_col: String,
    /// A numeric column of weights; without it, every row has weight 1.
    #[param(column = weight)]
    weight_col: Option<String>,
    /// Whether `r2` is for a model without intercept.
    #[param(default = false)]
    through_origin: bool,
}

/// Rounding errors of sums and products are taken as this many units in the last place.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// A metric from summaries must keep this many digits.
const DIGITS_KEPT: f64 = 1e-11;

impl RegressionEvaluator {
    fn moments_spec(&self) -> MomentsSpec {
        MomentsSpec::new([&self.label_col, &self.prediction_col]).weighted_by(self.weight_col.as_deref())
    }

    fn sums_spec(&self) -> RegressionSumsSpec {
        RegressionSumsSpec {
            label_col: self.label_col.clone(),
            prediction_col: self.prediction_col.clone(),
            weight_col: self.weight_col.clone(),
        }
    }

    /// The metric if it is to be had without rows and precise enough.
    fn without_rows(&self, data: &Dataset) -> anyhow::Result<Option<f64>> {
        if self.metric == RegressionMetric::Mae || !data.is_sharing() {
            return Ok(None);
        }
        let Some(moments) = data.recall::<Moments>(&self.moments_spec())? else { return Ok(None) };
        let metric = self.of_moments(&moments)?;
        match metric {
            Some(_) => data.work().evaluations_without_rows(1),
            None => data.work().guarded(1),
        }
        Ok(metric)
    }

    /// The sums of models that differ by their coefficients alone, in one pass.
    fn of_siblings(&self, views: &[Dataset]) -> Option<Vec<RegressionSums>> {
        let (front, maps) = Dataset::affine_siblings(views)?;
        let columns = &maps.first()?.columns;
        if columns.output != self.prediction_col {
            return None;
        }
        let coefficients: Vec<_> = maps
            .iter()
            .map(|map| match &map.linear {
                Linear::Dense(matrix) => Some(matrix.column(0)),
                _ => None,
            })
            .collect::<Option<_>>()?;
        let spec = SiblingSumsSpec {
            label_col: self.label_col.clone(),
            weight_col: self.weight_col.clone(),
            input_cols: columns.inputs.clone(),
            coefficients: ndarray::stack(Axis(0), &coefficients).ok()?,
            offsets: maps.iter().map(|map| map.offset.first().copied().unwrap_or(0.0)).collect(),
        };
        // Whatever is wrong with the rows comes to light on the long way, with its place.
        front.aggregate::<SiblingSums>(&spec).ok().map(|sums| sums.models)
    }

    /// The metric from moments; `None` where too few digits would be left.
    fn of_moments(&self, moments: &Moments) -> luthier_core::Result<Option<f64>> {
        let weight_sum = moments.weight_sum();
        if weight_sum == 0.0 {
            return Ok(Some(f64::NAN));
        }
        let scale = weight_sum.sqrt().recip();
        let noises = (moments.noise(), moments.mean_noise());
        let of = |column: &str| -> luthier_core::Result<Part> {
            let at = moments.span(column)?.start;
            let variance = moments.scatter_between(column, column)?[[0, 0]] / weight_sum;
            let (noise, mean_noise) = (noises.0[at] * scale, noises.1[at]);
            Ok(Part { mean: moments.mean()[at], variance, noise, mean_noise })
        };
        let (label, prediction) = (of(&self.label_col)?, of(&self.prediction_col)?);
        let covariance = moments.scatter_between(&self.label_col, &self.prediction_col)?[[0, 0]] / weight_sum;
        let shift = label.mean - prediction.mean;
        // Rows carry the error of the means too, each its own: hence the whole root and not just the shift.
        let mean_error = ROUNDING * label.mean_noise.hypot(prediction.mean_noise);
        let with_error = |value: f64, noise: f64| {
            let error = ROUNDING * noise * noise + mean_error * (2.0 * value.abs().sqrt() + mean_error);
            (value, error)
        };
        let mse = || {
            let value = label.variance + prediction.variance - 2.0 * covariance + shift * shift;
            with_error(value, label.noise + prediction.noise)
        };
        let relative = |(value, error): (f64, f64)| (error <= DIGITS_KEPT * value).then_some(value);
        Ok(match self.metric {
            RegressionMetric::Mse => relative(mse()),
            RegressionMetric::Rmse => relative(mse()).map(f64::sqrt),
            RegressionMetric::Var => {
                relative(with_error(prediction.variance + shift * shift, prediction.noise))
            }
            RegressionMetric::R2 => {
                let (mse, error) = mse();
                let total = label.variance + if self.through_origin { label.mean.powi(2) } else { 0.0 };
                if ROUNDING * label.noise * label.noise > DIGITS_KEPT * total {
                    None
                } else {
                    let absolute = total.max(mse);
                    (error <= DIGITS_KEPT * absolute).then(|| r2(mse, total))
                }
            }
            RegressionMetric::Mae => None,
        })
    }

    fn of_sums(&self, sums: &RegressionSums) -> f64 {
        if sums.is_undefined() {
            return f64::NAN;
        }
        match self.metric {
            RegressionMetric::Rmse => sums.mean_squared_error().sqrt(),
            RegressionMetric::Mse => sums.mean_squared_error(),
            RegressionMetric::R2 if self.through_origin => {
                r2(sums.mean_squared_error(), sums.label_mean_square())
            }
            RegressionMetric::R2 => r2(sums.mean_squared_error(), sums.label_variance()),
            RegressionMetric::Mae => sums.mean_absolute_error(),
            RegressionMetric::Var => sums.explained_variance(),
        }
    }
}

/// What the moments say of one column, per unit of weight.
struct Part {
    mean: f64,
    variance: f64,
    noise: f64,
    mean_noise: f64,
}

fn r2(residual: f64, total: f64) -> f64 {
    if total == 0.0 { f64::NAN } else { 1.0 - residual / total }
}

impl Evaluator for RegressionEvaluator {
    const NAME: &'static str = "regression";

    fn evaluate(&self, predictions: &Dataset) -> anyhow::Result<f64> {
        let one = self.evaluate_many(std::slice::from_ref(predictions)).pop();
        one.unwrap_or_else(|| Err(anyhow::anyhow!("nothing was evaluated")))
    }

    /// Siblings that need rows read them together; the others need none.
    fn evaluate_many(&self, predictions: &[Dataset]) -> Vec<anyhow::Result<f64>> {
        let mut metrics: Vec<_> =
            predictions.iter().map(|data| self.without_rows(data).transpose()).collect();
        let left: Vec<usize> = (0..metrics.len()).filter(|&i| metrics[i].is_none()).collect();
        let views: Vec<Dataset> = left.iter().map(|&i| predictions[i].clone()).collect();
        let (left, views): (Vec<usize>, Vec<Dataset>) = match self.of_siblings(&views) {
            Some(sums) => {
                for (&i, sums) in left.iter().zip(&sums) {
                    // What is missing in a row is for the long way to name.
                    metrics[i] = (!sums.is_undefined()).then(|| Ok(self.of_sums(sums)));
                }
                left.into_iter().zip(views).filter(|(i, _)| metrics[*i].is_none()).unzip()
            }
            None => (left, views),
        };
        let sums = Dataset::summarize_many::<RegressionSums>(&views, &self.sums_spec());
        for (i, sums) in left.into_iter().zip(sums) {
            metrics[i] = Some(sums.map(|sums| self.of_sums(&sums)).map_err(Into::into));
        }
        metrics.into_iter().map(|metric| metric.unwrap_or(Ok(f64::NAN))).collect()
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        for column in RegressionSums::columns(&self.sums_spec()) {
            columns::require_numeric(schema, &column)?;
        }
        Ok(())
    }

    // Nothing is declared as scanned: where rows are read, siblings are summed by one product a tile, and sums that were
    // read ahead would cost a pass through each model, also where moments do.
    fn plan(&self, _schema: &Schema) -> EvaluationPlan {
        match self.metric {
            RegressionMetric::Mae => EvaluationPlan::opaque(),
            _ => EvaluationPlan::opaque().derive::<Moments>(self.moments_spec()),
        }
    }

    fn notes(&self, predictions: &Dataset, metric: f64) -> Vec<Note> {
        if !metric.is_nan() {
            let of_one_row = self.metric == RegressionMetric::Rmse && predictions.num_rows() == 1;
            let message = "rmse of a single row is its absolute error, so the mean over such folds is the mean absolute error; \
                           the mean of mse over them is the mean squared error";
            return of_one_row.then(|| Note::new(NoteKind::Other, message)).into_iter().collect();
        }
        let why = match predictions.summarize::<RegressionSums>(&self.sums_spec()) {
            Ok(sums) if sums.is_undefined() => {
                format!("a prediction in `{}` is missing or not finite", self.prediction_col)
            }
            Ok(sums) if sums.weight_sum() == 0.0 => "there are no rows with a positive weight".to_owned(),
            Ok(_) => format!("`{}` is constant", self.label_col),
            Err(_) => return Vec::new(),
        };
        let message = format!("{} is not defined: {why}", Evaluator::metric(self));
        vec![Note::new(NoteKind::UndefinedMetric, message)]
    }

    fn metric(&self) -> String {
        use luthier_core::params::ParamType;
        match self.metric.to_value() {
            luthier_core::Value::Str(name) => name,
            other => format!("{other:?}"),
        }
    }

    fn is_larger_better(&self) -> bool {
        matches!(self.metric, RegressionMetric::R2 | RegressionMetric::Var)
    }

    fn defined_for(&self) -> Option<String> {
        let needed = match (self.metric, self.through_origin) {
            (RegressionMetric::R2, false) => "at least two rows with different labels",
            (RegressionMetric::R2, true) => "a row whose label is not 0",
            _ => "predictions that are finite and weights that do not sum to 0",
        };
        Some(needed.to_owned())
    }
}

luthier_core::register_evaluator!(
    RegressionEvaluator: "Scores predicted numbers: rmse, mse, r2, mae or var."
);
