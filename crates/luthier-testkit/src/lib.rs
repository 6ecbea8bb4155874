//! Conformance checks for stages, summaries and executors.
