//! Binomial and multinomial logistic regression.

mod blocks;
mod cells;
mod class_labels;
mod coordinates;
mod descent;
mod describe;
mod estimator;
mod evaluation;
mod family;
mod fit;
mod hessian;
mod links;
mod loss;
mod minimise;
mod model;
mod notes;
mod powers;
mod products;
mod rows;
mod separation;
mod statistics;
mod summary;
mod univariate;
mod wide;

pub use estimator::LogisticRegression;
pub use evaluation::LogisticEvaluation;
pub use family::Family;
pub use model::LogisticRegressionModel;
pub use separation::Separation;
pub use statistics::Inference;
pub use summary::LogisticTrainingSummary;
