//! The evaluator for two classes.

use luthier_core::frame::Schema;
use luthier_core::{Dataset, EvaluationPlan, Evaluator, Note, ParamEnum, Params};

use super::binary_curve::{area_under_pr, area_under_roc, average_precision};
use super::binary_scores::{BinaryScores, BinaryScoresSpec, require_scores};
use super::class_losses::{ClassLosses, ClassLossesSpec, Classes};
use super::{by_summary, only};
use crate::columns;

/// A metric of two classes. The first three use scores, the others probabilities `p` of the positive class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
#[non_exhaustive]
pub enum BinaryMetric {
    /// Area under the receiver operating characteristic: [`BinaryCurve::area_under_roc`](crate::BinaryCurve).
    AreaUnderRoc,
    /// Area under the precision-recall curve by the trapezoidal rule: [`BinaryCurve::area_under_pr`](crate::BinaryCurve).
    AreaUnderPr,
    /// Area under the precision-recall curve as a step function: [`BinaryCurve::average_precision`](crate::BinaryCurve).
    AveragePrecision,
    /// `−Σ w ln(probability of the true class) / Σw`, with probabilities clipped to `[eps, 1 − eps]`.
    LogLoss,
    /// `Σ w (p − y)² / Σw` with `y = 1` for positive rows and `y = 0` for negative rows.
    BrierScore,
}

/// The value of a metric if one class has no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
#[non_exhaustive]
pub enum Undefined {
    /// It is missing (NaN).
    Missing,
    /// As in Spark, an area is 1 if all rows are positive and 0 if all are negative.
    Spark,
}

/// Computes a [`BinaryMetric`] of a classifier for two classes.
///
/// Labels are any two numbers, the larger of which is the positive class: 1 for the labels 0 and 1, 2 for 1 and 2, 1 for −1
/// and 1. If the scores carry the names of their classes, like those of a
/// [`LogisticRegression`](crate::LogisticRegression), the second name is the positive class; labels that carry categories (from
/// a [`StringIndexer`](crate::StringIndexer)) are indices of them. A label of a third class is an error.
///
/// A metric is NaN (not defined) if the weights sum to 0. The area under the ROC curve is also NaN if one class has no rows,
/// and the areas under the precision-recall curve if there are no positive rows; `undefined` replaces these by the values of
/// Spark. A score or probability that is null or NaN, a label that is not finite and an invalid weight are errors that name
/// column and row.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{Dataset, Evaluator};
/// use luthier_stages::{BinaryClassificationEvaluator, BinaryMetric};
///
/// let data = Dataset::new(DataFrame::from_columns(vec![
///     ("label", Column::i64(vec![1, 1, 2, 2])),
///     ("raw_prediction", Column::f64(vec![0.1, 0.4, 0.35, 0.8])),
/// ])?);
/// let area = BinaryClassificationEvaluator::new();
/// assert_eq!(area.evaluate(&data)?, 0.75);
/// assert!(area.notes(&data, 0.75)[0].message.contains("2 is the positive class"));
/// # Ok::<(), anyhow::Error>(())
/// ```
///
/// By default curves are thinned to about 1000 thresholds, as in Spark, but over all rows and not within each
/// partition; [`num_bins(0)`](Self::num_bins) gives the exact area at the same cost.
#[derive(Debug, Clone, PartialEq, Params)]
pub struct BinaryClassificationEvaluator {
    /// The metric: area_under_roc, area_under_pr, average_precision, log_loss or brier_score.
    #[param(default = BinaryMetric::AreaUnderRoc)]
    metric: BinaryMetric,
    /// The scores for the areas: a column of f64, or of vectors of width 2 whose second number is the score.
    #[param(default = "raw_prediction", column = raw_prediction)]
    raw_prediction_col: String,
    /// The probabilities for log_loss and brier_score: a column of f64 for the positive class, or of vectors of width 2
    /// whose second number belongs to it.
    #[param(default = "probability", column = probability)]
    probability_col: String,
    /// The numeric column of true classes; of two labels, the larger is the positive class.
    #[param(default = "label", column = label)]
    label_col: String,
    /// A numeric column of weights; without it, every row has weight 1.
    #[param(column = weight)]
    weight_col: Option<String>,
    /// Approximate number of thresholds for an area, if there are at least twice as many distinct scores; 0 uses all of them.
    #[param(default = 1000)]
    num_bins: usize,
    /// Smallest distance of probabilities from 0 and 1 in `log_loss`.
    #[param(default = 1e-15, range = 0.0..=0.5)]
    eps: f64,
    /// Value of an area if one class has no rows: missing (NaN), or spark.
    #[param(default = Undefined::Missing)]
    undefined: Undefined,
}

