//! Grids, splitters, the search plan, executors and results.
//!
//! A search tries every candidate of a [`ParamGrid`] on every fold of a [`Splitter`]. It hands the units of work to an
//! [`Executor`], at most [`Parallelism`] of them at a time. Grids name parameters by their address in a pipeline; this crate
//! does not know any stage.
//!
//! Four parts can be replaced:
//!
//! | to replace | use | built in |
//! | --- | --- | --- |
//! | which rows are held out | a [`Splitter`] | [`KFold`], [`RepeatedKFold`], [`GroupKFold`], [`TrainRatio`], [`ShuffleSplit`], [`RollingOrigin`], [`FoldColumn`], [`LeaveOneGroupOut`], [`LeaveOneOut`] |
//! | where units run | an [`Executor`] | [`ThreadPool`], [`Rayon`], [`Serial`] |
//! | which candidates there are | a list of [`ParamMap`](luthier_core::ParamMap)s | [`ParamGrid`] |
//! | which of them are scored on which folds | a [`Strategy`] | [`Grid`](strategy::Grid), [`Random`](strategy::Random), [`Halving`](strategy::Halving), [`Racing`](strategy::Racing), [`Bayesian`](strategy::Bayesian) |
//!
//! An executor knows nothing about models: it runs numbered tasks whose results are bytes.
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::sync::Arc;
//! use luthier_tune::executor::{Job, TaskResult, ThreadPool, verify};
//!
//! struct Squares;
//!
//! impl Job for Squares {
//!     fn len(&self) -> usize {
//!         4
//!     }
//!     fn run(&self, task: usize) -> TaskResult {
//!         if task == 2 { Err("no square of two today".to_owned()) } else { Ok(vec![(task * task) as u8]) }
//!     }
//! }
//!
//! let results = verify::run(&ThreadPool::new(), Arc::new(Squares), NonZeroUsize::MIN)?;
//! assert_eq!(results[3], Ok(vec![9]));
//! assert!(results[2].is_err());
//! # Ok::<(), luthier_tune::Error>(())
//! ```
//!
//! This crate has no executor that runs tasks in other processes.

mod engine;
mod error;
mod events;
pub mod executor;
mod failure;
mod grid;
mod journal;
mod memory_budget;
mod named;
mod notes;
mod observer;
mod parallelism;
mod plan;
mod range;
mod result;
mod search;
mod shards;
mod spans;
pub mod splitter;
pub mod strategy;
mod unit_key;
mod watch;

pub use engine::Session;
pub use error::{Error, Result};
pub use events::{Event, EventKind, units_in_flight};
pub use executor::{
    Executor, ExecutorEntry, Job, NamedExecutor, Rayon, Serial, Sink, TaskResult, ThreadPool,
};
pub use failure::Failure;
pub use grid::ParamGrid;
pub use journal::report_death;
pub use luthier_core as core;
#[doc(hidden)]
pub use luthier_core::inventory;
pub use memory_budget::MemoryBudget;
pub use named::PartEntry;
pub use notes::{NotedFits, SearchNote};
pub use observer::{BestSoFar, Observer, SearchEvent, UnitScore};
pub use parallelism::Parallelism;
pub use plan::{Forecast, NestedPrice, Plan, PlannedLevel, PlannedNode, PlannedRound, PlannedSummary};
pub use range::ParamRange;
pub use result::{
    CandidateResult, FailureSummary, FoldMetric, FoldResult, MetricSummary, Outcome, SearchResult,
    SecondaryMetric, TestScore,
};
pub use search::{
    CrossValidator, Nested, ProcedureRound, ProcedureScore, Search, Selection, Sharing, SubModels,
    TrainValidationSplit, Tuned, TunedModel, metric_names,
};
pub use shards::Shards;
pub use splitter::{
    FoldColumn, GroupKFold, KFold, LeaveOneGroupOut, LeaveOneOut, LeaveOneShardOut, NamedSplitter,
    OverShards, RepeatedKFold, RollingOrigin, ShuffleSplit, Split, Splitter, SplitterEntry, TrainRatio,
    hold_out, shares, shuffle,
};
pub use strategy::{NamedStrategy, Strategy, StrategyEntry};
pub use unit_key::{Fingerprint, UnitKey};
