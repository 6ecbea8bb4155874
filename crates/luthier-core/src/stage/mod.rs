//! What an author implements, and the object-safe mirrors that pipelines hold.

mod children;
mod context;
mod erased;
mod estimator;
mod evaluation_plan;
mod evaluator;
mod guard;
mod lineage;
mod plan;
mod transformer;

pub use children::{Children, FittedChild, PipelineStage};
pub use context::{FitContext, scramble};
pub use erased::{DynEstimator, DynModel};
pub(crate) use erased::{fitted, pure};
pub use estimator::{Estimator, Model};
pub use evaluation_plan::EvaluationPlan;
pub use evaluator::{DynEvaluator, Evaluator, evaluate_all};
pub use guard::catch_panic;
pub(crate) use guard::{Guarded, panic_to_error};
pub(crate) use lineage::STRIDE;
pub use lineage::{Landings, LineageStep};
pub use plan::StagePlan;
pub use transformer::{PureTransformer, Transformer};
