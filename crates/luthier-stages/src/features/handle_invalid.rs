//! How stages handle invalid values.

use luthier_core::ParamEnum;

/// How rows with an invalid value are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ParamEnum)]
#[non_exhaustive]
pub enum HandleInvalid {
    /// They are an error.
    #[default]
    Error,
    /// They are dropped; the other rows keep their fold.
    Skip,
    /// They get an additional bucket, index or category.
    Keep,
}
