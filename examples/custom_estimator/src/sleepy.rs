use std::thread;
use std::time::Duration;

use luthier_core::frame::{Field, Schema};
use luthier_core::{Dataset, Estimator, FitContext, Params};

use crate::mean::{MeanModel, mean};

/// Predicts the mean of the labels after a pause.
///
/// It declares nothing, so every candidate reads the rows itself. It stands for a slow fit about which Luthier knows
/// nothing.
#[derive(Debug, Clone, Params)]
pub struct Sleepy {
    /// Milliseconds that a fit sleeps.
    #[param(default = 100)]
    millis: u64,
    /// Added to the mean, so that candidates differ.
    #[param(default = 0.0)]
    shift: f64,
    /// Numeric column to predict.
    #[param(default = "label", column = label)]
    label_col: String,
    /// Column the predictions are written to.
    #[param(default = "prediction", column = prediction)]
    prediction_col: String,
}

impl Estimator for Sleepy {
    const NAME: &'static str = "acme.sleepy";
    type Model = MeanModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<MeanModel> {
        thread::sleep(Duration::from_millis(self.millis));
        let prediction = mean(data, &self.label_col)? + self.shift;
        Ok(MeanModel { prediction_col: self.prediction_col.clone(), prediction })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        schema.require_number(&self.label_col)?;
        Ok(vec![Field::number(&self.prediction_col)])
    }
}

luthier_core::register_estimator!(Sleepy: "Predicts the mean of the labels after a pause.");
