//! Summaries of single features.

mod by_column;
mod category_counts;
mod extremes;
mod feature_summary;
mod quantiles;
mod spread;

pub use category_counts::{CategoryCounts, CategorySpec};
pub use extremes::Extremes;
pub use feature_summary::{FeatureSpec, FeatureStatistic, FeatureSummary, Missing};
pub use quantiles::Quantiles;
pub use spread::Spread;
