//! Confusion matrices.

use std::collections::BTreeMap;

use luthier_core::frame::Schema;
use luthier_core::{Error, Result, Summary, Tile};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::binary_curve::f_measure;
use super::ordered_bits::{of_ordered_bits, ordered_bits};
use crate::columns;

/// The columns of a [`Confusion`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionSpec {
    /// The numeric column of true classes.
    pub label_col: String,
    /// The numeric column of predicted classes.
    pub prediction_col: String,
    /// A numeric column of weights; without it, every row has weight 1.
    pub weight_col: Option<String>,
}

/// A confusion matrix: the weight of the rows of each class that were predicted as each class.
///
/// A class is any integer; `-0` is 0. Averages are over the classes of the labels, as in Spark: a class
/// that is only predicted counts as an error of the others. A label or prediction that is not an integer and an invalid
/// weight are errors that name column and row.
///
/// ```
/// use luthier_core::Dataset;
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_stages::{Confusion, ConfusionSpec};
///
/// let scored = DataFrame::from_columns(vec![
///     ("label", Column::i64(vec![0, 1, 2, 2])),
///     ("prediction", Column::f64(vec![0.0, 1.0, 2.0, 1.0])),
/// ])?;
/// let spec =
///     ConfusionSpec { label_col: "label".into(), prediction_col: "prediction".into(), weight_col: None };
/// let confusion = Dataset::new(scored).aggregate::<Confusion>(&spec)?;
/// assert_eq!((confusion.accuracy(), confusion.recall(2.0)?, confusion.precision(1.0)?), (0.75, 0.5, 0.5));
/// assert_eq!(confusion.matrix().row(2).to_vec(), [0.0, 1.0, 1.0]);
/// # Ok::<(), luthier_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Cells", into = "Cells")]
pub struct Confusion {
    /// By the ordered bits of label and prediction.
    cells: BTreeMap<(u64, u64), f64>,
}

type Cells = Vec<((u64, u64), f64)>;

impl From<Cells> for Confusion {
    fn from(cells: Cells) -> Self {
        Self { cells: cells.into_iter().collect() }
    }
}

impl From<Confusion> for Cells {
    fn from(confusion: Confusion) -> Self {
        confusion.cells.into_iter().collect()
    }
}

/// Sums of one class; `hits` is the weight of its rows that were predicted right.
#[derive(Debug, Clone, Copy, Default)]
struct OfClass {
    labelled: f64,
    predicted: f64,
    hits: f64,
}

impl OfClass {
    fn precision(&self) -> f64 {
        if self.predicted > 0.0 { self.hits / self.predicted } else { 0.0 }
    }

    fn recall(&self) -> f64 {
        self.hits / self.labelled
    }

    fn false_positive_rate(&self, total: f64) -> f64 {
        (self.predicted - self.hits) / (total - self.labelled)
    }

    fn f_measure(&self, beta: f64) -> f64 {
        f_measure(self.precision(), self.recall(), beta)
    }
}

impl Confusion {
    /// Adds a row.
    pub(super) fn add(&mut self, label: f64, prediction: f64, weight: f64) {
        if weight > 0.0 {
            *self.cells.entry((ordered_bits(label), ordered_bits(prediction))).or_default() += weight;
        }
    }

    /// The classes of the labels, from the smallest.
    pub fn labels(&self) -> Vec<f64> {
        self.classes().into_iter().map(|(label, _)| label).collect()
    }

    /// The weight of the rows of each of the [`labels`](Self::labels) (rows) predicted as each of them (columns).
    pub fn matrix(&self) -> Array2<f64> {
        let labels = self.labels();
        Array2::from_shape_fn((labels.len(), labels.len()), |(i, j)| self.weight(labels[i], labels[j]))
    }

    /// All classes that are labels or predictions, from the smallest.
    pub fn classes_seen(&self) -> Vec<f64> {
        let mut seen: Vec<u64> =
            self.cells.keys().flat_map(|(label, prediction)| [*label, *prediction]).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.into_iter().map(of_ordered_bits).collect()
    }

    /// The weight of the rows with this label and this prediction.
    pub fn weight(&self, label: f64, prediction: f64) -> f64 {
        self.cells.get(&(ordered_bits(label), ordered_bits(prediction))).copied().unwrap_or(0.0)
    }

    fn total(&self) -> f64 {
        self.cells.values().sum()
    }

    /// Those of the labels.
    fn classes(&self) -> Vec<(f64, OfClass)> {
        let mut classes: BTreeMap<u64, OfClass> = BTreeMap::new();
        for (&(label, prediction), weight) in &self.cells {
            classes.entry(label).or_default().labelled += weight;
            let predicted = classes.entry(prediction).or_default();
            predicted.predicted += weight;
            if label == prediction {
                predicted.hits += weight;
            }
        }
        let labelled = classes.into_iter().filter(|(_, class)| class.labelled > 0.0);
        labelled.map(|(label, class)| (of_ordered_bits(label), class)).collect()
    }

