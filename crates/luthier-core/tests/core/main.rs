//! The core as an author of stages in another crate sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod cancel;
mod complexity;
mod dataset;
mod describe;
mod determinism;
mod errors;
mod growth;
mod lift;
mod parts;
mod persistence;
mod pipeline;
mod rows;
mod summaries;
mod training_sets;
mod wide;
