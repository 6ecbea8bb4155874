//! Linear regression as its users see it: an estimator on frames.
#![allow(clippy::unwrap_used)]

mod constants;
mod errors;
mod extremes;
mod frames;
mod huber;
mod independence;
mod laws;
mod nist;
mod precision;
mod problems;
mod spark;
mod sparse;
mod suites;
mod ties;
mod wide;
