//! Conformance checks: what a part of a pipeline promises, tried out.
//!
//! A part from another crate stands beside the built-in ones because it keeps the same contract. One line in a test
//! tries all of it, on a frame that the part can use and on many that it cannot:
//!
//! ```
//! use luthier_testkit::{check_splitter, sample_frame};
//! use luthier_tune::KFold;
//!
//! check_splitter("k_fold", &KFold::new().num_folds(4), &sample_frame())?; // check_estimator(&Ridge::new(), …)?
//! # Ok::<(), luthier_testkit::Findings>(())
//! ```
//!
//! There are [`check_estimator`], [`check_transformer`], [`check_evaluator`], [`check_splitter`], [`check_executor`] and
//! [`check_summary`]. Each lists every [`Rule`] that is broken, and how. [`StageCheck`] takes further configurations and
//! another tolerance.
//!
//! What they don't do: they cannot know whether an answer is right, only whether it is the same by every way.

mod children;
mod evaluator;
pub mod executor;
mod findings;
mod hostile;
mod roles;
mod splitter;
mod stage;
mod summary;
mod values;

pub use evaluator::check_evaluator;
pub use executor::check_executor;
pub use findings::{Finding, Findings, Rule};
pub use hostile::sample_frame;
pub use splitter::check_splitter;
pub use stage::{StageCheck, check_estimator, check_transformer};
pub use summary::check_summary;
