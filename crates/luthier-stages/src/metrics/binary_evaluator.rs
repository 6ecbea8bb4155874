//! How well scores tell two classes apart.

use luthier_core::frame::Schema;
use luthier_core::{Dataset, EvaluationPlan, Evaluator, Note, ParamEnum, Params};

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

/// What a metric is where rows of one class are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
pub enum Undefined {
    /// It is missing (NaN).
    Missing,
    /// As in Spark, an area is 1 if all rows are positive and 0 if all are negative.
    Spark,
}

/// Scores how well two classes are told apart by a [`BinaryMetric`].
///
/// Labels are any two numbers, the larger of which is the positive class: 1 beside 0, 2 beside 1, 1 beside −1. Where the
/// scores carry the names of their classes, as those of a [`LogisticRegression`](crate::LogisticRegression) do, these
/// decide: the second one is the positive class, and labels that carry categories (behind a
/// [`StringIndexer`](crate::StringIndexer)) are indices of them. The label of a third class is an error.
///
/// A metric is NaN (not defined) if the weights sum to 0; the area under the roc also if rows of one class are missing, and
/// the areas by recall if the positive rows are: `undefined` gives Spark's numbers for them. A score or probability that
/// is null or NaN, a label that is not finite and a bad weight are errors that name column and row.
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
    /// The numeric column of true classes: of two labels the larger is the positive one.
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
    /// What an area is where rows of one class are missing: missing (NaN), or spark.
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
        let curve = scores.curve().binned(self.num_bins);
        let (positives, negatives) = (curve.positives() > 0.0, curve.negatives() > 0.0);
        match self.undefined {
            Undefined::Spark if positives != negatives => return f64::from(u8::from(positives)),
            Undefined::Missing if scores.classes.is_ambiguous() => return f64::NAN,
            _ => {}
        }
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
