//! ROC and precision-recall curves of two classes.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Dataset, Error, Result};

use super::binary_scores::{BinaryScores, BinaryScoresSpec};
use super::ordered_bits::of_ordered_bits;

/// The weights of true and false positives at every threshold, from which the ROC and precision-recall curves and the
/// metrics by threshold are computed.
///
/// A row is predicted positive if its score is at least the threshold. There is one threshold per distinct score,
/// from the largest to the smallest, or for some of them ([`binned`](Self::binned)); `tp` and `fp` are the weights
/// of positive and negative rows at or above it, `P` and `N` those of all rows. Without weights they are exact counts.
/// Of two labels, the larger is the positive class.
///
/// ```
/// use luthier_stages::BinaryCurve;
///
/// let curve = BinaryCurve::new(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0], None)?;
/// assert_eq!(curve.area_under_roc(), 0.75);
/// assert_eq!(curve.roc(), [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0), (1.0, 1.0)]);
/// # Ok::<(), luthier_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BinaryCurve {
    thresholds: Vec<f64>,
    true_positives: Vec<f64>,
    false_positives: Vec<f64>,
}

impl BinaryCurve {
    /// The curve of some scores. Of two labels, the larger is positive; a single label is positive if it is above 0.5.
    /// Without `weights`, every row has weight 1.
    ///
    /// # Errors
    /// Slices of different lengths; a score that is NaN, a label that is not finite, a third label, a weight that is
    /// negative or not finite.
    pub fn new(scores: &[f64], labels: &[f64], weights: Option<&[f64]>) -> Result<Self> {
        if labels.len() != scores.len() || weights.is_some_and(|weights| weights.len() != scores.len()) {
            return Err(Error::invalid(format!(
                "scores, labels and weights must have the same length: found {} scores, {} labels and {:?} weights",
                scores.len(),
                labels.len(),
                weights.map(<[f64]>::len)
            )));
        }
        let bad = |column: &str, row, value: f64, expected| {
            Error::bad_value(column, row, value.to_string(), expected)
        };
        let mut all = BinaryScores::none(weights.is_some());
        for (row, (&score, &label)) in scores.iter().zip(labels).enumerate() {
            let weight = weights.and_then(|weights| weights.get(row)).copied().unwrap_or(1.0);
            if score.is_nan() {
                return Err(bad("scores", row, score, "a score that is not NaN"));
            }
            if !label.is_finite() {
                return Err(bad("labels", row, label, "a finite number"));
            }
            if !weight.is_finite() || weight < 0.0 {
                return Err(bad("weights", row, weight, "a finite weight of at least 0"));
            }
            if all.push(label, score, weight).is_none() {
                return Err(all.classes.third_of("labels", row, label));
            }
        }
        Ok(all.curve())
    }

    /// The curve of the rows of a view; see [`BinaryScoresSpec`] for the columns.
    ///
    /// # Errors
    /// If a column is missing, has another type, or holds a value that cannot be ranked.
    pub fn of(data: &Dataset, spec: &BinaryScoresSpec) -> Result<Self> {
        Ok(data.summarize::<BinaryScores>(spec)?.curve())
    }

    pub(super) fn with_capacity(capacity: usize) -> Self {
        let empty = || Vec::with_capacity(capacity);
        Self { thresholds: empty(), true_positives: empty(), false_positives: empty() }
    }

    /// Adds the next smaller score, with `tp` and `fp` there.
    pub(super) fn push(&mut self, score: u64, tp: f64, fp: f64) {
        self.thresholds.push(of_ordered_bits(score));
        self.true_positives.push(tp);
        self.false_positives.push(fp);
    }

    /// The scores from the largest to the smallest.
    pub fn thresholds(&self) -> &[f64] {
        &self.thresholds
    }

    /// `tp` at each threshold.
    pub fn true_positives(&self) -> &[f64] {
        &self.true_positives
    }

    /// `fp` at each threshold.
    pub fn false_positives(&self) -> &[f64] {
        &self.false_positives
    }

