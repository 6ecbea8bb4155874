//! Sums over predicted lists of items.

use std::collections::{BTreeMap, BTreeSet};

use luthier_core::frame::Schema;
use luthier_core::{Result, Summary, Tile};
use serde::{Deserialize, Serialize};

use crate::columns;

/// The columns of [`RankingSums`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankingSumsSpec {
    /// The list column of relevant items.
    pub label_col: String,
    /// The list column of predicted items, the best first.
    pub prediction_col: String,
    /// A list column with the relevance of each relevant item, in their order; without it, all are equally relevant.
    pub relevance_col: Option<String>,
    /// The number of predicted items to consider.
    pub k: usize,
}

/// Sums of the rows' precisions, recalls and gains; a row without relevant items adds 0.
///
/// A null list, and a number of relevances other than that of the items, are errors that name column and row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RankingSums {
    rows: u64,
    average_precision_sum: f64,
    average_precision_at_sum: f64,
    precision_at_sum: f64,
    recall_at_sum: f64,
    gain_at_sum: f64,
}

/// One row.
struct Row<'a> {
    relevant: BTreeSet<i64>,
    predicted: &'a [i64],
}

impl Row<'_> {
    fn hits(&self) -> impl Iterator<Item = bool> + '_ {
        self.predicted.iter().map(|item| self.relevant.contains(item))
    }

    fn hits_at(&self, k: usize) -> f64 {
        self.hits().take(k).filter(|hit| *hit).count() as f64
    }

    /// Mean over the relevant items, at most `k`, of the precision where each is found.
    fn average_precision(&self, k: usize) -> f64 {
        let (mut found, mut sum) = (0.0, 0.0);
        for (place, _) in self.hits().take(k).enumerate().filter(|(_, hit)| *hit) {
            found += 1.0;
            sum += found / (place + 1) as f64;
        }
        sum / self.relevant.len().min(k) as f64
    }

    /// Discounted gain of the first `k` items over that of the best order.
    fn gain(&self, k: usize, gain_of: impl Fn(i64) -> f64) -> f64 {
        let discounted = |gain: f64, place: usize| gain / ((place + 2) as f64).ln();
        let predicted = (0..k).zip(self.predicted);
        let gain: f64 = predicted.map(|(place, item)| discounted(gain_of(*item), place)).sum();
        let mut gains: Vec<f64> = self.relevant.iter().map(|item| gain_of(*item)).collect();
        gains.sort_unstable_by(|a, b| b.total_cmp(a));
        let best: f64 = (0..k).zip(&gains).map(|(place, gain)| discounted(*gain, place)).sum();
        if best == 0.0 { 0.0 } else { gain / best }
    }
}

impl RankingSums {
    fn add(&mut self, k: usize, labels: &[i64], predicted: &[i64], relevance: Option<&[i64]>) {
        self.rows += 1;
        let row = Row { relevant: labels.iter().copied().collect(), predicted };
        if row.relevant.is_empty() {
            return;
        }
        self.average_precision_sum += row.average_precision(row.relevant.len().max(predicted.len()));
        self.average_precision_at_sum += row.average_precision(k);
        self.precision_at_sum += row.hits_at(k) / k as f64;
        self.recall_at_sum += row.hits_at(k) / row.relevant.len() as f64;
        self.gain_at_sum += match relevance.filter(|relevance| !relevance.is_empty()) {
            None => row.gain(k, |item| f64::from(u8::from(row.relevant.contains(&item)))),
            Some(relevance) => {
                let gains: BTreeMap<i64, f64> =
                    labels.iter().copied().zip(relevance.iter().map(|r| (*r as f64).exp2() - 1.0)).collect();
                row.gain(k, |item| gains.get(&item).copied().unwrap_or(0.0))
            }
        };
    }

    fn mean(&self, sum: f64) -> f64 {
        sum / self.rows as f64
    }

    /// Mean over the rows of the average precision of all predicted items.
    pub fn mean_average_precision(&self) -> f64 {
        self.mean(self.average_precision_sum)
    }

    /// Mean over the rows of the average precision of the first `k` items.
    pub fn mean_average_precision_at_k(&self) -> f64 {
        self.mean(self.average_precision_at_sum)
    }

    /// Mean over the rows of the number of relevant items among the first `k`, divided by `k`.
    pub fn precision_at_k(&self) -> f64 {
        self.mean(self.precision_at_sum)
    }

    /// Mean fraction of the relevant items that is among the first `k`.
    pub fn recall_at_k(&self) -> f64 {
        self.mean(self.recall_at_sum)
    }

    /// Mean discounted cumulative gain of the first `k` items, divided by that of the best order.
    pub fn ndcg_at_k(&self) -> f64 {
        self.mean(self.gain_at_sum)
    }
}

impl Summary for RankingSums {
    type Spec = RankingSumsSpec;
    const NAME: &'static str = "ranking_sums";

    fn columns(spec: &RankingSumsSpec) -> Vec<String> {
        [&spec.label_col, &spec.prediction_col].into_iter().chain(&spec.relevance_col).cloned().collect()
    }

    fn empty(spec: &RankingSumsSpec, schema: &Schema) -> Result<Self> {
        for column in Self::columns(spec) {
            columns::require_list(schema, &column)?;
        }
        Ok(Self::default())
    }

    fn update(&mut self, spec: &RankingSumsSpec, tile: &Tile<'_>) -> Result<()> {
        let (labels, predictions) = (tile.array(&spec.label_col)?, tile.array(&spec.prediction_col)?);
        let labels = columns::lists_of(tile, &spec.label_col, &labels)?;
        let predictions = columns::lists_of(tile, &spec.prediction_col, &predictions)?;
        let Some(column) = &spec.relevance_col else {
            labels.iter().zip(&predictions).for_each(|(labels, items)| self.add(spec.k, labels, items, None));
            return Ok(());
        };
        let relevances = tile.array(column)?;
        let relevances = columns::lists_of(tile, column, &relevances)?;
        for (i, ((labels, items), relevance)) in labels.iter().zip(&predictions).zip(&relevances).enumerate()
        {
            if !relevance.is_empty() && relevance.len() != labels.len() {
                return Err(tile.bad_value(
                    column,
                    i,
                    "as many relevances as there are relevant items, or none",
                ));
            }
            self.add(spec.k, labels, items, Some(relevance));
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.rows += other.rows;
        self.average_precision_sum += other.average_precision_sum;
        self.average_precision_at_sum += other.average_precision_at_sum;
        self.precision_at_sum += other.precision_at_sum;
        self.recall_at_sum += other.recall_at_sum;
        self.gain_at_sum += other.gain_at_sum;
        Ok(())
    }
}
