//! Conformance checks for stages, summaries and executors.

pub mod executor;
