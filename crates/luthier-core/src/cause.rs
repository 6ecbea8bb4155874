//! Why a part failed.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Why a part failed: the error that its author returned. Cloning is cheap, so that configurations that are fitted on the
/// same rows can share the error of these rows.
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

/// The alternate form, `{:#}`, includes the sources.
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
