//! The evaluator for predicted classes and their probabilities.

use luthier_core::frame::Schema;
use luthier_core::{Dataset, EvaluationPlan, Evaluator, Note, NoteKind, ParamEnum, Params};

use super::class_losses::{ClassLosses, ClassLossesSpec, Classes, require_probabilities};
use super::confusion::{Confusion, ConfusionSpec};
use super::two_classes::{class_name, labels_of_classes};
use super::{by_summary, only};
use crate::columns;

/// A metric of classes, as Spark defines it. Weighted metrics are means over the classes of the labels, weighted by their
/// rows; metrics by label are those of the class [`metric_label`](MulticlassClassificationEvaluator).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
#[non_exhaustive]
pub enum MulticlassMetric {
    /// Weighted F-measure with β = 1.
    F1,
    /// Fraction of the rows that were predicted correctly.
    Accuracy,
    /// Weighted precision: of the rows predicted as a class, the fraction that belongs to it.
    WeightedPrecision,
    /// Weighted recall: of the rows of a class, the fraction that was predicted correctly.
    WeightedRecall,
    /// The same as weighted recall.
    WeightedTruePositiveRate,
    /// Weighted false positive rate: of the rows of other classes, the fraction that was predicted as a class. Smaller
    /// is better.
    WeightedFalsePositiveRate,
    /// Weighted F-measure `(1 + β²) · precision · recall / (β² · precision + recall)`.
    WeightedFMeasure,
    /// Recall of a class.
    TruePositiveRateByLabel,
    /// False positive rate of a class. Smaller is better.
    FalsePositiveRateByLabel,
    /// Precision of a class.
    PrecisionByLabel,
    /// Recall of a class.
    RecallByLabel,
    /// F-measure of a class.
    FMeasureByLabel,
    /// `−Σ w ln(probability of the true class) / Σw`, with probabilities clipped to `[eps, 1 − eps]` and not normalised.
    /// Smaller is better.
    LogLoss,
    /// Fraction of the rows that were predicted incorrectly. Smaller is better.
    HammingLoss,
}

/// Computes a [`MulticlassMetric`] of predicted classes.
///
/// The metric is NaN (not defined) if the weights sum to 0; so is a false positive rate if all rows are of one class. A label
/// or prediction that is not an integer, an invalid weight and a probability outside 0 to 1 are errors that name column and
/// row; a `metric_label` that no row has is an error too. For log_loss, a label is the index of its class, from 0, or, if
/// the probabilities carry the names of their classes, like those of a [`LogisticRegression`](crate::LogisticRegression), one
/// of these names; the label of a class that the model does not know is an error.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{Dataset, Evaluator};
/// use luthier_stages::{MulticlassClassificationEvaluator, MulticlassMetric};
///
/// let data = Dataset::new(DataFrame::from_columns(vec![
///     ("label", Column::i64(vec![0, 1, 2, 2])),
///     ("prediction", Column::f64(vec![0.0, 1.0, 2.0, 1.0])),
/// ])?);
/// let accuracy = MulticlassClassificationEvaluator::new().metric(MulticlassMetric::Accuracy);
/// assert_eq!(accuracy.evaluate(&data)?, 0.75);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct MulticlassClassificationEvaluator {
    /// The metric, such as f1, accuracy, weighted_precision, recall_by_label, log_loss or hamming_loss.
    #[param(default = MulticlassMetric::F1)]
    metric: MulticlassMetric,
    /// The numeric column of true classes; for log_loss, their indices from 0.
    #[param(default = "label", column = label)]
    label_col: String,
    /// The numeric column of predicted classes.
    #[param(default = "prediction", column = prediction)]
    prediction_col: String,
    /// The vector column with the probability of each class, for log_loss.
    #[param(default = "probability", column = probability)]
    probability_col: String,
    /// A numeric column of weights; without it, every row has weight 1.
    #[param(column = weight)]
    weight_col: Option<String>,
    /// The class for metrics by label.
    #[param(default = 0.0)]
    metric_label: f64,
    /// Weight of recall relative to precision in F-measures other than f1.
    #[param(default = 1.0, range = 0.0..)]
    beta: f64,
    /// Smallest distance of probabilities from 0 and 1 in `log_loss`.
    #[param(default = 1e-15, range = 0.0..=0.5)]
    eps: f64,
}

impl MulticlassClassificationEvaluator {
    fn confusion(&self) -> ConfusionSpec {
        ConfusionSpec {
            label_col: self.label_col.clone(),
            prediction_col: self.prediction_col.clone(),
            weight_col: self.weight_col.clone(),
        }
    }

    fn losses(&self) -> ClassLossesSpec {
        ClassLossesSpec {
            label_col: self.label_col.clone(),
            probability_col: self.probability_col.clone(),
            weight_col: self.weight_col.clone(),
            classes: Classes::Many,
            eps: self.eps,
        }
    }

