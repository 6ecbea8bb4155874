//! The sums of the huber loss at one point, as a summary of rows.

use luthier_core::frame::Schema;
use luthier_core::{Result, Summary, Tile};
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::huber::{HuberPoint, HuberSums};
use crate::columns;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct HuberSpec {
    pub(super) features_col: String,
    pub(super) label_col: String,
    pub(super) weight_col: Option<String>,
    pub(super) point: HuberPoint,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct HuberSummary {
    pub(super) sums: HuberSums,
}

impl Summary for HuberSummary {
    type Spec = HuberSpec;
    const NAME: &'static str = "huber_sums";

    fn columns(spec: &HuberSpec) -> Vec<String> {
        [&spec.features_col, &spec.label_col].into_iter().chain(&spec.weight_col).cloned().collect()
    }

    fn empty(spec: &HuberSpec, schema: &Schema) -> Result<Self> {
        Ok(Self { sums: HuberSums::empty(columns::width(schema, &spec.features_col)?) })
    }

    fn update(&mut self, spec: &HuberSpec, tile: &Tile<'_>) -> Result<()> {
        let features = tile.vectors(&spec.features_col)?;
        let label = tile.numbers(&spec.label_col)?;
        let weights = match tile.weights(spec.weight_col.as_deref())? {
            Some(weights) => Array1::from(weights.into_owned()),
            None => Array1::ones(tile.len()),
        };
        self.sums.update(&spec.point, features.view(), ndarray::aview1(&label), weights.view());
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.sums.merge(&other.sums);
        Ok(())
    }
}
