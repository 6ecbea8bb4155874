//! Traits, parameters, pipelines, datasets and summaries: what an author of a stage needs.

// The derive macros name this crate `::luthier_core`, also from inside.
extern crate self as luthier_core;

pub mod params;
