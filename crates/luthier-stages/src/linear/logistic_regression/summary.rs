//! How a fit went and how well the model fits its rows.

use serde::{Deserialize, Serialize};

use super::statistics::Inference;

/// How a [`LogisticRegression`](crate::LogisticRegression) was fitted and how well it fits the rows it was fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogisticTrainingSummary {
    /// Number of rows, whatever their weights.
    pub num_instances: u64,
    /// The objective at the start and after every iteration; `[0]` where all labels are one class.
    pub objective_history: Vec<f64>,
    /// Iterations made over all rows.
    pub total_iterations: usize,
    /// Whether the tolerance was met within `max_iter` iterations.
    pub converged: bool,
    /// Whether every row is predicted with a probability above one half and the classes can so be told apart without
    /// error. Without a penalty the best coefficients are then infinite, and those of the model are where the loss came
    /// below the tolerance.
    pub separated: bool,
    /// `Σ w ℓ / W`, `ℓ = −ln P(y)`.
    pub log_loss: f64,
    /// `2 Σ w ℓ`.
    pub deviance: f64,
    /// The deviance of a model with the intercepts alone, or with equal probabilities without intercept.
    pub null_deviance: f64,
    /// Share of the weight that is predicted right, by the model's threshold or thresholds.
    pub accuracy: f64,
    /// Standard errors, z and p values: of a binomial model fitted without penalty and bounds, of full rank, whose
    /// classes are not separated.
    pub inference: Option<Inference>,
}
