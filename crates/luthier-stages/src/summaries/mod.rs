//! Summaries of features taken one by one.

mod extremes;
mod feature_summary;
mod quantiles;
mod spread;

pub use extremes::Extremes;
pub use feature_summary::{FeatureSpec, FeatureStatistic, FeatureSummary, Missing};
pub use quantiles::Quantiles;
pub use spread::Spread;
