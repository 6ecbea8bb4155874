//! How a fit went and how well the model fits its rows.

use luthier_core::Note;
use serde::{Deserialize, Serialize};

use super::separation::Separation;
use super::statistics::Inference;

/// How a [`LogisticRegression`](crate::LogisticRegression) was fitted and how well it fits the rows it was fitted on.
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
    /// Whether the fit came to its tolerance: the quadratic model of the objective promised no decrease to speak of, and
    /// `gradient` was at most `tol`. A stop at `max_iter` or at rounding alone is not enough.
    pub converged: bool,
    /// The largest distance of a derivative of the objective from its optimality condition, in units of the features'
    /// standard deviations (root mean squares where the intercept is bounded or there is none).
    #[serde(default)]
    pub gradient: f64,
    /// By how much the objective could still fall where the fit stopped, by its quadratic model.
    #[serde(default)]
    pub remaining: f64,
    /// Whether rounding, not the tolerance, ended the fit.
    #[serde(default)]
    pub stopped_by_rounding: bool,
    /// Whether the classes are separated or quasi-separated and no penalty or bound holds the coefficients: the best ones
    /// are then infinite, and those of the model are where the loss came below the tolerance.
    pub separated: bool,
    /// What separates them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separation: Option<Separation>,
    /// `Σ w ℓ / W`, `ℓ = −ln P(y)`.
    pub log_loss: f64,
    /// `2 Σ w ℓ`.
    pub deviance: f64,
    /// The deviance of a model with the intercepts alone, or with equal probabilities without intercept.
    pub null_deviance: f64,
    /// Share of the weight that is predicted right, by the model's threshold or thresholds.
    pub accuracy: f64,
    /// Estimated parameters `k`: coefficients and intercepts, as far as they are independent of each other. `None` where
    /// the model is not a maximum of the likelihood: with a penalty or bounds, without convergence, or with separated
    /// classes, and beyond 1000 unknowns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degrees_of_freedom: Option<usize>,
    /// Akaike's criterion `2k − 2 ln L`, where `k` is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aic: Option<f64>,
    /// The Bayesian criterion `k ln W − 2 ln L`, where `k` is known: weights count as repetitions of a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bic: Option<f64>,
    /// Standard errors, z and p values of a binomial model whose degrees of freedom are known.
    pub inference: Option<Inference>,
    /// What should be known about the fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

impl LogisticTrainingSummary {
    /// `ln L = −Σ w ℓ`.
    pub fn log_likelihood(&self) -> f64 {
        -0.5 * self.deviance
    }
}
