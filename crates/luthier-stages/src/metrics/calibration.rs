//! Calibration curves: predicted probabilities and observed frequencies.

use luthier_core::frame::{Column, DataFrame, Schema};
use luthier_core::{Dataset, Error, Result, Summary, Tile};
use serde::{Deserialize, Serialize};

use super::binary_scores::require_scores;
use super::two_classes::TwoClasses;
use crate::columns;

/// The columns of a [`CalibrationCurve`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalibrationSpec {
    /// The numeric column of true classes, with at most two labels: the larger is the positive class, unless the
    /// categories of the columns determine it.
    pub label_col: String,
    /// The probabilities: a column of `f64` for the positive class, or of vectors of width 2 whose second number is for
    /// it.
    pub probability_col: String,
    /// A numeric column of weights; without it, every row has weight 1.
    pub weight_col: Option<String>,
    /// The number of bins of equal width, at least 1.
    pub num_bins: usize,
}

/// Compares predicted probabilities `p` of the positive class with observed frequencies, in bins of equal width:
/// `k/n < p ≤ (k+1)/n`; the first bin includes 0.
///
/// ```
/// use luthier_core::Dataset;
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_stages::{CalibrationCurve, CalibrationSpec};
///
/// let scored = DataFrame::from_columns(vec![
///     ("label", Column::f64(vec![0.0, 1.0, 0.0, 1.0])),
///     ("probability", Column::f64(vec![0.2, 0.4, 0.7, 0.9])),
/// ])?;
/// let spec = CalibrationSpec {
///     label_col: "label".into(),
///     probability_col: "probability".into(),
///     weight_col: None,
///     num_bins: 2,
/// };
/// let bins = CalibrationCurve::of(&Dataset::new(scored), &spec)?.bins();
/// assert_eq!((bins[0].fraction_of_positives, bins[1].fraction_of_positives), (0.5, 0.5));
/// # Ok::<(), luthier_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationCurve {
    bins: usize,
    classes: TwoClasses<Vec<BinSums>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct BinSums {
    weight: f64,
    probability: f64,
}

impl BinSums {
    fn add(&mut self, other: &Self) {
        self.weight += other.weight;
        self.probability += other.probability;
    }
}

/// One point of a [`CalibrationCurve`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct CalibrationBin {
    /// Mean probability of the rows in the bin.
    pub mean_probability: f64,
    /// Fraction of them that is positive.
    pub fraction_of_positives: f64,
    /// Their weight.
    pub weight: f64,
}

impl CalibrationCurve {
    /// The curve of the rows of a view.
    ///
    /// # Errors
    /// If a column is missing, has another type, or contains a value that is not a probability, label or weight; no bins.
    pub fn of(data: &Dataset, spec: &CalibrationSpec) -> Result<Self> {
        data.aggregate::<Self>(spec)
    }

    /// The bins that hold rows, in order.
    pub fn bins(&self) -> Vec<CalibrationBin> {
        let of_class = self.classes.sums();
        let bin = |k: usize| {
            let [negative, positive] =
                of_class.map(|bins| bins.and_then(|bins| bins.get(k)).copied().unwrap_or_default());
            let mut all = negative;
            all.add(&positive);
            (all.weight > 0.0).then(|| CalibrationBin {
                mean_probability: all.probability / all.weight,
                fraction_of_positives: positive.weight / all.weight,
                weight: all.weight,
            })
        };
        (0..self.bins).filter_map(bin).collect()
    }

    /// One row per [bin](Self::bins): `mean_probability`, `fraction_of_positives` and `weight`.
    ///
    /// # Errors
    /// Does not fail for an existing curve.
    pub fn to_frame(&self) -> Result<DataFrame> {
        let bins = self.bins();
        let column = |f: fn(&CalibrationBin) -> f64| Column::f64(bins.iter().map(f).collect());
        Ok(DataFrame::from_columns(vec![
            ("mean_probability", column(|bin| bin.mean_probability)),
            ("fraction_of_positives", column(|bin| bin.fraction_of_positives)),
            ("weight", column(|bin| bin.weight)),
        ])?)
    }
}

impl Summary for CalibrationCurve {
    type Spec = CalibrationSpec;
    const NAME: &'static str = "calibration_curve";

    fn columns(spec: &CalibrationSpec) -> Vec<String> {
        [&spec.label_col, &spec.probability_col].into_iter().chain(&spec.weight_col).cloned().collect()
    }

    fn empty(spec: &CalibrationSpec, schema: &Schema) -> Result<Self> {
        for column in [&spec.label_col].into_iter().chain(&spec.weight_col) {
            columns::require_numeric(schema, column)?;
        }
        require_scores(schema, &spec.probability_col)?;
        match spec.num_bins {
            0 => Err(Error::invalid("num_bins is 0, expected at least 1")),
            bins => {
                Ok(Self { bins, classes: TwoClasses::of(schema, &spec.label_col, &spec.probability_col) })
            }
        }
    }

    fn update(&mut self, spec: &CalibrationSpec, tile: &Tile<'_>) -> Result<()> {
        if let Some(error) = tile.first_not_finite(&spec.label_col) {
            return Err(error);
        }
        let (labels, weights) = (tile.numbers(&spec.label_col)?, tile.weights(spec.weight_col.as_deref())?);
        let probabilities = tile.vectors(&spec.probability_col)?;
        let probabilities = probabilities.column(probabilities.ncols().saturating_sub(1));
        let bins = self.bins;
        for (i, (label, &p)) in labels.iter().zip(probabilities).enumerate() {
            if !(0.0..=1.0).contains(&p) {
                return Err(tile.bad_value(&spec.probability_col, i, "a probability between 0 and 1"));
            }
            let weight = weights.as_ref().map_or(1.0, |weights| weights[i]);
            if weight == 0.0 {
                continue;
            }
            let Some(sums) = self.classes.sum_of(*label, || vec![BinSums::default(); bins]) else {
                return Err(self.classes.third(tile, &spec.label_col, i, *label));
            };
            if let Some(bin) = sums.get_mut(bin_of(p, bins)) {
                bin.add(&BinSums { weight, probability: weight * p });
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.bins != other.bins {
            return Err(Error::invalid("calibration curves of different bins cannot be merged"));
        }
        self.classes.merge(&other.classes, "the label column", |mine, theirs| {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.add(theirs));
            Ok(())
        })
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + 2 * self.bins * size_of::<BinSums>()
    }
}

/// The bin whose upper edge `(k + 1) / bins` is the first that is not below `p`.
fn bin_of(p: f64, bins: usize) -> usize {
    let edge = |k: usize| (k + 1) as f64 / bins as f64;
    let near = ((p * bins as f64) as usize).min(bins.saturating_sub(1));
    // The product is rounded: an edge may be one off.
    let from = near.saturating_sub(1);
    (from..bins).find(|&k| p <= edge(k)).unwrap_or(bins.saturating_sub(1))
}
