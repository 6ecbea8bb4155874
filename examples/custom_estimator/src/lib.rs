//! Stages and an evaluator outside Luthier, one per file; the crate depends on luthier-core alone.
//!
//! | name | shows |
//! |---|---|
//! | `acme.sleepy` | a minimal estimator: nothing declared, nothing shared |
//! | `acme.scaler` | a declared summary and an affine model: folds share one pass over the rows |
//! | `acme.ridge` | candidates fitted together: one eigendecomposition for every `reg_param` |
//! | `acme.log1p` | a transformer that is not fitted |
//! | `acme.max_error` | an evaluator with its own summary |
//! | `acme.flaky` | how a stage fails |
//!
//! `program/` is a `luthier` with these parts: `cargo run -p acme-cli -- tune examples/custom_estimator/ridge.toml`.

mod flaky;
mod log1p;
mod max_error;
mod mean;
mod ridge;
mod scaler;
mod sleepy;

pub use flaky::{Failure, Flaky};
pub use log1p::Log1p;
pub use max_error::{LargestError, MaxError, MaxErrorSpec};
pub use mean::MeanModel;
pub use ridge::{Ridge, RidgeModel};
pub use scaler::{Scaler, ScalerModel};
pub use sleepy::Sleepy;