    fn of_confusion(&self, confusion: &Confusion) -> anyhow::Result<f64> {
        use MulticlassMetric as M;
        let label = self.metric_label;
        let by_label = self.is_by_label() && !confusion.labels().is_empty();
        Ok(match self.metric {
            M::F1 => confusion.weighted_f_measure(1.0),
            M::Accuracy => confusion.accuracy(),
            M::WeightedPrecision => confusion.weighted_precision(),
            M::WeightedRecall | M::WeightedTruePositiveRate => confusion.weighted_recall(),
            M::WeightedFalsePositiveRate => confusion.weighted_false_positive_rate(),
            M::WeightedFMeasure => confusion.weighted_f_measure(self.beta),
            M::TruePositiveRateByLabel | M::RecallByLabel if by_label => confusion.recall(label)?,
            M::FalsePositiveRateByLabel if by_label => confusion.false_positive_rate(label)?,
            M::PrecisionByLabel if by_label => confusion.precision(label)?,
            M::FMeasureByLabel if by_label => confusion.f_measure(label, self.beta)?,
            M::HammingLoss => confusion.hamming_loss(),
            _ => f64::NAN,
        })
    }

    fn is_by_label(&self) -> bool {
        use MulticlassMetric as M;
        matches!(
            self.metric,
            M::TruePositiveRateByLabel
                | M::FalsePositiveRateByLabel
                | M::PrecisionByLabel
                | M::RecallByLabel
                | M::FMeasureByLabel
        )
    }
}

impl Evaluator for MulticlassClassificationEvaluator {
    const NAME: &'static str = "multiclass_classification";

    fn evaluate(&self, predictions: &Dataset) -> anyhow::Result<f64> {
        only(self.evaluate_many(std::slice::from_ref(predictions)))
    }

    fn evaluate_many(&self, predictions: &[Dataset]) -> Vec<anyhow::Result<f64>> {
        match self.metric {
            MulticlassMetric::LogLoss => {
                by_summary::<ClassLosses>(predictions, &self.losses(), |losses| Ok(losses.log_loss()))
            }
            _ => by_summary::<Confusion>(predictions, &self.confusion(), |c| self.of_confusion(c)),
        }
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        match self.metric {
            MulticlassMetric::LogLoss => require_probabilities(schema, &self.probability_col, Classes::Many)?,
            _ => columns::require_numeric(schema, &self.prediction_col)?,
        }
        for column in [&self.label_col].into_iter().chain(&self.weight_col) {
            columns::require_numeric(schema, column)?;
        }
        Ok(())
    }

    fn plan(&self, _schema: &Schema) -> EvaluationPlan {
        match self.metric {
            MulticlassMetric::LogLoss => EvaluationPlan::opaque().scan::<ClassLosses>(self.losses()),
            _ => EvaluationPlan::opaque().scan::<Confusion>(self.confusion()),
        }
    }

    fn notes(&self, predictions: &Dataset, metric: f64) -> Vec<Note> {
        if self.metric == MulticlassMetric::LogLoss {
            let message = "log_loss is not defined: there are no rows with a positive weight";
            let undefined = Note::new(NoteKind::UndefinedMetric, message);
            return metric.is_nan().then_some(undefined).into_iter().collect();
        }
        let name = class_name(predictions.schema(), &self.label_col);
        let labels = match predictions.summarize::<Confusion>(&self.confusion()) {
            Ok(confusion) => confusion.labels(),
            Err(_) => return Vec::new(),
        };
        let mut notes = Vec::new();
        let known = labels_of_classes(predictions.schema(), &self.label_col, &self.probability_col);
        let is_known = |label: &f64| known.as_ref().is_none_or(|known| known.contains(&Some(*label)));
        let unknown: Vec<String> =
            labels.iter().filter(|label| !is_known(label)).map(|label| name(*label)).collect();
        if !unknown.is_empty() {
            let (class, its) = if unknown.len() == 1 { ("class", "its") } else { ("classes", "their") };
            let message = format!(
                "the model does not know the {class} {}: {its} rows count as errors",
                unknown.join(", ")
            );
            notes.push(Note::new(NoteKind::MissingClasses, message).about(unknown));
        }
        if metric.is_nan() {
            let why = match labels.is_empty() {
                true => "there are no rows with a positive weight".to_owned(),
                false => {
                    format!("all rows with a positive weight have the same label in `{}`", self.label_col)
                }
            };
            let message = format!("{} is not defined: {why}", Evaluator::metric(self));
            notes.push(Note::new(NoteKind::UndefinedMetric, message));
        }
        notes
    }

    /// Metrics by label name the class: `recall_by_label(2)`.
    fn metric(&self) -> String {
        if self.is_by_label() {
            // `-0` is 0.
            format!("{}({})", self.metric, self.metric_label + 0.0)
        } else {
            self.metric.to_string()
        }
    }

    fn is_larger_better(&self) -> bool {
        use MulticlassMetric as M;
        !matches!(
            self.metric,
            M::WeightedFalsePositiveRate | M::FalsePositiveRateByLabel | M::LogLoss | M::HammingLoss
        )
    }

    fn class_col(&self) -> Option<String> {
        Some(self.label_col.clone())
    }

    fn needs_every_class(&self) -> bool {
        self.metric == MulticlassMetric::LogLoss
    }
}

luthier_core::register_evaluator!(
    MulticlassClassificationEvaluator: "Scores predicted classes: f1, accuracy, precision, recall, log_loss and others."
);
