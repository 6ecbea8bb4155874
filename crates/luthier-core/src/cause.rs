//! Why a part failed.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Why a part failed: whatever error its author returned. A copy is cheap, so that each configuration that is fitted on the
/// same rows gets the error of these rows as it is.
#[derive(Debug, Clone)]
pub struct Cause(Arc<anyhow::Error>);

impl Cause {
    /// A cause of an error of any type.
    pub fn new(error: impl Into<anyhow::Error>) -> Self {
        Self(Arc::new(error.into()))
    }

    /// The error and its sources, outermost first.
    pub fn chain(&self) -> impl DoubleEndedIterator<Item = &(dyn StdError + 'static)> {
        self.0.chain()
    }

    /// The error, if it is of this type.
    pub fn downcast_ref<E: fmt::Debug + fmt::Display + Send + Sync + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

/// The alternate form, `{:#}`, tells the sources as well.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Deref for Cause {
    type Target = dyn StdError + Send + Sync + 'static;

    fn deref(&self) -> &Self::Target {
        (*self.0).as_ref()
    }
}
