//! Stages that make features of columns, and features of features.

mod max_abs_scaler;
mod min_max_scaler;
mod robust_scaler;
mod variance_threshold_selector;
mod vector_slicer;

pub use max_abs_scaler::{MaxAbsScaler, MaxAbsScalerModel};
pub use min_max_scaler::{MinMaxScaler, MinMaxScalerModel};
pub use robust_scaler::{RobustScaler, RobustScalerModel};
pub use variance_threshold_selector::{VarianceThresholdSelector, VarianceThresholdSelectorModel};
pub use vector_slicer::VectorSlicer;
