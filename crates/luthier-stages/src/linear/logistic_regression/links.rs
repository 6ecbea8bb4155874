//! From scores to probabilities.

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
    fn softmax_knows_infinity() {
        let mut p = [0.0; 3];
        softmax(&[0.0, f64::INFINITY, 0.0], &mut p);
        assert_eq!(p, [0.0, 1.0, 0.0]);
        softmax(&[1000.0, f64::NEG_INFINITY, 1000.0], &mut p);
        assert_eq!(p, [0.5, 0.0, 0.5]);
    }
}
