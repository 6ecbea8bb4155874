//! Traits, parameters, pipelines, datasets and summaries: what an author of a stage needs.
