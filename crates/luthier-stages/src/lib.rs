//! The built-in stages and evaluators: feature stages, linear and logistic regression, and metrics for regression,
//! classification, sets of labels and rankings.
//!
//! ```
//! use luthier_core::frame::{Column, DataFrame};
//! use luthier_core::{EstimatorExt, Evaluator, Pipeline, Transformer};
//! use luthier_stages::{LinearRegression, RegressionEvaluator, VectorAssembler};
//!
//! let data = DataFrame::from_columns(vec![
//!     ("x", Column::f64(vec![1.0, 2.0, 4.0, 7.0])),
//!     ("label", Column::f64(vec![3.0, 5.0, 9.0, 15.0])),
//! ])?;
//! let mut pipeline = Pipeline::new();
//! pipeline.add_transformer("inputs", VectorAssembler::new().input_cols(["x"]));
//! pipeline.add("lr", LinearRegression::new());
//! let model = pipeline.fit_frame(&data)?;
//! assert!(RegressionEvaluator::new().evaluate_frame(&model.transform(&data)?)? < 1e-9); // label = 2 x + 1
//! # Ok::<(), luthier_core::Error>(())
//! ```
//!
//! The stages use only the public extension interface of `luthier-core`. There are no tree models and no clustering yet.

mod categories;
pub mod classifier;
mod columns;
mod features;
mod linear;
mod metrics;
mod optim;
mod summaries;
mod together;

pub use features::{
    Binarizer, Bucketizer, ColumnTransformer, DatePart, DateParts, HandleInvalid, Imputer, ImputerModel,
    ImputerStrategy, IndexToString, MaxAbsScaler, MaxAbsScalerModel, MinMaxScaler, MinMaxScalerModel,
    Normalizer, OneHotEncoder, OneHotEncoderModel, Pca, PcaModel, PolynomialExpansion, QuantileDiscretizer,
    QuantileDiscretizerModel, RobustScaler, RobustScalerModel, StandardScaler, StandardScalerModel,
    StringIndexer, StringIndexerModel, StringOrderType, UnseenIndex, VarianceThresholdSelector,
    VarianceThresholdSelectorModel, VectorAssembler, VectorSlicer,
};
pub use linear::{
    Evaluation, Family, Inference, LinearRegression, LinearRegressionModel, LogisticEvaluation,
    LogisticRegression, LogisticRegressionModel, LogisticTrainingSummary, Loss, Separation, Solver,
    TrainingSummary,
};
pub use metrics::{
    BinaryClassificationEvaluator, BinaryCurve, BinaryMetric, BinaryScores, BinaryScoresSpec, CalibrationBin,
    CalibrationCurve, CalibrationSpec, ClassLosses, ClassLossesSpec, Classes, Confusion, ConfusionSpec,
    MulticlassClassificationEvaluator, MulticlassMetric, MultilabelClassificationEvaluator, MultilabelMetric,
    MultilabelSums, MultilabelSumsSpec, RankingEvaluator, RankingMetric, RankingSums, RankingSumsSpec,
    RegressionEvaluator, RegressionMetric, RegressionSums, RegressionSumsSpec, SiblingSums, SiblingSumsSpec,
    Undefined,
};
pub use summaries::{
    CategoryCounts, CategorySpec, Extremes, FeatureSpec, FeatureStatistic, FeatureSummary, Missing,
    Quantiles, Spread,
};