    fn class(&self, label: f64) -> Result<OfClass> {
        let classes = self.classes();
        let found = classes.iter().find(|(other, _)| *other == label).map(|(_, class)| *class);
        found.ok_or_else(|| {
            let seen: Vec<String> = classes.iter().take(5).map(|(label, _)| label.to_string()).collect();
            let more = if classes.len() > 5 { ", …" } else { "" };
            Error::invalid(format!("no row has the label {label}: the labels are {}{more}", seen.join(", ")))
        })
    }

    /// The mean over the classes of the labels, weighted by their rows; NaN without rows.
    fn weighted(&self, f: impl Fn(&OfClass, f64) -> f64) -> f64 {
        let total = self.total();
        let classes = self.classes();
        if classes.is_empty() {
            return f64::NAN;
        }
        classes.iter().map(|(_, class)| f(class, total) * class.labelled).sum::<f64>() / total
    }

    /// Fraction of the rows that were predicted correctly; NaN without rows.
    pub fn accuracy(&self) -> f64 {
        let hits = self.cells.iter().filter(|((label, prediction), _)| label == prediction);
        hits.map(|(_, weight)| weight).sum::<f64>() / self.total()
    }

    /// Fraction of the rows that were predicted incorrectly; NaN without rows.
    pub fn hamming_loss(&self) -> f64 {
        let misses = self.cells.iter().filter(|((label, prediction), _)| label != prediction);
        misses.map(|(_, weight)| weight).sum::<f64>() / self.total()
    }

    /// Of the rows that were predicted as this class, the fraction that belongs to it; 0 if there are none.
    ///
    /// # Errors
    /// If no row is of this class.
    pub fn precision(&self, label: f64) -> Result<f64> {
        Ok(self.class(label)?.precision())
    }

    /// Of the rows of this class, the fraction that was predicted correctly; the true positive rate.
    ///
    /// # Errors
    /// If no row is of this class.
    pub fn recall(&self, label: f64) -> Result<f64> {
        Ok(self.class(label)?.recall())
    }

    /// Of the rows of other classes, the fraction that was predicted as this class; NaN if there are none.
    ///
    /// # Errors
    /// If no row is of this class.
    pub fn false_positive_rate(&self, label: f64) -> Result<f64> {
        Ok(self.class(label)?.false_positive_rate(self.total()))
    }

    /// `F = (1 + β²) · precision · recall / (β² · precision + recall)` of a class, 0 where both are 0.
    ///
    /// # Errors
    /// If no row is of this class.
    pub fn f_measure(&self, label: f64, beta: f64) -> Result<f64> {
        Ok(self.class(label)?.f_measure(beta))
    }

    /// Mean [`precision`](Self::precision) of the classes, weighted by their rows.
    pub fn weighted_precision(&self) -> f64 {
        self.weighted(|class, _| class.precision())
    }

    /// Mean [`recall`](Self::recall) of the classes, weighted by their rows; equals the accuracy.
    pub fn weighted_recall(&self) -> f64 {
        self.weighted(|class, _| class.recall())
    }

    /// Mean [`false_positive_rate`](Self::false_positive_rate) of the classes, weighted by their rows.
    pub fn weighted_false_positive_rate(&self) -> f64 {
        self.weighted(OfClass::false_positive_rate)
    }

    /// Mean [`f_measure`](Self::f_measure) of the classes, weighted by their rows.
    pub fn weighted_f_measure(&self, beta: f64) -> f64 {
        self.weighted(|class, _| class.f_measure(beta))
    }
}

const NO_CLASS: &str = "a class, which is an integer; for measured numbers use the evaluator `regression`";

/// Integers beyond 2⁵³ cannot be distinguished.
fn is_class(x: f64) -> bool {
    x.fract() == 0.0 && x.abs() <= 9_007_199_254_740_992.0
}

impl Summary for Confusion {
    type Spec = ConfusionSpec;
    const NAME: &'static str = "confusion";

    fn columns(spec: &ConfusionSpec) -> Vec<String> {
        [&spec.label_col, &spec.prediction_col].into_iter().chain(&spec.weight_col).cloned().collect()
    }

    fn empty(spec: &ConfusionSpec, schema: &Schema) -> Result<Self> {
        for column in Self::columns(spec) {
            columns::require_numeric(schema, &column)?;
        }
        Ok(Self::default())
    }

    fn update(&mut self, spec: &ConfusionSpec, tile: &Tile<'_>) -> Result<()> {
        for column in [&spec.label_col, &spec.prediction_col] {
            if let Some(error) = tile.first_not_finite(column) {
                return Err(error);
            }
        }
        let (labels, weights) = (tile.numbers(&spec.label_col)?, tile.weights(spec.weight_col.as_deref())?);
        let predictions = tile.numbers(&spec.prediction_col)?;
        for (i, (label, prediction)) in labels.iter().zip(predictions.iter()).enumerate() {
            if !is_class(*label) {
                return Err(tile.bad_value(&spec.label_col, i, NO_CLASS));
            }
            if !is_class(*prediction) {
                return Err(tile.bad_value(&spec.prediction_col, i, NO_CLASS));
            }
            self.add(*label, *prediction, weights.as_ref().map_or(1.0, |weights| weights[i]));
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        for (cell, weight) in &other.cells {
            *self.cells.entry(*cell).or_default() += weight;
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + 2 * self.cells.len() * size_of::<((u64, u64), f64)>()
    }
}
