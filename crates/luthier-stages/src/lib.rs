//! The built-in stages and evaluators.

mod classification;
mod columns;
mod linear_regression;
mod pca;
mod regression_evaluator;
mod regression_sums;
mod sibling_sums;
mod standard_scaler;
mod vector_assembler;

pub use classification::{
    BinaryClassificationEvaluator, BinaryCurve, BinaryMetric, BinaryScores, BinaryScoresSpec, CalibrationBin,
    CalibrationCurve, CalibrationSpec, ClassLosses, ClassLossesSpec, Classes, Confusion, ConfusionSpec,
    MulticlassClassificationEvaluator, MulticlassMetric, MultilabelClassificationEvaluator, MultilabelMetric,
    MultilabelSums, MultilabelSumsSpec, RankingEvaluator, RankingMetric, RankingSums, RankingSumsSpec,
};
pub use linear_regression::{
    Evaluation, LinearRegression, LinearRegressionModel, Loss, Solver, TrainingSummary,
};
pub use pca::{Pca, PcaModel};
pub use regression_evaluator::{RegressionEvaluator, RegressionMetric};
pub use regression_sums::{RegressionSums, RegressionSumsSpec};
pub use sibling_sums::{SiblingSums, SiblingSumsSpec};
pub use standard_scaler::{StandardScaler, StandardScalerModel};
pub use vector_assembler::VectorAssembler;
