//! Least squares, ridge, lasso, elastic net and Huber regression, computed from summaries of the rows.

mod coordinate_descent;
mod describe;
mod design;
mod doubled;
mod estimator;
mod evaluation;
mod fit;
mod huber;
mod huber_dual;
mod huber_summary;
mod iterative;
mod lasso_path;
mod model;
mod moments;
mod options;
mod residuals;
mod ridge;
mod scaling;
mod seminormal;
mod smallest_norm;
mod solve;
mod sparse_rows;
mod statistics;
mod ties;
mod triangular;
mod unit;
mod wide;

pub use estimator::{LinearRegression, Loss};
pub use evaluation::Evaluation;
pub use model::{LinearRegressionModel, TrainingSummary};
pub use options::Solver;
