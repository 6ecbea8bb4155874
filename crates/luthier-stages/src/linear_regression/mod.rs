//! Least squares, ridge, lasso, elastic net and Huber regression, computed from summaries of the rows.

#![allow(
    dead_code,
    unused_imports,
    reason = "the estimator that calls these functions comes with the next commit"
)]

mod coordinate_descent;
mod dense;
mod huber;
mod moments;
mod quasi_newton;
mod ridge;
mod scaling;
mod solve;
mod statistics;
mod triangular;

#[cfg(test)]
mod tests;

pub(crate) use huber::{HuberFit, HuberOptions, HuberPoint, HuberSums, HuberUnits, fit_huber};
pub(crate) use moments::{Factor, NormalEquations};
pub(crate) use solve::{Batch, Fit, FitError, FitOptions, Outcome, Solver, fit_factor, fit_normal_equations};
pub(crate) use statistics::{Estimate, Goodness, Inference, infer};
