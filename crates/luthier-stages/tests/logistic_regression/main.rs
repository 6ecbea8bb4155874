//! Logistic regression as its users see it: an estimator on frames.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod conditioning;
#[path = "../common/draw.rs"]
mod draw;
mod evaluation;
mod frames;
mod laws;
mod outcomes;
mod problems;
mod scaling;
mod separation;
mod spark;
mod sparse;
mod statistics;
mod suites;
