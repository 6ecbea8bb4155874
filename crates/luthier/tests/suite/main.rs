//! Searches as users of the facade see them; one program, so that the libraries are linked once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_input;
mod cancelling;
mod composites;
mod counts;
mod coverage;
mod data;
mod dependencies;
mod determinism;
mod executors;
mod failures;
mod golden;
mod journal;
mod model_parallelism;
mod naive;
mod nested;
mod order;
mod persistence;
mod pipeline_cv;
mod probe;
mod reference_cv;
mod reference_logistic;
mod registry;
mod serving;
mod several_metrics;
mod shards;
mod sharing;
mod spans;
mod strategies;
mod streaming;
mod tuned_model;
