//! The training summary: how the fit went and how well the model fits its rows.

use luthier_core::Note;
use serde::{Deserialize, Serialize};

use super::separation::Separation;
use super::statistics::Inference;

/// How a [`LogisticRegression`](crate::LogisticRegression) was fitted, and how well it fits its training rows.
///
/// ```
/// # use luthier_core::EstimatorExt;
/// # use luthier_core::frame::DataFrame;
/// # use luthier_stages::LogisticRegression;
/// let x = ndarray::array![[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]];
/// let data = DataFrame::from_ndarray(x, vec![0.0, 0.0, 1.0, 0.0, 1.0, 1.0])?;
/// let model = LogisticRegression::new().fit_frame(&data)?;
/// let summary = model.summary();
/// assert!(summary.converged && !summary.separated);
/// // In either group two of three rows are of one class: log odds of −ln 2 and ln 2.
/// let deviance = -4.0 * (2.0_f64 / 3.0).ln() * 2.0 - 2.0 * (1.0_f64 / 3.0).ln() * 2.0;
/// assert!((summary.deviance - deviance).abs() < 1e-9);
/// assert!((summary.aic.unwrap() - (deviance + 4.0)).abs() < 1e-9);
/// # Ok::<(), luthier_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogisticTrainingSummary {
    /// Number of rows, whatever their weights.
    pub num_instances: u64,
    /// The objective at the start and after every iteration; `[0]` where all labels are one class.
    pub objective_history: Vec<f64>,
    /// Iterations made over all rows.
    pub total_iterations: usize,
    /// Whether the fit reached its tolerance: the quadratic model of the objective predicted only a negligible decrease, and
    /// `gradient` was at most `tol`. A stop at `max_iter` or because of rounding is not enough.
    pub converged: bool,
    /// The largest distance of a derivative of the objective from its optimality condition, in units of the features'
    /// standard deviations (root mean squares where the intercept is bounded or there is none).
    #[serde(default)]
    pub gradient: f64,
    /// How much the objective could still decrease where the fit stopped, according to its quadratic model.
    #[serde(default)]
    pub remaining: f64,
    /// Whether rounding instead of the tolerance ended the fit.
    #[serde(default)]
    pub stopped_by_rounding: bool,
    /// Whether the classes are separated or quasi-separated and no penalty or bound limits the coefficients. The best
    /// coefficients are then infinite, and those of the model are where the loss fell below the tolerance.
    pub separated: bool,
    /// What separates them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separation: Option<Separation>,
    /// `Σ w ℓ / W`, `ℓ = −ln P(y)`.
    pub log_loss: f64,
    /// `2 Σ w ℓ`.
    pub deviance: f64,
    /// The deviance of a model with intercepts only, or with equal probabilities if there is no intercept.
    pub null_deviance: f64,
    /// Fraction of the weight that is predicted correctly with the model's threshold or thresholds.
    pub accuracy: f64,
    /// The number `k` of estimated parameters: coefficients and intercepts that are independent of each other. `None` if
    /// the model does not maximise the likelihood: with a penalty or bounds, without convergence, or with separated
    /// classes; and with more than 1000 unknowns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degrees_of_freedom: Option<usize>,
    /// Akaike's information criterion (AIC) `2k − 2 ln L`, if `k` is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aic: Option<f64>,
    /// The Bayesian information criterion (BIC) `k ln W − 2 ln L`, if `k` is known; weights count as repetitions of a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bic: Option<f64>,
    /// Standard errors, z-values and p-values of a binomial model, if `k` is known.
    pub inference: Option<Inference>,
    /// Notes on the fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

impl LogisticTrainingSummary {
    /// `ln L = −Σ w ℓ`.
    pub fn log_likelihood(&self) -> f64 {
        -0.5 * self.deviance
    }
}
