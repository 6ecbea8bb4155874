//! The built-in stages and evaluators.

mod columns;
mod linear_regression;
mod logistic_regression;
mod pca;
mod regression_evaluator;
mod regression_sums;
mod sibling_sums;
mod standard_scaler;
mod substitution;
mod vector_assembler;

pub use linear_regression::{
    Evaluation, LinearRegression, LinearRegressionModel, Loss, Solver, TrainingSummary,
};
pub use logistic_regression::{
    Family, Inference, LogisticRegression, LogisticRegressionModel, LogisticTrainingSummary,
};
pub use pca::{Pca, PcaModel};
pub use regression_evaluator::{RegressionEvaluator, RegressionMetric};
pub use regression_sums::{RegressionSums, RegressionSumsSpec};
pub use sibling_sums::{SiblingSums, SiblingSumsSpec};
pub use standard_scaler::{StandardScaler, StandardScalerModel};
pub use vector_assembler::VectorAssembler;
