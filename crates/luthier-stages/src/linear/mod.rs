//! Linear models: regression and classification by a weighted sum of the features.

mod linear_regression;
mod logistic_regression;
mod notes;

use notes::{constant_features, dependent_features, feature_names, not_converged, way_out};

pub use linear_regression::{
    Evaluation, LinearRegression, LinearRegressionModel, Loss, Solver, TrainingSummary,
};
pub use logistic_regression::{
    Family, Inference, LogisticEvaluation, LogisticRegression, LogisticRegressionModel,
    LogisticTrainingSummary, Separation,
};
