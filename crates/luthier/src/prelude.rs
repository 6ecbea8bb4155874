//! The types that most programs use: `use luthier::prelude::*;`.

pub use luthier_core::params::{ParamMap, Params, Required};
pub use luthier_core::{
    CancelToken, Estimator, EstimatorExt, Evaluator, Pipeline, PipelineModel, Transformer,
};
pub use luthier_frame::{Column, CsvOptions, DataFrame, ScanOptions};
pub use luthier_stages::{
    Binarizer, BinaryClassificationEvaluator, BinaryCurve, BinaryMetric, Bucketizer, CalibrationCurve,
    ColumnTransformer, DatePart, DateParts, Family, HandleInvalid, Imputer, ImputerStrategy, IndexToString,
    LinearRegression, LogisticRegression, Loss, MaxAbsScaler, MinMaxScaler,
    MulticlassClassificationEvaluator, MulticlassMetric, MultilabelClassificationEvaluator, MultilabelMetric,
    Normalizer, OneHotEncoder, Pca, PolynomialExpansion, QuantileDiscretizer, RankingEvaluator,
    RankingMetric, RegressionEvaluator, RegressionMetric, RobustScaler, Solver, StandardScaler,
    StringIndexer, StringOrderType, Undefined, UnseenIndex, VarianceThresholdSelector, VectorAssembler,
    VectorSlicer,
};
pub use luthier_tune::{
    CrossValidator, MemoryBudget, Parallelism, ParamGrid, ParamRange, Rayon, Selection, Serial, Sharing,
    ThreadPool, TrainValidationSplit, TunedModel,
};
