//! The built-in stages and evaluators.