    /// `P`, the weight of all positive rows.
    pub fn positives(&self) -> f64 {
        self.true_positives.last().copied().unwrap_or(0.0)
    }

    /// `N`, the weight of all negative rows.
    pub fn negatives(&self) -> f64 {
        self.false_positives.last().copied().unwrap_or(0.0)
    }

    /// The curve at about `num_bins` of its thresholds, as Spark thins its curves: every `⌊distinct / num_bins⌋`th
    /// threshold and the last; all of them if that number is 1 or `num_bins` is 0.
    ///
    /// In Spark, bins are formed within each partition, so that its curve depends on the partitions; this one does not.
    pub fn binned(self, num_bins: usize) -> Self {
        let step = self.thresholds.len().checked_div(num_bins).unwrap_or(1);
        if step < 2 {
            return self;
        }
        let last_of_each =
            |values: &[f64]| values.chunks(step).filter_map(|bin| bin.last().copied()).collect();
        Self {
            thresholds: last_of_each(&self.thresholds),
            true_positives: last_of_each(&self.true_positives),
            false_positives: last_of_each(&self.false_positives),
        }
    }

    /// `tp` and `fp` at each threshold.
    fn counts(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.true_positives.iter().copied().zip(self.false_positives.iter().copied())
    }

    /// `tp / P`, 0 without positives.
    fn recall(&self, tp: f64) -> f64 {
        if self.positives() > 0.0 { tp / self.positives() } else { 0.0 }
    }

    /// `fp / N`, 0 without negatives.
    fn false_positive_rate(&self, fp: f64) -> f64 {
        if self.negatives() > 0.0 { fp / self.negatives() } else { 0.0 }
    }

    /// The receiver operating characteristic: false positive rate `fp / N` and true positive rate `tp / P` from
    /// (0, 0) to (1, 1). A rate without rows is 0.
    pub fn roc(&self) -> Vec<(f64, f64)> {
        let points = self.counts().map(|(tp, fp)| (self.false_positive_rate(fp), self.recall(tp)));
        [(0.0, 0.0)].into_iter().chain(points).chain([(1.0, 1.0)]).collect()
    }

    /// Recall `tp / P` and precision `tp / (tp + fp)`. As in Spark, it begins at recall 0 with the first precision.
    pub fn pr(&self) -> Vec<(f64, f64)> {
        let points = self.counts().map(|(tp, fp)| (self.recall(tp), precision(tp, fp)));
        let first = self.counts().next().map(|(tp, fp)| (0.0, precision(tp, fp)));
        first.into_iter().chain(points).collect()
    }

    /// Each threshold with its precision `tp / (tp + fp)`.
    pub fn precision_by_threshold(&self) -> Vec<(f64, f64)> {
        self.by_threshold(precision)
    }

    /// Each threshold with its recall `tp / P`, 0 without positives.
    pub fn recall_by_threshold(&self) -> Vec<(f64, f64)> {
        self.by_threshold(|tp, _| self.recall(tp))
    }

    /// Each threshold with its `F = (1 + β²) · precision · recall / (β² · precision + recall)`, 0 where both are 0.
    pub fn f_measure_by_threshold(&self, beta: f64) -> Vec<(f64, f64)> {
        self.by_threshold(|tp, fp| f_measure(precision(tp, fp), self.recall(tp), beta))
    }

    fn by_threshold(&self, f: impl Fn(f64, f64) -> f64) -> Vec<(f64, f64)> {
        self.thresholds
            .iter()
            .zip(self.counts())
            .map(|(&threshold, (tp, fp))| (threshold, f(tp, fp)))
            .collect()
    }

    /// Area under [`roc`](Self::roc) by the trapezoidal rule: the probability that a positive row has a larger score than a
    /// negative one, where ties count half. NaN (not defined) without positives or without negatives.
    pub fn area_under_roc(&self) -> f64 {
        area_under_roc(self.counts(), self.positives(), self.negatives())
    }

    /// Area under [`pr`](Self::pr) by the trapezoidal rule. Without negatives it is 1; NaN (not defined) without positives.
    pub fn area_under_pr(&self) -> f64 {
        area_under_pr(self.counts(), self.positives())
    }

