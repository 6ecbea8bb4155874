//! Machine-learning pipelines and their tuning.
