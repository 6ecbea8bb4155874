//! Linear regression as its users see it: an estimator on frames.
#![allow(clippy::unwrap_used)]

mod errors;
mod frames;
mod nist;
mod precision;
mod spark;
mod suites;
