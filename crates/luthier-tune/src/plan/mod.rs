//! The plan of a search: what is fitted, what is shared, and what it costs.

mod asked;
mod description;
mod explain;
mod forecast;
mod stage_order;
mod tree;

pub(crate) use asked::{Asked, AskedPart};
pub(crate) use description::Facts;
pub use description::{NestedPrice, Plan, PlannedLevel, PlannedNode, PlannedRound, PlannedSummary};
pub(crate) use forecast::CostEstimate;
pub use forecast::Forecast;
pub(crate) use tree::{AskedToScore, Level, Step, Tree, candidates};
