//! What every classifier needs beside its scores, for those of other crates too: the columns it appends, named by class, and
//! the decision for a class by thresholds.

mod columns;
mod decision;

pub use columns::ClassColumns;
pub(crate) use decision::equivalent_threshold;
pub use decision::{Decision, check_thresholds};
