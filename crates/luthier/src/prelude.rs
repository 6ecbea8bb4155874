//! What most programs use: `use luthier::prelude::*;`.

pub use luthier_core::params::{ParamMap, Params, Required};
pub use luthier_core::{Estimator, EstimatorExt, Evaluator, Pipeline, PipelineModel, Transformer};
pub use luthier_frame::{Column, CsvOptions, DataFrame};
pub use luthier_stages::{
    Family, LinearRegression, LogisticRegression, Loss, Pca, RegressionEvaluator, RegressionMetric, Solver,
    StandardScaler, VectorAssembler,
};
pub use luthier_tune::{
    CrossValidator, MemoryBudget, Parallelism, ParamGrid, Rayon, Serial, Sharing, ThreadPool,
    TrainValidationSplit, TunedModel,
};
