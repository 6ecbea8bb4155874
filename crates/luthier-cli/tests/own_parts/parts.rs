//! Tiny parts of another crate than Luthier's.

use anyhow::{anyhow, bail};
use luthier::core::frame::{Field, Schema};
use luthier::core::{
    Dataset, Estimator, Evaluator, FitContext, Outputs, Params, Required, Tile, Transformer,
};
use serde::{Deserialize, Serialize};

/// Predicts the mean label and something on top.
#[derive(Debug, Clone, Params)]
pub(crate) struct Shift {
    /// What to add to the mean; 13 panics, 14 fails, 16 to 19 end the process.
    #[param(range = 0.0..)]
    by: Required<f64>,
    /// Column of labels.
    #[param(default = "label", column = label)]
    label_col: String,
    /// Column of weights.
    #[param(column = weight)]
    weight_col: Option<String>,
    /// Column of predictions.
    #[param(default = "prediction", column = prediction)]
    prediction_col: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ShiftModel {
    value: f64,
    never: f64,
    prediction_col: String,
}

impl Estimator for Shift {
    const NAME: &'static str = "test.shift";
    type Model = ShiftModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<ShiftModel> {
        let by = *self.by.get()?;
        if by == 13.0 {
            #[allow(clippy::panic, reason = "this is what it is for")]
            {
                panic!("thirteen is bad luck")
            }
        }
        if by == 14.0 {
            bail!("fourteen is too many");
        }
        match by {
            16.0 => std::process::abort(),
            17.0 => std::process::exit(0),
            18.0 => bail!("{}", endless(0)),
            19.0 => bail!("{}", vec![1u8; 1 << 45].len()),
            _ => {}
        }
        let labels = data.collect(&[&self.label_col])?.column_f64(&self.label_col)?;
        let mean = labels.iter().sum::<f64>() / labels.len() as f64;
        if by == 15.0 && data.num_rows() == 6 {
            bail!("not on all rows");
        }
        let prediction_col = self.prediction_col.clone();
        Ok(ShiftModel { value: mean + by, never: f64::NAN, prediction_col })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        schema.require(&self.label_col)?;
        self.weight_col.as_deref().map(|column| schema.require(column)).transpose()?;
        Ok(vec![Field::number(&self.prediction_col)])
    }
}

/// Overflows the stack.
#[allow(unconditional_recursion, reason = "this is what it is for")]
fn endless(depth: usize) -> usize {
    std::hint::black_box(1 + endless(std::hint::black_box(depth + 1)))
}

impl Transformer for ShiftModel {
    fn inputs(&self) -> Vec<String> {
        Vec::new()
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![Field::number(&self.prediction_col)])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        out.numbers(vec![self.value; rows.len()]);
        Ok(())
    }
}

/// Mean absolute error.
#[derive(Debug, Clone, Params)]
pub(crate) struct Off {
    /// Column of labels.
    #[param(default = "label", column = label)]
    label_col: String,
    /// Turns the metric around.
    #[param(default = false)]
    negative: bool,
}

impl Evaluator for Off {
    const NAME: &'static str = "test.off";

    fn evaluate(&self, predictions: &Dataset) -> anyhow::Result<f64> {
        let rows = predictions.collect(&[&self.label_col, "prediction"])?;
        let (label, prediction) = (rows.column_f64(&self.label_col)?, rows.column_f64("prediction")?);
        let sum: f64 = label.iter().zip(&prediction).map(|(l, p)| (l - p).abs()).sum();
        let sign = if self.negative { -1.0 } else { 1.0 };
        Ok(sign * sum / label.len() as f64)
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        schema.require(&self.label_col)?;
        schema.require("prediction").map(|_| ()).map_err(|e| anyhow!(e))
    }

    fn metric(&self) -> String {
        "off".to_owned()
    }

    fn is_larger_better(&self) -> bool {
        self.negative
    }
}

luthier::core::register_estimator!(Shift: "Predicts the mean label and something on top.");
luthier::core::register_evaluator!(Off: "Mean absolute error.");
