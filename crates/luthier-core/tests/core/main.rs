//! The core as an author of stages in another crate sees it.

mod dataset;
mod determinism;
mod errors;
mod lift;
mod parts;
mod persistence;
mod pipeline;
mod summaries;
