//! Stages that compute features from columns and from other features.

mod binarizer;
mod bucketizer;
mod buckets;
mod column_transformer;
mod date_parts;
mod handle_invalid;
mod imputer;
mod index_to_string;
mod max_abs_scaler;
mod min_max_scaler;
mod normalizer;
mod one_hot_encoder;
mod pca;
mod polynomial_expansion;
mod principal_axes;
mod quantile_discretizer;
mod rescaling;
mod robust_scaler;
mod standard_scaler;
mod string_indexer;
mod variance_threshold_selector;
mod vector_assembler;
mod vector_slicer;

pub use binarizer::Binarizer;
pub use bucketizer::Bucketizer;
pub use column_transformer::ColumnTransformer;
pub use date_parts::{DatePart, DateParts};
pub use handle_invalid::HandleInvalid;
pub use imputer::{Imputer, ImputerModel, ImputerStrategy};
pub use index_to_string::IndexToString;
pub use max_abs_scaler::{MaxAbsScaler, MaxAbsScalerModel};
pub use min_max_scaler::{MinMaxScaler, MinMaxScalerModel};
pub use normalizer::Normalizer;
pub use one_hot_encoder::{OneHotEncoder, OneHotEncoderModel, UnseenIndex};
pub use pca::{Pca, PcaModel};
pub use polynomial_expansion::PolynomialExpansion;
pub use quantile_discretizer::{QuantileDiscretizer, QuantileDiscretizerModel};
pub use robust_scaler::{RobustScaler, RobustScalerModel};
pub use standard_scaler::{StandardScaler, StandardScalerModel};
pub use string_indexer::{StringIndexer, StringIndexerModel, StringOrderType};
pub use variance_threshold_selector::{VarianceThresholdSelector, VarianceThresholdSelectorModel};
pub use vector_assembler::VectorAssembler;
pub use vector_slicer::VectorSlicer;

use luthier_core::Required;

/// Checks that there is at least one input column, and an output column for each.
fn check_pairs(inputs: &Required<Vec<String>>, outputs: &Required<Vec<String>>) -> Result<(), String> {
    match (inputs.as_option(), outputs.as_option()) {
        (Some(inputs), _) if inputs.is_empty() => {
            Err("`input_cols` is empty: name at least one column".to_owned())
        }
        (Some(inputs), Some(outputs)) if inputs.len() != outputs.len() => Err(format!(
            "`output_cols` has {} columns, but `input_cols` has {}: list one output per input",
            outputs.len(),
            inputs.len()
        )),
        _ => Ok(()),
    }
}
