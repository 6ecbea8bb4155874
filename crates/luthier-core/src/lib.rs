//! Traits, parameters, pipelines, datasets and summaries: everything that the author of a stage needs.
//!
//! | to write | implement | register with |
//! |---|---|---|
//! | a stage that is fitted | [`Estimator`] | [`register_estimator!`] |
//! | a stage that needs no fitting | [`Transformer`] and [`PureTransformer`] | [`register_transformer!`] |
//! | a metric | [`Evaluator`] | [`register_evaluator!`] |
//! | a mergeable statistic of rows | [`Summary`] | |
//!
//! Each of these traits has an example. Stages are combined in a [`Pipeline`], whose fitted form is a [`PipelineModel`]. This
//! crate contains no stages, no executors and no search.

// The derive macros refer to this crate as `::luthier_core`, even inside it.
extern crate self as luthier_core;

mod affine;
mod byte_size;
mod cancel;
mod cause;
mod checksum;
mod complexity;
mod composite;
mod dataset;
mod describe;
mod document;
mod error;
mod exchange;
mod fit_frame;
mod float_name;
pub mod json;
mod leak;
pub mod linalg;
pub mod memory;
pub mod params;
pub mod persist;
mod pipeline;
mod pipeline_model;
mod pipeline_stages;
mod predictor;
mod reads;
pub mod registry;
mod rows;
mod stage;
mod summary;
mod threads;
mod work;

pub use affine::{Affine, AffineColumns, Linear};
pub use cancel::{CancelReason, CancelToken};
pub use cause::Cause;
pub use dataset::{
    BlockSummaries, Blocks, Capacity, Dataset, FailedNeed, Kept, Round, Rounds, Rows, Shard, TrainingSets,
};
pub use describe::{AxisLabels, Description, Matrix, Note, NoteKind, Vector};
pub use error::{Error, Result};
pub use fit_frame::EstimatorExt;
#[doc(hidden)]
pub use inventory;
pub use leak::LabelGuard;
pub use luthier_frame as frame;
pub use params::{Address, ColumnRole, ParamEnum, ParamMap, Params, Required, StageHandle, Value};
pub use pipeline::{Declarations, Pipeline, PlannedStage};
pub use pipeline_model::PipelineModel;
pub use pipeline_stages::{FittedStage, IntoStage, NamedStages, PureStage};
pub use predictor::Predictor;
pub use rows::{OddCells, Outputs, Remark, Remarks, SparseTile, Tile};
#[doc(hidden)]
pub use stage::scramble;
pub use stage::{
    Children, DynEstimator, DynEvaluator, DynModel, Estimator, EvaluationPlan, Evaluator, FitContext,
    FittedChild, Landings, LineageStep, Model, PipelineStage, PureTransformer, StagePlan, Transformer,
    catch_panic, evaluate_all,
};
pub use summary::{ColumnSpan, Moments, MomentsSpec, Need, QrFactor, Summary, fuse_needs};
pub use threads::require_threads;
pub use work::{Work, WorkCounter};
