//! What is said of repeated measurements.

use anyhow::Context;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A quantile of the t distribution.
pub(crate) fn t_quantile(probability: f64, freedom: usize) -> anyhow::Result<f64> {
    let t = StudentsT::new(0.0, 1.0, freedom as f64)
        .context("a t distribution needs at least 1 degree of freedom")?;
    Ok(t.inverse_cdf(probability))
}

/// The mean of some numbers and its standard error, as they are independent.
pub(crate) fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// A share in percent with its 95 % interval (Wilson 1927).
pub(crate) fn share(hits: usize, of: usize) -> String {
    let (n, p, z) = (of as f64, hits as f64 / of as f64, 1.96f64);
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / (1.0 + z * z / n);
    format!("{:.1} % ({:.1}–{:.1})", 100.0 * p, 100.0 * (centre - half), 100.0 * (centre + half))
}
