//! From probabilities to a class.

/// When which class is predicted.
///
/// ```
/// use luthier_stages::classifier::Decision;
///
/// let rare = [0.9, 0.1];
/// assert_eq!(Decision::MostProbable.class(&rare), 0.0);
/// assert_eq!(Decision::Threshold(0.05).class(&rare), 1.0);
/// assert_eq!(Decision::Thresholds(&[0.95, 0.05]).class(&rare), 1.0);
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Decision<'a> {
    /// Class 1 where its probability is above the threshold.
    Threshold(f64),
    /// The class with the largest `p / t`; the first of equals.
    Thresholds(&'a [f64]),
    /// The most probable class; the first of equals.
    MostProbable,
}

impl<'a> Decision<'a> {
    /// Of a model of two classes by a threshold, or, of more, by one for each class, if there are any.
    pub fn new(multinomial: bool, threshold: f64, thresholds: Option<&'a [f64]>) -> Self {
        match (multinomial, thresholds) {
            (false, Some([zero, one])) => Self::Threshold(equivalent_threshold(*zero, *one)),
            (false, _) => Self::Threshold(threshold),
            (true, Some(thresholds)) => Self::Thresholds(thresholds),
            (true, None) => Self::MostProbable,
        }
    }

    /// What to add to the score of class 1, or to each class's, so that the decision is that for a threshold of ½, or
    /// for the largest. `classes` are those that have scores.
    pub(crate) fn offsets(self, classes: &[u32]) -> Vec<f64> {
        match self {
            Self::Threshold(t) => vec![-logit(t)],
            Self::Thresholds(all) => {
                classes.iter().map(|&c| all.get(c as usize).map_or(0.0, |t| -t.ln())).collect()
            }
            Self::MostProbable => vec![0.0; classes.len()],
        }
    }

    /// The class for some probabilities; NaN where one of them is.
    pub fn class(self, probabilities: &[f64]) -> f64 {
        self.of_scores(probabilities, probabilities, |t| t)
    }

    /// The class for scores `z` and their probabilities: where probabilities round to 0 or 1 the scores still differ.
    pub(crate) fn class_by_scores(self, scores: &[f64], probabilities: &[f64]) -> f64 {
        self.of_scores(scores, probabilities, logit)
    }

    /// `at` is what a threshold is on the scores.
    fn of_scores(self, scores: &[f64], probabilities: &[f64], at: impl Fn(f64) -> f64) -> f64 {
        if probabilities.iter().any(|p| p.is_nan()) {
            return f64::NAN;
        }
        match self {
            Self::Threshold(t) => f64::from(u8::from(scores.get(1).is_some_and(|z| *z > at(t)))),
            // A class of threshold 0 is infinitely good, unless it is impossible: 0/0 is not larger.
            Self::Thresholds(all) => first_largest(probabilities.iter().zip(all).map(|(p, t)| p / t)),
            Self::MostProbable => first_largest(scores.iter().copied()),
        }
    }
}

/// How far `threshold` and what `thresholds` say of two classes may be apart, as in Spark.
const THRESHOLD_TOLERANCE: f64 = 1e-5;

/// Checks the thresholds of a classifier's parameters: `threshold` is ½ where it is not set.
///
/// # Errors
/// Fewer than two thresholds, one that is negative or not finite, more than one that is 0, or two of them that contradict
/// `threshold`.
pub fn check_thresholds(threshold: f64, thresholds: &[f64]) -> Result<(), String> {
    let negative = thresholds.iter().any(|t| !(*t >= 0.0 && t.is_finite()));
    if negative || thresholds.iter().filter(|t| **t == 0.0).count() > 1 || thresholds.len() < 2 {
        return Err(format!(
            "thresholds = {thresholds:?}: expected a finite number of at least 0 for each class, at most one of them 0"
        ));
    }
    if let [zero, one] = thresholds {
        let meant = equivalent_threshold(*zero, *one);
        if threshold != 0.5 && (threshold - meant).abs() >= THRESHOLD_TOLERANCE {
            return Err(format!(
                "threshold = {threshold} and thresholds = {thresholds:?}, which mean a threshold of {meant}, contradict \
                 each other: set one of them"
            ));
        }
    }
    Ok(())
}

/// The threshold on the probability of class 1 that decides as `p / t` does.
pub(crate) fn equivalent_threshold(zero: f64, one: f64) -> f64 {
    if one == 0.0 { 0.0 } else { 1.0 / (1.0 + zero / one) }
}

fn logit(p: f64) -> f64 {
    match p {
        0.0 => f64::NEG_INFINITY,
        1.0 => f64::INFINITY,
        p => (p / (1.0 - p)).ln(),
    }
}

fn first_largest(values: impl Iterator<Item = f64>) -> f64 {
    let (mut best, mut place) = (f64::NEG_INFINITY, 0);
    for (k, value) in values.enumerate() {
        if value > best {
            (best, place) = (value, k);
        }
    }
    place as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_strict_and_reach_both_ends() {
        let class = |t, z: f64| {
            let p = 1.0 / (1.0 + (-z).exp());
            Decision::Threshold(t).class_by_scores(&[-z, z], &[1.0 - p, p])
        };
        assert_eq!([class(0.5, 0.0), class(0.5, 1e-300)], [0.0, 1.0]);
        assert_eq!([class(0.0, -800.0), class(1.0, 800.0)], [1.0, 0.0]);
        assert!(class(0.5, f64::NAN).is_nan());
        assert!((equivalent_threshold(0.3, 0.7) - 0.7).abs() < 1e-15);
        assert_eq!([equivalent_threshold(0.0, 1.0), equivalent_threshold(1.0, 0.0)], [1.0, 0.0]);
    }

    #[test]
    fn a_class_of_threshold_zero_is_predicted_unless_it_is_impossible() {
        let thresholds = [0.5, 0.0, 0.5];
        let decision = Decision::Thresholds(&thresholds);
        assert_eq!(decision.class(&[0.6, 0.1, 0.3]), 1.0);
        assert_eq!(decision.class(&[0.7, 0.0, 0.3]), 0.0);
        assert_eq!(decision.offsets(&[1, 2]), [f64::INFINITY, -(0.5_f64.ln())]);
    }
}
