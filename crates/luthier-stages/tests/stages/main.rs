//! The feature stages and the regression evaluator, seen from outside.

// Helpers are not tests by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cancel;
mod conformance;
mod damaged;
mod data;
mod errors;
mod evaluation;
mod features;
mod labels;
mod spark;
