//! The built-in stages and evaluators.

mod columns;
mod linear_regression;

pub use linear_regression::{
    Evaluation, LinearRegression, LinearRegressionModel, Loss, Solver, TrainingSummary,
};
