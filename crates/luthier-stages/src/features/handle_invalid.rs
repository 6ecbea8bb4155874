//! What is done with values that a stage has no answer for.

use luthier_core::ParamEnum;

/// What is done with rows that hold a value the stage has no answer for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ParamEnum)]
#[non_exhaustive]
pub enum HandleInvalid {
    /// They are an error.
    #[default]
    Error,
    /// They are left out of the output; the others keep their fold.
    Skip,
    /// They get an answer of their own: one bucket, index or category more.
    Keep,
}

/// The category that invalid values are put into.
pub(crate) const UNKNOWN: &str = "__unknown";
