//! Sums over predicted sets of labels.

use std::collections::{BTreeMap, BTreeSet};

use luthier_core::frame::Schema;
use luthier_core::{Result, Summary, Tile};
use serde::{Deserialize, Serialize};

use crate::columns;

/// The columns of [`MultilabelSums`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultilabelSumsSpec {
    /// The list column of true labels.
    pub label_col: String,
    /// The list column of predicted labels.
    pub prediction_col: String,
}

/// Sums of the rows' quotients and of the counts of each label. A list is a set: order and repetitions are ignored.
///
/// A null list is an error that names column and row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MultilabelSums {
    rows: u64,
    equal: u64,
    accuracy_sum: f64,
    precision_sum: f64,
    recall_sum: f64,
    f1_sum: f64,
    labels: BTreeMap<i64, Counts>,
}

/// Rows with a label that was predicted (`hits`), not predicted (`misses`), and without one that was (`false_alarms`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Counts {
    hits: u64,
    misses: u64,
    false_alarms: u64,
}

impl Counts {
    fn precision(&self) -> f64 {
        quotient(self.hits as f64, (self.hits + self.false_alarms) as f64)
    }

    fn recall(&self) -> f64 {
        quotient(self.hits as f64, (self.hits + self.misses) as f64)
    }

    fn f1(&self) -> f64 {
        quotient(2.0 * self.hits as f64, (2 * self.hits + self.misses + self.false_alarms) as f64)
    }
}

/// 0 for 0 of 0.
fn quotient(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

impl MultilabelSums {
    fn add(&mut self, labels: &[i64], predictions: &[i64]) {
        let labels: BTreeSet<i64> = labels.iter().copied().collect();
        let predictions: BTreeSet<i64> = predictions.iter().copied().collect();
        let both = labels.intersection(&predictions).count() as f64;
        let (true_ones, predicted) = (labels.len() as f64, predictions.len() as f64);
        self.rows += 1;
        self.equal += u64::from(labels == predictions);
        self.accuracy_sum += quotient(both, true_ones + predicted - both);
        self.precision_sum += quotient(both, predicted);
        self.recall_sum += quotient(both, true_ones);
        self.f1_sum += quotient(2.0 * both, true_ones + predicted);
        for label in labels.union(&predictions) {
            let counts = self.labels.entry(*label).or_default();
            match (labels.contains(label), predictions.contains(label)) {
                (true, true) => counts.hits += 1,
                (true, false) => counts.misses += 1,
                _ => counts.false_alarms += 1,
            }
        }
    }

    fn mean(&self, sum: f64) -> f64 {
        sum / self.rows as f64
    }

    /// Fraction of the rows whose labels were predicted exactly.
    pub fn subset_accuracy(&self) -> f64 {
        self.mean(self.equal as f64)
    }

    /// Mean of `|y ∩ ŷ| / |y ∪ ŷ|`.
    pub fn accuracy(&self) -> f64 {
        self.mean(self.accuracy_sum)
    }

    /// Mean of `|y ∩ ŷ| / |ŷ|`.
    pub fn precision(&self) -> f64 {
        self.mean(self.precision_sum)
    }

    /// Mean of `|y ∩ ŷ| / |y|`.
    pub fn recall(&self) -> f64 {
        self.mean(self.recall_sum)
    }

    /// Mean of `2 |y ∩ ŷ| / (|y| + |ŷ|)`.
    pub fn f1_measure(&self) -> f64 {
        self.mean(self.f1_sum)
    }

    /// Mean of `(|y ∪ ŷ| − |y ∩ ŷ|) / q`, with `q` the number of distinct true labels. NaN if there are none.
    pub fn hamming_loss(&self) -> f64 {
        let wrong: u64 = self.labels.values().map(|counts| counts.misses + counts.false_alarms).sum();
        let labels = self.labels.values().filter(|counts| counts.hits + counts.misses > 0).count();
        self.mean(wrong as f64) / labels as f64
    }

    fn of_label(&self, label: i64) -> Counts {
        self.labels.get(&label).copied().unwrap_or_default()
    }

    /// Of the rows for which a label was predicted, the fraction that has it; 0 without such rows.
    pub fn precision_by_label(&self, label: i64) -> f64 {
        if self.rows == 0 { f64::NAN } else { self.of_label(label).precision() }
    }

    /// Of the rows with a label, the fraction for which it was predicted; 0 without such rows.
    pub fn recall_by_label(&self, label: i64) -> f64 {
        if self.rows == 0 { f64::NAN } else { self.of_label(label).recall() }
    }

    /// `2 · precision · recall / (precision + recall)` of a label, 0 where both are 0.
    pub fn f1_measure_by_label(&self, label: i64) -> f64 {
        if self.rows == 0 { f64::NAN } else { self.of_label(label).f1() }
    }

    /// All labels of all rows counted together.
    fn together(&self) -> Counts {
        self.labels.values().fold(Counts::default(), |sum, counts| Counts {
            hits: sum.hits + counts.hits,
            misses: sum.misses + counts.misses,
            false_alarms: sum.false_alarms + counts.false_alarms,
        })
    }

    /// Of all predicted labels, the fraction that is true.
    pub fn micro_precision(&self) -> f64 {
        if self.rows == 0 { f64::NAN } else { self.together().precision() }
    }

    /// Of all true labels, the fraction that was predicted.
    pub fn micro_recall(&self) -> f64 {
        if self.rows == 0 { f64::NAN } else { self.together().recall() }
    }

    /// `2 · precision · recall / (precision + recall)` of all labels together.
    pub fn micro_f1_measure(&self) -> f64 {
        if self.rows == 0 { f64::NAN } else { self.together().f1() }
    }
}

impl Summary for MultilabelSums {
    type Spec = MultilabelSumsSpec;
    const NAME: &'static str = "multilabel_sums";

    fn columns(spec: &MultilabelSumsSpec) -> Vec<String> {
        vec![spec.label_col.clone(), spec.prediction_col.clone()]
    }

    fn empty(spec: &MultilabelSumsSpec, schema: &Schema) -> Result<Self> {
        for column in Self::columns(spec) {
            columns::require_list(schema, &column)?;
        }
        Ok(Self::default())
    }

    fn update(&mut self, spec: &MultilabelSumsSpec, tile: &Tile<'_>) -> Result<()> {
        let (labels, predictions) = (tile.array(&spec.label_col)?, tile.array(&spec.prediction_col)?);
        let labels = columns::lists_of(tile, &spec.label_col, &labels)?;
        let predictions = columns::lists_of(tile, &spec.prediction_col, &predictions)?;
        labels.iter().zip(&predictions).for_each(|(labels, predictions)| self.add(labels, predictions));
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.rows += other.rows;
        self.equal += other.equal;
        self.accuracy_sum += other.accuracy_sum;
        self.precision_sum += other.precision_sum;
        self.recall_sum += other.recall_sum;
        self.f1_sum += other.f1_sum;
        for (label, theirs) in &other.labels {
            let mine = self.labels.entry(*label).or_default();
            mine.hits += theirs.hits;
            mine.misses += theirs.misses;
            mine.false_alarms += theirs.false_alarms;
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + 2 * self.labels.len() * size_of::<(i64, Counts)>()
    }
}
