//! Optimisers that the stages share: quadratic functions in boxes with an L1 penalty, linear systems by products alone, and
//! quasi-Newton directions.
//!
//! Nothing here knows a stage. `region` says where unknowns may lie and what is optimal there; `curvature` holds second
//! derivatives with as many digits as they need; `quadratic` minimises with both, going from `basis` to `basis`;
//! `conjugate_gradient` and `limited_memory` do without second derivatives.

mod basis;
mod conjugate_gradient;
mod curvature;
mod growing_factor;
mod limited_memory;
mod quadratic;
mod region;
pub(crate) mod substitution;

pub(crate) use conjugate_gradient::{Found, NormalSystem, PATIENCE, conjugate_gradient};
pub(crate) use curvature::{Curvature, Inverse};
pub(crate) use growing_factor::GrowingFactor;
pub(crate) use limited_memory::LimitedMemory;
pub(crate) use quadratic::Quadratic;
pub(crate) use region::Region;
