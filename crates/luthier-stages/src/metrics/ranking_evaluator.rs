//! The evaluator for predicted lists of items.

use luthier_core::frame::Schema;
use luthier_core::{Dataset, EvaluationPlan, Evaluator, ParamEnum, Params};

use super::ranking_sums::{RankingSums, RankingSumsSpec};
use super::{by_summary, only};
use crate::columns;

/// A metric of predicted lists of items: a mean over the rows, in which a row without relevant items counts as 0. Larger is
/// better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
#[non_exhaustive]
pub enum RankingMetric {
    /// Mean over the relevant items of a row of the precision at the position of each item.
    MeanAveragePrecision,
    /// The same for the first k items, over at most k relevant ones.
    MeanAveragePrecisionAtK,
    /// Relevant items among the first k, divided by k, even if fewer items are predicted.
    PrecisionAtK,
    /// Discounted cumulative gain `Σ gain / ln(position + 1)` of the first k items, divided by that of the best order. The
    /// gain of a relevant item is 1, or `2^relevance − 1`.
    NdcgAtK,
    /// Relevant items among the first k, divided by all relevant items.
    RecallAtK,
}

/// Computes a [`RankingMetric`] of predicted lists of items.
///
/// All columns contain lists of integers. The metric is NaN (not defined) without rows. A null list is an error that names
/// column and row.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{Dataset, Evaluator};
/// use luthier_stages::{RankingEvaluator, RankingMetric};
///
/// let data = Dataset::new(DataFrame::from_columns(vec![
///     ("label", Column::lists([vec![1, 2], vec![3]])),
///     ("prediction", Column::lists([vec![1, 5], vec![3, 4]])),
/// ])?);
/// let precision = RankingEvaluator::new().metric(RankingMetric::PrecisionAtK).k(2);
/// assert_eq!(precision.evaluate(&data)?, 0.5);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct RankingEvaluator {
    /// The metric: mean_average_precision, mean_average_precision_at_k, precision_at_k, ndcg_at_k or recall_at_k.
    #[param(default = RankingMetric::MeanAveragePrecision)]
    metric: RankingMetric,
    /// The list column of relevant items.
    #[param(default = "label", column = label)]
    label_col: String,
    /// The list column of predicted items, the best first.
    #[param(default = "prediction", column = prediction)]
    prediction_col: String,
    /// A list column with the relevance of each relevant item, in their order, for ndcg_at_k. Without it, or if a list is
    /// empty, all items are equally relevant. Spark assumes that items are sorted by it; here the best order is computed.
    #[param(column = auxiliary)]
    relevance_col: Option<String>,
    /// Number of predicted items to consider.
    #[param(default = 10, range = 1..)]
    k: usize,
}

impl RankingEvaluator {
    fn spec(&self) -> RankingSumsSpec {
        RankingSumsSpec {
            label_col: self.label_col.clone(),
            prediction_col: self.prediction_col.clone(),
            relevance_col: self.relevance_col.clone(),
            k: self.k,
        }
    }
}

impl Evaluator for RankingEvaluator {
    const NAME: &'static str = "ranking";

    fn evaluate(&self, predictions: &Dataset) -> anyhow::Result<f64> {
        only(self.evaluate_many(std::slice::from_ref(predictions)))
    }

    fn evaluate_many(&self, predictions: &[Dataset]) -> Vec<anyhow::Result<f64>> {
        let metric = match self.metric {
            RankingMetric::MeanAveragePrecision => RankingSums::mean_average_precision,
            RankingMetric::MeanAveragePrecisionAtK => RankingSums::mean_average_precision_at_k,
            RankingMetric::PrecisionAtK => RankingSums::precision_at_k,
            RankingMetric::NdcgAtK => RankingSums::ndcg_at_k,
            RankingMetric::RecallAtK => RankingSums::recall_at_k,
        };
        by_summary::<RankingSums>(predictions, &self.spec(), |sums| Ok(metric(sums)))
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        for column in [&self.label_col, &self.prediction_col].into_iter().chain(&self.relevance_col) {
            columns::require_list(schema, column)?;
        }
        Ok(())
    }

    fn plan(&self, _schema: &Schema) -> EvaluationPlan {
        EvaluationPlan::opaque().scan::<RankingSums>(self.spec())
    }

    /// Metrics of the first k items name k: `ndcg_at_10`.
    fn metric(&self) -> String {
        match self.metric.as_str().strip_suffix("_k") {
            Some(name) => format!("{name}_{}", self.k),
            None => self.metric.to_string(),
        }
    }

    fn is_larger_better(&self) -> bool {
        true
    }
}

luthier_core::register_evaluator!(
    RankingEvaluator: "Scores predicted lists of items: mean_average_precision, precision_at_k, ndcg_at_k and others."
);
