//! The built-in stages and evaluators.

pub mod classifier;
mod columns;
mod features;
mod linear;
mod metrics;
mod optim;
mod summaries;

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
