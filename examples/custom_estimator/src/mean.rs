use luthier_core::frame::{Field, Schema};
use luthier_core::{Dataset, Outputs, Tile, Transformer};
use serde::{Deserialize, Serialize};

/// Predicts the same value for every row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MeanModel {
    pub(crate) prediction_col: String,
    pub(crate) prediction: f64,
}

impl MeanModel {
    /// What every row is predicted to be.
    pub fn prediction(&self) -> f64 {
        self.prediction
    }
}

impl Transformer for MeanModel {
    fn inputs(&self) -> Vec<String> {
        Vec::new()
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![Field::number(&self.prediction_col)])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        out.numbers(vec![self.prediction; rows.len()]);
        Ok(())
    }
}

/// The mean of a numeric column, from its rows.
pub(crate) fn mean(data: &Dataset, column: &str) -> anyhow::Result<f64> {
    let (mut sum, mut rows) = (0.0, 0usize);
    data.for_each_tile(&[column], |tile| {
        if let Some(error) = tile.first_not_finite(column) {
            return Err(error);
        }
        sum += tile.numbers(column)?.iter().sum::<f64>();
        rows += tile.len();
        Ok(())
    })?;
    anyhow::ensure!(rows > 0, "no rows to fit: the mean of `{column}` needs at least one row");
    Ok(sum / rows as f64)
}
