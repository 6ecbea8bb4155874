//! The built-in stages and evaluators.

mod linear_regression;
