//! How well scores tell two classes apart.

use luthier_core::frame::Schema;
use luthier_core::{Dataset, Evaluator, Need, ParamEnum, Params};

use super::binary_scores::{BinaryScores, BinaryScoresSpec, require_scores};
use super::class_losses::{ClassLosses, ClassLossesSpec, Classes};
use super::{by_summary, only};
use crate::columns;

/// A metric of two classes: the first three of scores, the others of probabilities `p` of the positive class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
pub enum BinaryMetric {
    /// Area under the receiver operating characteristic: [`BinaryCurve::area_under_roc`](crate::BinaryCurve).
    AreaUnderRoc,
    /// Area under precision by recall, by trapezoids: [`BinaryCurve::area_under_pr`](crate::BinaryCurve).
    AreaUnderPr,
    /// Area under precision by recall, by steps: [`BinaryCurve::average_precision`](crate::BinaryCurve).
    AveragePrecision,
    /// `−Σ w ln(probability of the true class) / Σw`, probabilities clipped to `[eps, 1 − eps]`.
    LogLoss,
    /// `Σ w (p − y)² / Σw` with `y` 1 for a positive row and 0 for another.
    BrierScore,
}

/// Scores how well two classes are told apart by a [`BinaryMetric`].
///
/// A label above 0.5 is positive. As in Spark, rows of one class alone have an area of 1 if they are positive and 0 if
/// they are negative: folds of rare classes should be checked for that. NaN (not defined) if the weights sum to 0. A score or
/// probability that is null or NaN, a label that is not finite and a bad weight are errors that name column and row.
///
/// By default curves are thinned to about 1000 thresholds, as Spark's are, though over all rows and not within each
/// partition: [`num_bins(0)`](Self::num_bins) gives the exact area at the same cost.
#[derive(Debug, Clone, PartialEq, Params)]
pub struct BinaryClassificationEvaluator {
    /// The metric: area_under_roc, area_under_pr, average_precision, log_loss or brier_score.
    #[param(default = BinaryMetric::AreaUnderRoc)]
    metric: BinaryMetric,
    /// The scores of the areas: a column of f64, or of vectors of width 2 whose second number is the score.
    #[param(default = "raw_prediction", column = raw_prediction)]
    raw_prediction_col: String,
    /// The probabilities of log_loss and brier_score: a column of f64 for the positive class, or of vectors of width 2
    /// whose second number is for it.
    #[param(default = "probability", column = probability)]
    probability_col: String,
    /// The numeric column of true classes: positive above 0.5.
    #[param(default = "label", column = label)]
    label_col: String,
    /// A numeric column of weights; every row weighs 1 without it.
    #[param(column = weight)]
    weight_col: Option<String>,
    /// About how many thresholds an area is taken at, if there are twice as many scores; all of them if 0.
    #[param(default = 1000)]
    num_bins: usize,
    /// `log_loss` takes probabilities as this far from 0 and 1 at least.
    #[param(default = 1e-15, range = 0.0..=0.5)]
    eps: f64,
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
        let curve = scores.curve().binned(self.num_bins);
        match self.metric {
            BinaryMetric::AreaUnderPr => curve.area_under_pr(),
            BinaryMetric::AveragePrecision => curve.average_precision(),
            _ => curve.area_under_roc(),
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

    fn reads(&self, _schema: &Schema) -> Vec<Need> {
        vec![match self.of_probabilities() {
            true => Need::summary::<ClassLosses>(self.losses()),
            false => Need::summary::<BinaryScores>(self.scores()),
        }]
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
            false => "rows of both classes".to_owned(),
        })
    }

    fn class_col(&self) -> Option<String> {
        Some(self.label_col.clone())
    }
}

luthier_core::register_evaluator!(
    BinaryClassificationEvaluator: "Scores two classes: area_under_roc, area_under_pr, average_precision, log_loss or brier_score."
);
