//! The scores of two classes.

use luthier_core::frame::{ColumnType, Schema};
use luthier_core::{Error, Result, Summary, Tile};
use serde::{Deserialize, Serialize};

use super::binary_curve::BinaryCurve;
use super::ordered_bits::ordered_bits;
use super::two_classes::TwoClasses;
use crate::columns;

/// The columns of [`BinaryScores`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinaryScoresSpec {
    /// The numeric column of true classes, with at most two labels: the larger is the positive class, unless the
    /// categories of the columns determine it.
    pub label_col: String,
    /// The scores: a column of `f64`, or of vectors of width 2 whose second number is the score.
    pub score_col: String,
    /// A numeric column of weights; without it, every row has weight 1.
    pub weight_col: Option<String>,
}

/// All scores by class, from which a [`BinaryCurve`] is computed: 8 bytes per row, 16 with weights. Computing an area needs as much
/// memory again, and computing a curve up to 24 bytes more per row.
///
/// Infinite scores are allowed, and `-0.0` equals `0.0`. Rows of weight 0 are ignored. A score that is
/// null or NaN, a label that is not finite or of a third class, and an invalid weight are errors that name column and row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BinaryScores {
    weighted: bool,
    pub(super) classes: TwoClasses<Scores>,
}

/// The scores of one class as ordered bits, in no order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Scores {
    Counted(Vec<u64>),
    Weighted(Vec<(u64, f64)>),
}

impl Scores {
    fn new(weighted: bool) -> Self {
        if weighted { Self::Weighted(Vec::new()) } else { Self::Counted(Vec::new()) }
    }

    fn push(&mut self, score: u64, weight: f64) {
        match self {
            Self::Counted(scores) => scores.push(score),
            Self::Weighted(scores) if weight > 0.0 => scores.push((score, weight)),
            Self::Weighted(_) => {}
        }
    }

    fn append(&mut self, other: &Self) -> Result<()> {
        match (self, other) {
            (Self::Counted(mine), Self::Counted(theirs)) => mine.extend_from_slice(theirs),
            (Self::Weighted(mine), Self::Weighted(theirs)) => mine.extend_from_slice(theirs),
            _ => return Err(Error::invalid("scores with and without weights cannot be merged")),
        }
        Ok(())
    }

    /// From the largest score to the smallest, in an order that does not depend on that of the rows.
    fn sorted(&self) -> Self {
        let mut sorted = self.clone();
        match &mut sorted {
            Self::Counted(scores) => scores.sort_unstable_by(|a, b| b.cmp(a)),
            Self::Weighted(scores) => {
                scores.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)));
            }
        }
        sorted
    }

    fn len(&self) -> usize {
        match self {
            Self::Counted(scores) => scores.len(),
            Self::Weighted(scores) => scores.len(),
        }
    }

    fn score(&self, place: usize) -> Option<u64> {
        match self {
            Self::Counted(scores) => scores.get(place).copied(),
            Self::Weighted(scores) => scores.get(place).map(|(score, _)| *score),
        }
    }

    /// Moves `place` over those of this score; returns their weight.
    fn take(&self, place: &mut usize, score: u64) -> f64 {
        let start = *place;
        while self.score(*place) == Some(score) {
            *place += 1;
        }
        match self {
            Self::Counted(_) => (*place - start) as f64,
            Self::Weighted(scores) => {
                scores.get(start..*place).unwrap_or_default().iter().map(|(_, weight)| weight).sum()
            }
        }
    }
}

impl BinaryScores {
    /// No scores.
    pub(super) fn none(weighted: bool) -> Self {
        Self { weighted, classes: TwoClasses::default() }
    }

    /// Adds a score that is not NaN; `None` for the label of a third class.
    pub(super) fn push(&mut self, label: f64, score: f64, weight: f64) -> Option<()> {
        if weight > 0.0 {
            let weighted = self.weighted;
            self.classes.sum_of(label, || Scores::new(weighted))?.push(ordered_bits(score), weight);
        }
        Some(())
    }

    /// The curve, with one threshold per distinct score.
    pub fn curve(&self) -> BinaryCurve {
        let sorted = self.sorted();
        let mut curve = BinaryCurve::with_capacity(sorted.positives.len() + sorted.negatives.len());
        sorted.thresholds().for_each(|(score, tp, fp)| curve.push(score, tp, fp));
        curve
    }

