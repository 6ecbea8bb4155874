//! Conformance checks for the parts of a pipeline.
//!
//! A part from another crate works like the built-in ones if it keeps the same contract. One line in a test
//! checks the whole contract, on a frame that the part can use and on many that it cannot:
//!
//! ```
//! use luthier_testkit::{check_splitter, sample_frame};
//! use luthier_tune::KFold;
//!
//! check_splitter("k_fold", &KFold::new().num_folds(4), &sample_frame())?; // check_estimator(&Ridge::new(), …)?
//! # Ok::<(), luthier_testkit::Findings>(())
//! ```
//!
//! The checks are [`check_estimator`], [`check_transformer`], [`check_evaluator`], [`check_splitter`], [`check_strategy`],
//! [`check_executor`] and [`check_summary`]. Each returns the list of broken [`Rule`]s with details. [`StageCheck`] accepts further configurations
//! and another tolerance.
//!
//! The checks cannot know whether a result is correct, only whether it is the same however it is computed.

mod children;
mod evaluator;
pub mod executor;
mod findings;
mod hostile;
mod roles;
mod splitter;
mod stage;
mod strategy;
mod summary;
mod values;

pub use evaluator::check_evaluator;
pub use executor::check_executor;
pub use findings::{Finding, Findings, Rule};
pub use hostile::sample_frame;
pub use splitter::check_splitter;
pub use stage::{StageCheck, check_estimator, check_transformer};
pub use strategy::check_strategy;
pub use summary::check_summary;
