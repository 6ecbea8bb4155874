//! Stages that make features of columns, and features of features.

mod binarizer;
mod bucketizer;
mod buckets;
mod handle_invalid;
mod imputer;
mod max_abs_scaler;
mod min_max_scaler;
mod normalizer;
mod polynomial_expansion;
mod quantile_discretizer;
mod robust_scaler;
mod variance_threshold_selector;
mod vector_slicer;

pub use binarizer::Binarizer;
pub use bucketizer::Bucketizer;
pub use handle_invalid::HandleInvalid;
pub use imputer::{Imputer, ImputerModel, ImputerStrategy};
pub use max_abs_scaler::{MaxAbsScaler, MaxAbsScalerModel};
pub use min_max_scaler::{MinMaxScaler, MinMaxScalerModel};
pub use normalizer::Normalizer;
pub use polynomial_expansion::PolynomialExpansion;
pub use quantile_discretizer::{QuantileDiscretizer, QuantileDiscretizerModel};
pub use robust_scaler::{RobustScaler, RobustScalerModel};
pub use variance_threshold_selector::{VarianceThresholdSelector, VarianceThresholdSelectorModel};
pub use vector_slicer::VectorSlicer;