impl BinaryClassificationEvaluator {
    fn of_probabilities(&self) -> bool {
        matches!(self.metric, BinaryMetric::LogLoss | BinaryMetric::BrierScore)
    }

    fn scores(&self) -> BinaryScoresSpec {
        BinaryScoresSpec {
            label_col: self.label_col.clone(),
            score_col: self.raw_prediction_col.clone(),
            weight_col: self.weight_col.clone(),
        }
    }

    fn losses(&self) -> ClassLossesSpec {
        ClassLossesSpec {
            label_col: self.label_col.clone(),
            probability_col: self.probability_col.clone(),
            weight_col: self.weight_col.clone(),
            classes: Classes::Two,
            eps: self.eps,
        }
    }

    fn area(&self, scores: &BinaryScores) -> f64 {
        let sorted = scores.sorted();
        let (distinct, (positives, negatives)) =
            sorted.counts().fold((0_usize, (0.0, 0.0)), |(distinct, _), counts| (distinct + 1, counts));
        // As `BinaryCurve::binned`.
        let step = distinct.checked_div(self.num_bins).unwrap_or(1).max(1);
        let is_kept = |&(place, _): &(usize, _)| (place + 1) % step == 0 || place + 1 == distinct;
        let counts = sorted.counts().enumerate().filter(is_kept).map(|(_, counts)| counts);
        match self.undefined {
            Undefined::Spark if (positives > 0.0) != (negatives > 0.0) => {
                return f64::from(u8::from(positives > 0.0));
            }
            Undefined::Missing if scores.classes.is_ambiguous() => return f64::NAN,
            _ => {}
        }
        match self.metric {
            BinaryMetric::AreaUnderPr => area_under_pr(counts, positives),
            BinaryMetric::AveragePrecision => average_precision(counts, positives),
            _ => area_under_roc(counts, positives, negatives),
        }
    }
}

impl Evaluator for BinaryClassificationEvaluator {
    const NAME: &'static str = "binary_classification";

    fn evaluate(&self, predictions: &Dataset) -> anyhow::Result<f64> {
        only(self.evaluate_many(std::slice::from_ref(predictions)))
    }

    fn evaluate_many(&self, predictions: &[Dataset]) -> Vec<anyhow::Result<f64>> {
        match self.metric {
            BinaryMetric::LogLoss => {
                by_summary::<ClassLosses>(predictions, &self.losses(), |losses| Ok(losses.log_loss()))
            }
            BinaryMetric::BrierScore => {
                by_summary::<ClassLosses>(predictions, &self.losses(), |losses| Ok(losses.brier_score()))
            }
            _ => by_summary::<BinaryScores>(predictions, &self.scores(), |scores| Ok(self.area(scores))),
        }
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        let scores = if self.of_probabilities() { &self.probability_col } else { &self.raw_prediction_col };
        require_scores(schema, scores)?;
        for column in [&self.label_col].into_iter().chain(&self.weight_col) {
            columns::require_numeric(schema, column)?;
        }
        Ok(())
    }

    fn plan(&self, _schema: &Schema) -> EvaluationPlan {
        match self.of_probabilities() {
            true => EvaluationPlan::opaque().scan::<ClassLosses>(self.losses()),
            false => EvaluationPlan::opaque().scan::<BinaryScores>(self.scores()),
        }
    }

    fn notes(&self, predictions: &Dataset, metric: f64) -> Vec<Note> {
        let name = self.metric.to_string();
        let undefined = metric.is_nan().then_some(name.as_str());
        let (schema, label) = (predictions.schema(), &self.label_col);
        match self.of_probabilities() {
            true => predictions
                .summarize::<ClassLosses>(&self.losses())
                .map_or_else(|_| Vec::new(), |losses| losses.two.notes(schema, label, undefined)),
            false => predictions
                .summarize::<BinaryScores>(&self.scores())
                .map_or_else(|_| Vec::new(), |scores| scores.classes.notes(schema, label, undefined)),
        }
    }

    fn metric(&self) -> String {
        self.metric.to_string()
    }

    fn is_larger_better(&self) -> bool {
        !self.of_probabilities()
    }

    fn defined_for(&self) -> Option<String> {
        Some(match self.of_probabilities() {
            true => "weights that do not sum to 0".to_owned(),
            false if self.metric == BinaryMetric::AreaUnderRoc => "rows of both classes".to_owned(),
            false => "rows of the positive class".to_owned(),
        })
    }

    fn class_col(&self) -> Option<String> {
        Some(self.label_col.clone())
    }

    fn needs_every_class(&self) -> bool {
        self.undefined == Undefined::Missing
    }
}

luthier_core::register_evaluator!(
    BinaryClassificationEvaluator: "Scores two classes: area_under_roc, area_under_pr, average_precision, log_loss or brier_score."
);
