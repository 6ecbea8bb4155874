//! From scores to probabilities and from probabilities to a class.

/// When which class is predicted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Decision<'a> {
    /// Class 1 where its probability is above the threshold.
    Threshold(f64),
    /// The class with the largest `p / t`; the first of equals.
    Thresholds(&'a [f64]),
    /// The most probable class; the first of equals.
    MostProbable,
}

impl<'a> Decision<'a> {
    pub(super) fn new(multinomial: bool, threshold: f64, thresholds: Option<&'a [f64]>) -> Self {
        match (multinomial, thresholds) {
            (false, Some([zero, one])) => Self::Threshold(equivalent_threshold(*zero, *one)),
            (false, _) => Self::Threshold(threshold),
            (true, Some(thresholds)) => Self::Thresholds(thresholds),
            (true, None) => Self::MostProbable,
        }
    }

    /// What to add to the score of class 1, or to each class's, so that the decision is that for a threshold of ½, or
    /// for the largest. `classes` are those that have scores.
    pub(super) fn offsets(self, classes: &[u32]) -> Vec<f64> {
        match self {
            Self::Threshold(t) => vec![-logit(t)],
            Self::Thresholds(all) => {
                classes.iter().map(|&c| all.get(c as usize).map_or(0.0, |t| -t.ln())).collect()
            }
            Self::MostProbable => vec![0.0; classes.len()],
        }
    }

    /// The class for some scores and their probabilities; NaN where one of them is.
    pub(super) fn class(self, scores: &[f64], probabilities: &[f64]) -> f64 {
        if probabilities.iter().any(|p| p.is_nan()) {
            return f64::NAN;
        }
        match self {
            Self::Threshold(t) => f64::from(u8::from(scores.get(1).is_some_and(|z| *z > logit(t)))),
            // A class of threshold 0 is infinitely good, unless it is impossible: 0/0 is not larger.
            Self::Thresholds(all) => first_largest(probabilities.iter().zip(all).map(|(p, t)| p / t)),
            Self::MostProbable => first_largest(scores.iter().copied()),
        }
    }
}

/// The threshold on the probability of class 1 that decides as `p / t` does.
pub(super) fn equivalent_threshold(zero: f64, one: f64) -> f64 {
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

/// `1 / (1 + e⁻ᶻ)`, exact at both ends.
pub(super) fn sigmoid(z: f64) -> f64 {
    let e = (-z.abs()).exp();
    if z < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

/// `eᶻₖ / Σ eᶻˡ`; a score of `+∞` takes all.
pub(super) fn softmax(scores: &[f64], probabilities: &mut [f64]) {
    let largest = scores.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    for (p, z) in probabilities.iter_mut().zip(scores) {
        *p = match *z == largest {
            true => 1.0,
            false => (z - largest).exp(),
        };
    }
    let sum: f64 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_strict_and_reach_both_ends() {
        let class = |t, z: f64| {
            let p = sigmoid(z);
            Decision::Threshold(t).class(&[-z, z], &[1.0 - p, p])
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
        assert_eq!(decision.class(&[2.0, 0.0, 1.0], &[0.6, 0.1, 0.3]), 1.0);
        assert_eq!(decision.class(&[2.0, f64::NEG_INFINITY, 1.0], &[0.7, 0.0, 0.3]), 0.0);
        assert_eq!(decision.offsets(&[1, 2]), [f64::INFINITY, -(0.5_f64.ln())]);
    }

    #[test]
    fn softmax_knows_infinity() {
        let mut p = [0.0; 3];
        softmax(&[0.0, f64::INFINITY, 0.0], &mut p);
        assert_eq!(p, [0.0, 1.0, 0.0]);
        softmax(&[1000.0, f64::NEG_INFINITY, 1000.0], &mut p);
        assert_eq!(p, [0.5, 0.0, 0.5]);
    }
}
