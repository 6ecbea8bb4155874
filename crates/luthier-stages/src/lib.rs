//! The built-in stages and evaluators.

mod classification;
mod columns;
mod features;
mod linear_regression;
mod logistic_regression;
mod pca;
mod regression_evaluator;
mod regression_sums;
mod rescaling;
mod sibling_sums;
mod standard_scaler;
mod substitution;
mod summaries;
mod together;
mod vector_assembler;

pub use classification::{
    BinaryClassificationEvaluator, BinaryCurve, BinaryMetric, BinaryScores, BinaryScoresSpec, CalibrationBin,
    CalibrationCurve, CalibrationSpec, ClassLosses, ClassLossesSpec, Classes, Confusion, ConfusionSpec,
    MulticlassClassificationEvaluator, MulticlassMetric, MultilabelClassificationEvaluator, MultilabelMetric,
    MultilabelSums, MultilabelSumsSpec, RankingEvaluator, RankingMetric, RankingSums, RankingSumsSpec,
};
pub use features::{
    Binarizer, Bucketizer, ColumnTransformer, HandleInvalid, Imputer, ImputerModel, ImputerStrategy,
    IndexToString, MaxAbsScaler, MaxAbsScalerModel, MinMaxScaler, MinMaxScalerModel, Normalizer,
    OneHotEncoder, OneHotEncoderModel, PolynomialExpansion, QuantileDiscretizer, QuantileDiscretizerModel,
    RobustScaler, RobustScalerModel, StringIndexer, StringIndexerModel, StringOrderType, UnseenIndex,
    VarianceThresholdSelector, VarianceThresholdSelectorModel, VectorSlicer,
};
pub use linear_regression::{
    Evaluation, LinearRegression, LinearRegressionModel, Loss, Solver, TrainingSummary,
};
pub use logistic_regression::{
    Family, Inference, LogisticEvaluation, LogisticRegression, LogisticRegressionModel,
    LogisticTrainingSummary,
};
pub use pca::{Pca, PcaModel};
pub use regression_evaluator::{RegressionEvaluator, RegressionMetric};
pub use regression_sums::{RegressionSums, RegressionSumsSpec};
pub use sibling_sums::{SiblingSums, SiblingSumsSpec};
pub use standard_scaler::{StandardScaler, StandardScalerModel};
pub use summaries::{
    CategoryCounts, CategorySpec, Extremes, FeatureSpec, FeatureStatistic, FeatureSummary, Missing,
    Quantiles, Spread,
};
pub use vector_assembler::VectorAssembler;
