//! The commands.

mod class_report;
pub(crate) mod evaluate;
mod feature_names;
pub(crate) mod fit;
pub(crate) mod inspect;
pub(crate) mod predict;
pub(crate) mod report;
#[cfg(feature = "serve")]
pub(crate) mod serve;
pub(crate) mod split;
pub(crate) mod stages;
pub(crate) mod summarize;
pub(crate) mod tune;
