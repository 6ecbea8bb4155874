//! Losses of predicted probabilities.

use luthier_core::frame::{ColumnType, Schema};
use luthier_core::{Error, Result, Summary, Tile};
use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};

use super::binary_scores::require_scores;
use super::two_classes::{TwoClasses, labels_of_classes};
use crate::columns;

/// How labels are mapped to classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Classes {
    /// Of two labels, the larger is the positive class, unless the categories of the columns determine it.
    Two,
    /// The label is the index of the class, from 0, unless the probabilities carry the names of their classes.
    Many,
}

/// The columns of [`ClassLosses`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassLossesSpec {
    /// The numeric column of true classes.
    pub label_col: String,
    /// The probabilities: vectors with one number per class; for two classes also a column of `f64` for the positive
    /// one.
    pub probability_col: String,
    /// A numeric column of weights; without it, every row has weight 1.
    pub weight_col: Option<String>,
    /// How labels are mapped to classes.
    pub classes: Classes,
    /// Smallest distance of probabilities from 0 and 1 in the log loss.
    pub eps: f64,
}

/// Sums of the losses of probabilities.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ClassLosses {
    /// Of many classes.
    many: Sums,
    /// The label of each class, if the probabilities have class names.
    labels: Option<Vec<Option<f64>>>,
    pub(super) two: TwoClasses<SumsOfTwo>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Sums {
    weight: f64,
    log_loss: f64,
    square: f64,
}

/// As if the rows were of the negative, and as if they were of the positive class: which they are the other rows may
/// have to tell.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct SumsOfTwo([Sums; 2]);

impl Sums {
    fn add(&mut self, other: &Self) {
        self.weight += other.weight;
        self.log_loss += other.log_loss;
        self.square += other.square;
    }

    fn of(weight: f64, of_true_class: f64, residual: f64, eps: f64) -> Self {
        Self {
            weight,
            log_loss: -weight * of_true_class.min(1.0 - eps).max(eps).ln(),
            square: weight * residual * residual,
        }
    }
}

/// Rounding may leave a probability this far outside of 0 and 1.
const SLACK: f64 = 1e-9;

impl ClassLosses {
    /// `−Σ w ln(probability of the true class) / Σw`; NaN if the weights sum to 0, or if there is only one of two labels and
    /// it is unknown which class it is.
    pub fn log_loss(&self) -> f64 {
        self.total().map_or(f64::NAN, |sums| sums.log_loss / sums.weight)
    }

    /// `Σ w (p − y)² / Σw` with `p` the probability of the positive class and `y = 1` for positive rows, `y = 0` for negative
    /// rows; NaN as for [`log_loss`](Self::log_loss). For two classes only.
    pub fn brier_score(&self) -> f64 {
        self.total().map_or(f64::NAN, |sums| sums.square / sums.weight)
    }

    fn total(&self) -> Option<Sums> {
        if self.two.is_ambiguous() {
            return None;
        }
        let mut total = self.many;
        for (class, sums) in self.two.sums().into_iter().enumerate() {
            if let Some(SumsOfTwo(as_if)) = sums {
                total.add(as_if.get(class)?);
            }
        }
        Some(total)
    }

    /// The place of the class that a label stands for.
    fn class_of(&self, label: f64, classes: usize) -> Option<usize> {
        match &self.labels {
            Some(labels) => {
                let is_it = |place: &usize| labels.get(*place) == Some(&Some(label));
                let numbered = class_of(label, classes).filter(is_it);
                numbered.or_else(|| labels.iter().position(|other| *other == Some(label)))
            }
            None => class_of(label, classes),
        }
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
        let (label, probability) = (&spec.label_col, &spec.probability_col);
        Ok(match spec.classes {
            Classes::Two => Self { two: TwoClasses::of(schema, label, probability), ..Self::default() },
            Classes::Many => {
                Self { labels: labels_of_classes(schema, label, probability), ..Self::default() }
            }
        })
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
                    let SumsOfTwo(as_if) = match self.two.sum_of(label, SumsOfTwo::default) {
                        Some(sums) => sums,
                        None => return Err(self.two.third(tile, &spec.label_col, i, label)),
                    };
                    as_if[0].add(&Sums::of(weight, negative, positive, spec.eps));
                    as_if[1].add(&Sums::of(weight, positive, positive - 1.0, spec.eps));
                }
                Classes::Many => {
                    let of_true_class = self.class_of(label, row.len()).and_then(|class| row.get(class));
                    let &of_true_class =
                        of_true_class.ok_or_else(|| {
                            tile.bad_value(&spec.label_col, i, match self.labels {
                            Some(_) => "the label of a class that the model was fitted on",
                            None => "the index of a class, from 0 and below the width of the probabilities",
                        })
                        })?;
                    self.many.add(&Sums::of(weight, of_true_class, 0.0, spec.eps));
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.many.add(&other.many);
        self.two.merge(&other.two, "the label column", |SumsOfTwo(mine), SumsOfTwo(theirs)| {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.add(theirs));
            Ok(())
        })
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
