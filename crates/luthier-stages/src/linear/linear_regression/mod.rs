//! Least squares, ridge, lasso, elastic net and Huber regression, computed from summaries of the rows.

mod coordinate_descent;
mod describe;
mod doubled;
mod estimator;
mod evaluation;
mod growing_factor;
mod huber;
mod huber_summary;
mod lasso_path;
mod model;
mod moments;
mod quasi_newton;
mod residuals;
mod ridge;
mod scaling;
mod seminormal;
mod solve;
mod statistics;

mod triangular;
mod unit;

#[cfg(test)]
mod tests;

pub use estimator::{LinearRegression, Loss};
pub use evaluation::Evaluation;
pub use model::{LinearRegressionModel, TrainingSummary};
pub use solve::Solver;
