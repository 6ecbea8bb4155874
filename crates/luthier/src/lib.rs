//! Machine-learning pipelines and their tuning, in the vocabulary of Spark ML.
//!
//! Build a [`Pipeline`](prelude::Pipeline) of stages, list the parameter values to try in a
//! [`ParamGrid`](prelude::ParamGrid), and let a [`CrossValidator`](prelude::CrossValidator) or
//! [`TrainValidationSplit`](prelude::TrainValidationSplit) find the best candidate and fit it on all rows:
//!
//! ```
//! use luthier::prelude::*;
//! use ndarray::array;
//!
//! let features = array![[1.0, 2.0], [2.0, 1.0], [3.0, 5.0], [4.0, 3.0], [5.0, 8.0], [6.0, 7.0]];
//! let data = DataFrame::from_ndarray(features, vec![5.1, 4.9, 12.8, 11.2, 21.0, 20.1])?;
//!
//! let mut pipeline = Pipeline::new();
//! pipeline.add("scaler", StandardScaler::new().output_col("scaled"));
//! let lr = pipeline.add("lr", LinearRegression::new().features_col("scaled"));
//! let grid = ParamGrid::new().add(lr.at(LinearRegression::REG_PARAM), [0.0, 0.1, 1.0]);
//!
//! let tuned = CrossValidator::new(pipeline, grid, RegressionEvaluator::new()).fit(&data)?;
//! assert_eq!(tuned.result().best_candidate().map(|best| best.params.to_string()).as_deref(),
//!     Some("lr.reg_param = 0.1"));
//! let predicted = tuned.transform(&data)?.column_f64("prediction")?;
//! assert!((predicted[0] - 5.1).abs() < 0.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Why
//!
//! - **A search costs little more than one fit.** Work that candidates and folds have in common is done once,
//!   through whole pipelines; `explain` shows the plan before anything runs. For 16 candidates of PCA and linear regression
//!   in 3 folds, every row is read once, and three covariance matrices are decomposed.
//! - **Every part can be replaced from another crate**: a stage, an evaluator, a splitter, an executor. The
//!   built-in parts use the public interface and nothing else.
//! - **Results are the same to the last bit** on any executor, with any parallelism and number of threads.
//!
//! # Modules
//!
//! | module | contents |
//! | --- | --- |
//! | [`prelude`] | the types that most programs use |
//! | [`frame`] | data frames, CSV and Parquet |
//! | [`core`] | stages, pipelines, datasets, summaries, parameters, saving and loading: everything the author of a stage needs |
//! | [`stages`] | the built-in stages and evaluators |
//! | [`tune`] | grids, splitters, searches, executors: everything the author of an executor needs |
//! | [`report`] | the report of a search as one page, progress, leaderboards and timelines |
//!
//! The program `luthier` does the same from a configuration file.
//!
//! # Limits
//!
//! Luthier has no joins and no SQL: prepare the rows elsewhere and pass them as Arrow, Parquet or CSV. It has no
//! neural networks and does not use a GPU. Fits stay on one machine, unless an executor runs its tasks elsewhere.

pub use luthier_core as core;
pub use luthier_frame as frame;
pub use luthier_report as report;
pub use luthier_stages as stages;
pub use luthier_tune as tune;

pub mod guide;
pub mod prelude;