    /// A sorted copy of the scores, which needs as much memory again.
    pub(super) fn sorted(&self) -> SortedScores {
        let none = Scores::new(self.weighted);
        let [negatives, positives] = self.classes.sums().map(|scores| scores.unwrap_or(&none));
        let (positives, negatives) = rayon::join(|| positives.sorted(), || negatives.sorted());
        SortedScores { positives, negatives }
    }
}

/// The scores of both classes from the largest to the smallest. Sums over a curve can be computed without the curve, which
/// needs three times as much memory.
#[derive(Debug)]
pub(super) struct SortedScores {
    positives: Scores,
    negatives: Scores,
}

impl SortedScores {
    /// Each distinct score from the largest to the smallest, with the weight of the true and false positives there.
    pub(super) fn thresholds(&self) -> impl Iterator<Item = (u64, f64, f64)> {
        let (mut p, mut n, mut tp, mut fp) = (0, 0, 0.0, 0.0);
        std::iter::from_fn(move || {
            let score = self.positives.score(p).max(self.negatives.score(n))?;
            tp += self.positives.take(&mut p, score);
            fp += self.negatives.take(&mut n, score);
            Some((score, tp, fp))
        })
    }

    /// The weight of true and false positives at each threshold.
    pub(super) fn counts(&self) -> impl Iterator<Item = (f64, f64)> {
        self.thresholds().map(|(_, tp, fp)| (tp, fp))
    }
}

/// Whether a column can be one of scores.
pub(super) fn require_scores(schema: &Schema, column: &str) -> Result<()> {
    match schema.require(column)?.column_type() {
        ColumnType::F64 | ColumnType::Vector { width: 2 } | ColumnType::AnyVector => Ok(()),
        found => Err(Error::ColumnType {
            column: column.to_owned(),
            found: found.to_string(),
            expected: "a column of f64, or vectors of width 2 whose second number is for the positive class; for more than two \
            classes use `multiclass_classification`"
                .to_owned(),
        }),
    }
}

impl Summary for BinaryScores {
    type Spec = BinaryScoresSpec;
    const NAME: &'static str = "binary_scores";

    fn columns(spec: &BinaryScoresSpec) -> Vec<String> {
        [&spec.label_col, &spec.score_col].into_iter().chain(&spec.weight_col).cloned().collect()
    }

    fn empty(spec: &BinaryScoresSpec, schema: &Schema) -> Result<Self> {
        for column in [&spec.label_col].into_iter().chain(&spec.weight_col) {
            columns::require_numeric(schema, column)?;
        }
        require_scores(schema, &spec.score_col)?;
        let classes = TwoClasses::of(schema, &spec.label_col, &spec.score_col);
        Ok(Self { weighted: spec.weight_col.is_some(), classes })
    }

    fn update(&mut self, spec: &BinaryScoresSpec, tile: &Tile<'_>) -> Result<()> {
        if let Some(error) = tile.first_not_finite(&spec.label_col) {
            return Err(error);
        }
        let (labels, weights) = (tile.numbers(&spec.label_col)?, tile.weights(spec.weight_col.as_deref())?);
        let scores = tile.vectors(&spec.score_col)?;
        let scores = scores.column(scores.ncols().saturating_sub(1));
        for (i, (label, score)) in labels.iter().zip(scores).enumerate() {
            if score.is_nan() {
                return Err(tile.bad_value(&spec.score_col, i, "a score that is not NaN"));
            }
            let weight = weights.as_ref().map_or(1.0, |weights| weights[i]);
            if self.push(*label, *score, weight).is_none() {
                return Err(self.classes.third(tile, &spec.label_col, i, *label));
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.classes.merge(&other.classes, "the label column", Scores::append)
    }

    fn bytes_of_rows(&self, rows: u64) -> usize {
        let each = if self.weighted { 16 } else { 8 };
        usize::try_from(rows).unwrap_or(usize::MAX).saturating_mul(each)
    }

    fn holds_rows(&self) -> bool {
        self.classes.sums().into_iter().flatten().any(|scores| scores.len() > 0)
    }

    fn bytes(&self) -> usize {
        let each = if self.weighted { 16 } else { 8 };
        size_of::<Self>() + each * self.classes.sums().into_iter().flatten().map(Scores::len).sum::<usize>()
    }
}