    /// `Σ (recallᵢ − recallᵢ₋₁) · precisionᵢ` over the thresholds: the area under [`pr`](Self::pr) as a step function.
    /// Unlike the trapezoidal rule, it is not optimistic between thresholds. Without negatives it is 1; NaN (not defined)
    /// without positives.
    pub fn average_precision(&self) -> f64 {
        average_precision(self.counts(), self.positives())
    }

    /// One row per threshold, largest first: `threshold`, `true_positives`, `false_positives`,
    /// `false_positive_rate`, `true_positive_rate` (the recall), `precision` and `f_measure` (β = 1). The ROC curve
    /// begins at (0, 0), before the first row.
    ///
    /// # Errors
    /// Does not fail for an existing curve.
    pub fn to_frame(&self) -> Result<DataFrame> {
        let second = |points: Vec<(f64, f64)>| Column::f64(points.into_iter().map(|(_, y)| y).collect());
        let rates = self.by_threshold(|_, fp| self.false_positive_rate(fp));
        Ok(DataFrame::from_columns(vec![
            ("threshold", Column::f64(self.thresholds.clone())),
            ("true_positives", Column::f64(self.true_positives.clone())),
            ("false_positives", Column::f64(self.false_positives.clone())),
            ("false_positive_rate", second(rates)),
            ("true_positive_rate", second(self.recall_by_threshold())),
            ("precision", second(self.precision_by_threshold())),
            ("f_measure", second(self.f_measure_by_threshold(1.0))),
        ])?)
    }
}

/// See [`BinaryCurve::area_under_roc`]; `counts` are `tp` and `fp` at each threshold.
pub(super) fn area_under_roc(
    counts: impl Iterator<Item = (f64, f64)>,
    positives: f64,
    negatives: f64,
) -> f64 {
    if !(positives > 0.0 && negatives > 0.0) {
        return f64::NAN;
    }
    // Without weights every term is an integer, so the sum is exact up to 2⁵³.
    let (mut sum, mut last) = (0.0, (0.0, 0.0));
    for (tp, fp) in counts {
        sum += (fp - last.1) * (tp + last.0);
        last = (tp, fp);
    }
    sum / (2.0 * positives * negatives)
}

/// See [`BinaryCurve::area_under_pr`].
pub(super) fn area_under_pr(counts: impl Iterator<Item = (f64, f64)>, positives: f64) -> f64 {
    area_by_recall(counts, positives, |before, precision| (before + precision) / 2.0)
}

/// See [`BinaryCurve::average_precision`].
pub(super) fn average_precision(counts: impl Iterator<Item = (f64, f64)>, positives: f64) -> f64 {
    area_by_recall(counts, positives, |_, precision| precision)
}

fn area_by_recall(
    counts: impl Iterator<Item = (f64, f64)>,
    positives: f64,
    height: impl Fn(f64, f64) -> f64,
) -> f64 {
    if positives == 0.0 {
        return f64::NAN;
    }
    let (mut area, mut last_recall, mut last_precision) = (0.0, 0.0, None);
    for (tp, fp) in counts {
        let (recall, precision) = (if positives > 0.0 { tp / positives } else { 0.0 }, precision(tp, fp));
        area += (recall - last_recall) * height(last_precision.unwrap_or(precision), precision);
        (last_recall, last_precision) = (recall, Some(precision));
    }
    area
}

/// `tp / (tp + fp)`, 1 where nothing is predicted positive.
fn precision(tp: f64, fp: f64) -> f64 {
    if tp + fp > 0.0 { tp / (tp + fp) } else { 1.0 }
}

/// `(1 + β²) · precision · recall / (β² · precision + recall)`, 0 where both are 0.
pub(super) fn f_measure(precision: f64, recall: f64, beta: f64) -> f64 {
    let square = beta * beta;
    match precision + recall {
        0.0 => 0.0,
        _ => (1.0 + square) * precision * recall / (square * precision + recall),
    }
}
