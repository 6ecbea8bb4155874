//! Why work was cancelled.

use std::fmt;
use std::time::Duration;

/// Why a token is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// [`CancelToken::cancel`] was called.
    Requested,
    /// The work took longer than this.
    Deadline(Duration),
}

/// Completes "The work was cancelled …".
impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("on request"),
            Self::Deadline(limit) => write!(f, "because it took longer than {} s", limit.as_secs_f64()),
        }
    }
}
