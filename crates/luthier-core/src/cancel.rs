//! Cancelling work that is running.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Tells running work that its result is no longer wanted.
///
/// Clones are the same token: cancel one of them, from any thread, and the work that holds another sees it. A
/// [`child`](Self::child) is cancelled with its parent, but not the other way round. Asking costs an atomic load per
/// generation, and a look at the clock where there is a deadline; the default token is never cancelled and holds nothing.
///
/// ```
/// use std::time::Duration;
/// use luthier_core::{CancelReason, CancelToken};
///
/// let search = CancelToken::new();
/// let unit = search.with_deadline(Duration::from_secs(60));
/// assert!(unit.check().is_ok());
/// search.cancel();
/// assert_eq!(unit.reason(), Some(CancelReason::Requested));
/// assert!(unit.check().is_err_and(|error| error.is_cancelled()));
/// assert!(!CancelToken::never().is_cancelled());
/// ```
#[derive(Clone, Default)]
pub struct CancelToken(Option<Arc<Shared>>);

struct Shared {
    /// Set once, when the cancellation is first known.
    reason: OnceLock<CancelReason>,
    deadline: Option<(Instant, Duration)>,
    parent: CancelToken,
}

/// Why a token is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// [`CancelToken::cancel`] was called.
    Requested,
    /// The work took longer than this.
    Deadline(Duration),
}

impl CancelToken {
    /// A token that can be cancelled.
    pub fn new() -> Self {
        Self::never().child()
    }

    /// The default token, which is never cancelled.
    pub const fn never() -> Self {
        Self(None)
    }

    /// A token that is cancelled together with this one, and can be cancelled without it.
    #[must_use]
    pub fn child(&self) -> Self {
        self.generation(None)
    }

    /// A [`child`](Self::child) that is also cancelled once this time has passed from now on.
    #[must_use]
    pub fn with_deadline(&self, limit: Duration) -> Self {
        // A time beyond the end of the clock is no limit.
        self.generation(Instant::now().checked_add(limit).map(|end| (end, limit)))
    }

    fn generation(&self, deadline: Option<(Instant, Duration)>) -> Self {
        Self(Some(Arc::new(Shared { reason: OnceLock::new(), deadline, parent: self.clone() })))
    }

    /// Cancels this token, its clones and its children. It stays cancelled; the first reason counts. The token that is
    /// [never](Self::never) cancelled ignores it.
    pub fn cancel(&self) {
        if let Some(shared) = &self.0 {
            // A deadline that has already passed was first.
            if self.reason().is_none() {
                shared.reason.get_or_init(|| CancelReason::Requested);
            }
        }
    }

    /// Whether it is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }

    /// Whether it may ever be cancelled.
    pub fn can_be_cancelled(&self) -> bool {
        self.0.is_some()
    }

    /// Why it is cancelled; `None` if it is not.
    pub fn reason(&self) -> Option<CancelReason> {
        let shared = self.0.as_ref()?;
        if let Some(reason) = shared.reason.get() {
            return Some(*reason);
        }
        let passed = |(end, limit): &(Instant, Duration)| {
            (Instant::now() >= *end).then_some(CancelReason::Deadline(*limit))
        };
        let found = shared.parent.reason().or_else(|| shared.deadline.as_ref().and_then(passed))?;
        Some(*shared.reason.get_or_init(|| found))
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0, self.reason()) {
            (None, _) => f.write_str("CancelToken(never)"),
            (Some(_), None) => f.write_str("CancelToken(not cancelled)"),
            (Some(_), Some(reason)) => write!(f, "CancelToken({reason:?})"),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_cancelled_with_its_parent_and_not_the_other_way_round() {
        let parent = CancelToken::new();
        let (child, sibling) = (parent.child(), parent.child());
        child.cancel();
        assert!(child.is_cancelled() && !parent.is_cancelled() && !sibling.is_cancelled());
        parent.clone().cancel();
        assert!(parent.is_cancelled() && sibling.child().is_cancelled());
    }

    #[test]
    fn the_first_reason_counts() {
        let limit = Duration::ZERO;
        let late = CancelToken::new().with_deadline(limit);
        late.cancel();
        assert_eq!(late.reason(), Some(CancelReason::Deadline(limit)));
        let requested = CancelToken::new();
        let unit = requested.with_deadline(Duration::from_secs(3600));
        requested.cancel();
        assert_eq!(unit.reason(), Some(CancelReason::Requested));
        assert_eq!(unit.with_deadline(limit).reason(), Some(CancelReason::Requested));
    }

    #[test]
    fn no_deadline_is_too_far_away() {
        assert!(!CancelToken::new().with_deadline(Duration::MAX).is_cancelled());
    }

    #[test]
    fn the_default_token_is_never_cancelled() {
        let never = CancelToken::default();
        never.cancel();
        assert!(!never.is_cancelled() && !never.can_be_cancelled() && never.check().is_ok());
        assert!(never.with_deadline(Duration::ZERO).is_cancelled());
    }

    #[test]
    fn the_error_says_why() {
        let error = CancelToken::never().with_deadline(Duration::ZERO).check().unwrap_err();
        assert_eq!(error.to_string(), "cancelled because it took longer than 0 s");
    }
}
