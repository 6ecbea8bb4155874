use anyhow::bail;
use luthier_core::frame::{Field, Schema};
use luthier_core::params::ParamEnum;
use luthier_core::{Dataset, Estimator, FitContext, Params};

use crate::mean::{MeanModel, mean};

/// The outcome of a fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
pub enum Failure {
    /// It succeeds.
    None,
    /// It returns an error, as a stage should do.
    Error,
    /// It panics, as a stage should not do.
    Panic,
}

/// Predicts the mean of the labels, unless it is configured to fail.
///
/// In either case of failure, the search loses only this candidate: its row holds the error.
#[derive(Debug, Clone, Params)]
pub struct Flaky {
    /// The outcome of the fit.
    #[param(default = Failure::None)]
    failure: Failure,
    /// Numeric column to predict.
    #[param(default = "label", column = label)]
    label_col: String,
    /// Column the predictions are written to.
    #[param(default = "prediction", column = prediction)]
    prediction_col: String,
}

impl Estimator for Flaky {
    const NAME: &'static str = "acme.flaky";
    type Model = MeanModel;

    #[allow(clippy::panic, reason = "asked for")]
    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<MeanModel> {
        match self.failure {
            Failure::None => {}
            Failure::Error => bail!("told to fail: set `failure` = none"),
            Failure::Panic => panic!("told to panic: set `failure` = none"),
        }
        let prediction = mean(data, &self.label_col)?;
        Ok(MeanModel { prediction_col: self.prediction_col.clone(), prediction })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        schema.require_number(&self.label_col)?;
        Ok(vec![Field::number(&self.prediction_col)])
    }
}

luthier_core::register_estimator!(Flaky: "Predicts the mean of the labels, unless it is configured to fail.");
