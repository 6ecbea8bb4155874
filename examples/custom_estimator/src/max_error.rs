use luthier_core::frame::Schema;
use luthier_core::{Dataset, Evaluator, Params, Result, Summary, Tile};
use serde::{Deserialize, Serialize};

/// The largest absolute error, `max |y − ŷ|`; NaN if a prediction is NaN.
///
/// It does not follow from moments, so the rows are read, once for all candidates of a unit.
#[derive(Debug, Clone, Params)]
pub struct MaxError {
    /// Numeric column of true values.
    #[param(default = "label", column = label)]
    label_col: String,
    /// Numeric column of predicted values.
    #[param(default = "prediction", column = prediction)]
    prediction_col: String,
}

impl MaxError {
    fn spec(&self) -> MaxErrorSpec {
        MaxErrorSpec { label_col: self.label_col.clone(), prediction_col: self.prediction_col.clone() }
    }
}

impl Evaluator for MaxError {
    const NAME: &'static str = "acme.max_error";

    fn evaluate(&self, predictions: &Dataset) -> anyhow::Result<f64> {
        Ok(predictions.aggregate::<LargestError>(&self.spec())?.0)
    }

    fn evaluate_many(&self, predictions: &[Dataset]) -> Vec<anyhow::Result<f64>> {
        match Dataset::aggregate_many::<LargestError>(predictions, &self.spec()) {
            Ok(errors) => errors.into_iter().map(|error| Ok(error.0)).collect(),
            // One by one, a view that fails does not affect the others.
            Err(_) => predictions.iter().map(|data| self.evaluate(data)).collect(),
        }
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        schema.require_number(&self.label_col)?;
        schema.require_number(&self.prediction_col)?;
        Ok(())
    }

    fn metric(&self) -> String {
        "max_error".to_owned()
    }

    fn is_larger_better(&self) -> bool {
        false
    }
}

luthier_core::register_evaluator!(MaxError: "The largest absolute error.");

/// The columns of a [`LargestError`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxErrorSpec {
    /// What is true.
    pub label_col: String,
    /// What is predicted.
    pub prediction_col: String,
}

/// The largest absolute error of some rows; 0 without rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LargestError(pub f64);

impl LargestError {
    /// The larger number; NaN if one of them is NaN, unlike [`f64::max`].
    fn take(&mut self, error: f64) {
        if error > self.0 || error.is_nan() {
            self.0 = error;
        }
    }
}

impl Summary for LargestError {
    type Spec = MaxErrorSpec;
    const NAME: &'static str = "acme.largest_error";

    fn columns(spec: &MaxErrorSpec) -> Vec<String> {
        vec![spec.label_col.clone(), spec.prediction_col.clone()]
    }

    fn empty(spec: &MaxErrorSpec, schema: &Schema) -> Result<Self> {
        schema.require(&spec.label_col)?;
        schema.require(&spec.prediction_col)?;
        Ok(Self(0.0))
    }

    fn update(&mut self, spec: &MaxErrorSpec, tile: &Tile<'_>) -> Result<()> {
        if let Some(error) = tile.first_not_finite(&spec.label_col) {
            return Err(error);
        }
        let (labels, predictions) = (tile.numbers(&spec.label_col)?, tile.numbers(&spec.prediction_col)?);
        labels.iter().zip(predictions.iter()).for_each(|(y, p)| self.take((y - p).abs()));
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.take(other.0);
        Ok(())
    }
}
