//! The evaluators of classes, sets of labels and rankings, and the curves, seen from outside.

// Helpers are not tests by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod brute_force;
mod curves;
mod errors;
mod frames;
mod labels;
mod laws;
mod lists;
mod spark;
mod suites;
