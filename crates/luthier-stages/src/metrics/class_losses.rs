//! How far predicted probabilities are from the classes.

use luthier_core::frame::{ColumnType, Schema};
use luthier_core::{Error, Result, Summary, Tile};
use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};

use super::binary_scores::require_scores;
use crate::columns;

/// How labels are classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Classes {
    /// Positive above 0.5, else negative.
    Two,
    /// The label is the number of the class, from 0.
    Many,
}

/// The columns of [`ClassLosses`].
#[derive(Debug, Clone, PartialEq)]
pub struct ClassLossesSpec {
    /// The numeric column of true classes.
    pub label_col: String,
    /// The probabilities: vectors with a number for each class; of two classes also a column of `f64` for the positive
    /// one.
    pub probability_col: String,
    /// A numeric column of weights; every row weighs 1 without it.
    pub weight_col: Option<String>,
    /// How labels are classes.
    pub classes: Classes,
    /// The log loss takes probabilities as this far from 0 and 1 at least.
    pub eps: f64,
}

/// Sums of the losses of probabilities.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ClassLosses {
    weight_sum: f64,
    log_loss_sum: f64,
    square_sum: f64,
}

/// Rounding may leave a probability this far outside of 0 and 1.
const SLACK: f64 = 1e-9;

impl ClassLosses {
    /// `−Σ w ln(probability of the true class) / Σw`; NaN if the weights sum to 0.
    pub fn log_loss(&self) -> f64 {
        self.log_loss_sum / self.weight_sum
    }

    /// `Σ w (p − y)² / Σw` with `p` the probability of the positive class and `y` 1 for a positive row and 0 for another;
    /// NaN if the weights sum to 0. Of two classes only.
    pub fn brier_score(&self) -> f64 {
        self.square_sum / self.weight_sum
    }

    fn add(&mut self, weight: f64, of_true_class: f64, of_positive: f64, is_positive: bool, eps: f64) {
        self.weight_sum += weight;
        self.log_loss_sum -= weight * of_true_class.min(1.0 - eps).max(eps).ln();
        let residual = of_positive - f64::from(u8::from(is_positive));
        self.square_sum += weight * residual * residual;
    }
}

/// The number of a class, if the label is one.
fn class_of(label: f64, classes: usize) -> Option<usize> {
    (label.fract() == 0.0 && label >= 0.0 && label < classes as f64).then_some(label as usize)
}

impl Summary for ClassLosses {
    type Spec = ClassLossesSpec;
    const NAME: &'static str = "class_losses";

    fn columns(spec: &ClassLossesSpec) -> Vec<String> {
        [&spec.label_col, &spec.probability_col].into_iter().chain(&spec.weight_col).cloned().collect()
    }

    fn empty(spec: &ClassLossesSpec, schema: &Schema) -> Result<Self> {
        for column in [&spec.label_col].into_iter().chain(&spec.weight_col) {
            columns::require_numeric(schema, column)?;
        }
        require_probabilities(schema, &spec.probability_col, spec.classes)?;
        Ok(Self::default())
    }

    fn update(&mut self, spec: &ClassLossesSpec, tile: &Tile<'_>) -> Result<()> {
        if let Some(error) = tile.first_not_finite(&spec.label_col) {
            return Err(error);
        }
        let (labels, weights) = (tile.numbers(&spec.label_col)?, tile.weights(spec.weight_col.as_deref())?);
        let probabilities = tile.vectors(&spec.probability_col)?;
        let is_one = |p: f64| (-SLACK..=1.0 + SLACK).contains(&p);
        for (i, (&label, row)) in labels.iter().zip(probabilities.outer_iter()).enumerate() {
            if !row.iter().all(|p| is_one(*p)) {
                return Err(tile.bad_value(&spec.probability_col, i, "probabilities between 0 and 1"));
            }
            let weight = weights.as_ref().map_or(1.0, |weights| weights[i]);
            // A weight of nothing times an infinite loss is nothing.
            if weight == 0.0 {
                continue;
            }
            match spec.classes {
                Classes::Two => {
                    let (negative, positive) = of_two(row);
                    let is_positive = label > 0.5;
                    let of_true_class = if is_positive { positive } else { negative };
                    self.add(weight, of_true_class, positive, is_positive, spec.eps);
                }
                Classes::Many => {
                    let of_true_class = class_of(label, row.len()).and_then(|class| row.get(class));
                    let &of_true_class = of_true_class.ok_or_else(|| {
                        let expected =
                            "the number of a class, from 0 and below the width of the probabilities";
                        tile.bad_value(&spec.label_col, i, expected)
                    })?;
                    self.add(weight, of_true_class, 0.0, false, spec.eps);
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.weight_sum += other.weight_sum;
        self.log_loss_sum += other.log_loss_sum;
        self.square_sum += other.square_sum;
        Ok(())
    }
}

/// The probabilities of the negative and the positive class.
fn of_two(row: ArrayView1<'_, f64>) -> (f64, f64) {
    match (row.first(), row.get(1)) {
        (Some(&negative), Some(&positive)) => (negative, positive),
        (Some(&positive), None) => (1.0 - positive, positive),
        _ => (f64::NAN, f64::NAN),
    }
}

/// Whether a column can be one of probabilities.
pub(super) fn require_probabilities(schema: &Schema, column: &str, classes: Classes) -> Result<()> {
    if classes == Classes::Two {
        return require_scores(schema, column);
    }
    match schema.require(column)?.column_type() {
        ColumnType::Vector { .. } | ColumnType::AnyVector => Ok(()),
        found => Err(Error::ColumnType {
            column: column.to_owned(),
            found: found.to_string(),
            expected: "vectors with the probability of each class".to_owned(),
        }),
    }
}
