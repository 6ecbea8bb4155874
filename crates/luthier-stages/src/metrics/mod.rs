//! Evaluators: they compare predicted numbers, scores, probabilities and classes with the true ones.

mod binary_curve;
mod binary_evaluator;
mod binary_scores;
mod calibration;
mod class_losses;
mod confusion;
mod multiclass_evaluator;
mod multilabel_evaluator;
mod multilabel_sums;
mod ordered_bits;
mod ranking_evaluator;
mod ranking_sums;
mod regression_evaluator;
mod regression_sums;
mod sibling_sums;
mod two_classes;

pub use binary_curve::BinaryCurve;
pub use binary_evaluator::{BinaryClassificationEvaluator, BinaryMetric, Undefined};
pub use binary_scores::{BinaryScores, BinaryScoresSpec};
pub use calibration::{CalibrationBin, CalibrationCurve, CalibrationSpec};
pub use class_losses::{ClassLosses, ClassLossesSpec, Classes};
pub use confusion::{Confusion, ConfusionSpec};
pub use multiclass_evaluator::{MulticlassClassificationEvaluator, MulticlassMetric};
pub use multilabel_evaluator::{MultilabelClassificationEvaluator, MultilabelMetric};
pub use multilabel_sums::{MultilabelSums, MultilabelSumsSpec};
pub use ranking_evaluator::{RankingEvaluator, RankingMetric};
pub use ranking_sums::{RankingSums, RankingSumsSpec};
pub use regression_evaluator::{RegressionEvaluator, RegressionMetric};
pub use regression_sums::{RegressionSums, RegressionSumsSpec};
pub use sibling_sums::{SiblingSums, SiblingSumsSpec};

use luthier_core::{Dataset, Summary};

/// The metric of each of several views, computed from their summaries.
fn by_summary<S: Summary>(
    views: &[Dataset],
    spec: &S::Spec,
    metric: impl Fn(&S) -> anyhow::Result<f64>,
) -> Vec<anyhow::Result<f64>> {
    Dataset::summarize_many::<S>(views, spec).into_iter().map(|summary| metric(&*summary?)).collect()
}

/// The only metric of a list of one.
fn only(metrics: Vec<anyhow::Result<f64>>) -> anyhow::Result<f64> {
    metrics.into_iter().next().unwrap_or_else(|| Err(anyhow::anyhow!("nothing was evaluated")))
}
