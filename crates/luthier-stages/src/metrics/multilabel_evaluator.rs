//! The evaluator for predicted sets of labels.

use luthier_core::frame::Schema;
use luthier_core::{Dataset, EvaluationPlan, Evaluator, ParamEnum, Params};

use super::multilabel_sums::{MultilabelSums, MultilabelSumsSpec};
use super::{by_summary, only};
use crate::columns;

/// A metric of sets of labels, where `y` are the true labels of a row and `ŷ` the predicted ones. A quotient 0 / 0 is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
#[non_exhaustive]
pub enum MultilabelMetric {
    /// Mean of `2 |y ∩ ŷ| / (|y| + |ŷ|)`.
    F1Measure,
    /// Fraction of the rows with `y = ŷ`.
    SubsetAccuracy,
    /// Mean of `|y ∩ ŷ| / |y ∪ ŷ|`.
    Accuracy,
    /// Mean of `(|y ∪ ŷ| − |y ∩ ŷ|) / q`, with `q` the number of distinct true labels. Smaller is better.
    HammingLoss,
    /// Mean of `|y ∩ ŷ| / |ŷ|`.
    Precision,
    /// Mean of `|y ∩ ŷ| / |y|`.
    Recall,
    /// Of the rows for which a label was predicted, the fraction that has it.
    PrecisionByLabel,
    /// Of the rows with a label, the fraction for which it was predicted.
    RecallByLabel,
    /// Harmonic mean of precision and recall of a label.
    F1MeasureByLabel,
    /// Of all predicted labels, the fraction that is true.
    MicroPrecision,
    /// Of all true labels, the fraction that was predicted.
    MicroRecall,
    /// Harmonic mean of the two.
    MicroF1Measure,
}

/// Computes a [`MultilabelMetric`] of predicted sets of labels.
///
/// Both columns contain lists of integers. A list is a set: order and repetitions are ignored (Spark compares lists in order
/// for `subset_accuracy`). For rows without labels, where Spark divides 0 by 0, the quotient is 0. The metric is NaN (not
/// defined) without rows. A null list is an error that names column and row.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{Dataset, Evaluator};
/// use luthier_stages::{MultilabelClassificationEvaluator, MultilabelMetric};
///
/// let data = Dataset::new(DataFrame::from_columns(vec![
///     ("label", Column::lists([vec![1, 2], vec![3]])),
///     ("prediction", Column::lists([vec![2, 1], vec![3, 4]])),
/// ])?);
/// let same = MultilabelClassificationEvaluator::new().metric(MultilabelMetric::SubsetAccuracy);
/// assert_eq!(same.evaluate(&data)?, 0.5);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct MultilabelClassificationEvaluator {
    /// The metric, such as f1_measure, subset_accuracy, hamming_loss, precision_by_label or micro_recall.
    #[param(default = MultilabelMetric::F1Measure)]
    metric: MultilabelMetric,
    /// The list column of true labels.
    #[param(default = "label", column = label)]
    label_col: String,
    /// The list column of predicted labels.
    #[param(default = "prediction", column = prediction)]
    prediction_col: String,
    /// The label for metrics by label.
    #[param(default = 0)]
    metric_label: i64,
}

impl MultilabelClassificationEvaluator {
    fn spec(&self) -> MultilabelSumsSpec {
        MultilabelSumsSpec { label_col: self.label_col.clone(), prediction_col: self.prediction_col.clone() }
    }

    fn of_sums(&self, sums: &MultilabelSums) -> f64 {
        use MultilabelMetric as M;
        match self.metric {
            M::F1Measure => sums.f1_measure(),
            M::SubsetAccuracy => sums.subset_accuracy(),
            M::Accuracy => sums.accuracy(),
            M::HammingLoss => sums.hamming_loss(),
            M::Precision => sums.precision(),
            M::Recall => sums.recall(),
            M::PrecisionByLabel => sums.precision_by_label(self.metric_label),
            M::RecallByLabel => sums.recall_by_label(self.metric_label),
            M::F1MeasureByLabel => sums.f1_measure_by_label(self.metric_label),
            M::MicroPrecision => sums.micro_precision(),
            M::MicroRecall => sums.micro_recall(),
            M::MicroF1Measure => sums.micro_f1_measure(),
        }
    }
}

impl Evaluator for MultilabelClassificationEvaluator {
    const NAME: &'static str = "multilabel_classification";

    fn evaluate(&self, predictions: &Dataset) -> anyhow::Result<f64> {
        only(self.evaluate_many(std::slice::from_ref(predictions)))
    }

    fn evaluate_many(&self, predictions: &[Dataset]) -> Vec<anyhow::Result<f64>> {
        by_summary::<MultilabelSums>(predictions, &self.spec(), |sums| Ok(self.of_sums(sums)))
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        for column in [&self.label_col, &self.prediction_col] {
            columns::require_list(schema, column)?;
        }
        Ok(())
    }

    fn plan(&self, _schema: &Schema) -> EvaluationPlan {
        EvaluationPlan::opaque().scan::<MultilabelSums>(self.spec())
    }

    /// Metrics by label name the label: `recall_by_label(2)`.
    fn metric(&self) -> String {
        use MultilabelMetric as M;
        match self.metric {
            M::PrecisionByLabel | M::RecallByLabel | M::F1MeasureByLabel => {
                format!("{}({})", self.metric, self.metric_label)
            }
            metric => metric.to_string(),
        }
    }

    fn is_larger_better(&self) -> bool {
        self.metric != MultilabelMetric::HammingLoss
    }
}

luthier_core::register_evaluator!(
    MultilabelClassificationEvaluator: "Scores predicted sets of labels: f1_measure, accuracy, hamming_loss and others."
);
