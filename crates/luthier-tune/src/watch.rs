//! Searches that end although a part of them does not.
//!
//! Rust cannot end a thread. A search that can be cancelled therefore runs on a thread of its own, and its caller waits for it
//! only until it is cancelled and a grace period has passed. What did not return by then is named.

use std::fmt::{self, Display};
use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use luthier_core::CancelToken;

use crate::{Error, Result};

/// How long a search may take to end once it is cancelled.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Time between two looks at the token.
const PAUSE: Duration = Duration::from_millis(20);

/// The parts of a search that are being called right now. Clones watch the same search.
#[derive(Clone, Default)]
pub(crate) struct Watched(Option<Arc<Mutex<Calls>>>);

#[derive(Default)]
struct Calls {
    next: u64,
    /// In the order in which the calls began.
    running: Vec<(u64, String)>,
}

impl Watched {
    /// Calls a part that may never return; `part` says which, as in "the executor `acme.sleepy`". Calls may be nested and may come
    /// from any thread.
    pub(crate) fn calling<T>(&self, part: impl Display, f: impl FnOnce() -> T) -> T {
        let Some(calls) = &self.0 else { return f() };
        let number = {
            let mut calls = lock(calls);
            calls.next += 1;
            let number = calls.next;
            calls.running.push((number, part.to_string()));
            number
        };
        let _call = Call { calls, number };
        f()
    }

    /// The part that was called last and has not returned: those that were called before may be waiting for it.
    fn innermost(&self) -> Option<String> {
        let calls = self.0.as_ref()?;
        lock(calls).running.last().map(|(_, part)| part.clone())
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.innermost()).finish()
    }
}

fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call that is running; it ends also by a panic.
struct Call<'a> {
    calls: &'a Mutex<Calls>,
    number: u64,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        lock(self.calls).running.retain(|(number, _)| *number != self.number);
    }
}

/// Runs a search, which ends by itself soon after it was cancelled, unless a part of it does not return: then the thread is left
/// behind, and the error names the part.
///
/// The search runs on the calling thread if nothing can cancel it, and on a thread of a rayon pool, because it must stay in its
/// pool; there nobody watches it. A panic of the search is a panic of the caller.
///
/// # Errors
/// Those of the search; [`Error::NotReturned`] if it has not ended within `grace` after it was cancelled.
pub(crate) fn run<T: Send + 'static>(
    cancel: &CancelToken,
    grace: Duration,
    search: impl FnOnce(&Watched) -> Result<T> + Send + 'static,
) -> Result<T> {
    if !cancel.can_be_cancelled() || rayon::current_thread_index().is_some() {
        return search(&Watched::default());
    }
    let watched = Watched(Some(Arc::default()));
    let (done, ended) = channel();
    let there = watched.clone();
    let thread = thread::Builder::new().name("luthier-search".to_owned());
    let thread = thread
        .spawn(move || {
            // If nobody waits any more, nobody wants the result.
            let _ = done.send(search(&there));
        })
        .map_err(|error| Error::invalid(format!("cannot start a thread for the search: {error}")))?;
    let mut left = None;
    loop {
        match ended.recv_timeout(left.unwrap_or(PAUSE)) {
            Ok(result) => {
                // It has nothing left to do, so that no thread outlives the search.
                let _ = thread.join();
                return result;
            }
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) => resume_unwind(panic),
                Ok(()) => return Err(Error::invalid("the search ended without a result")),
            },
            Err(RecvTimeoutError::Timeout) if left.is_some() => {
                let part = watched.innermost().unwrap_or_else(|| "the search itself".to_owned());
                return Err(Error::NotReturned { part, grace });
            }
            Err(RecvTimeoutError::Timeout) => left = cancel.is_cancelled().then_some(grace),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::thread::ThreadId;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    fn cancelled() -> CancelToken {
        let token = CancelToken::new();
        token.cancel();
        token
    }

    fn stuck(search: impl FnOnce(&Watched) -> Result<()> + Send + 'static) -> String {
        run(&cancelled(), SHORT, search).unwrap_err().to_string()
    }

    /// Blocks until the test is over.
    fn never() -> (Sender<()>, impl FnOnce() + Send + 'static) {
        let (release, wait) = channel();
        (release, move || {
            let _: std::result::Result<(), _> = wait.recv();
        })
    }

    fn here() -> Result<ThreadId> {
        Ok(thread::current().id())
    }

    #[test]
    fn a_part_that_does_not_return_is_named() {
        let (_release, wait) = never();
        let message = stuck(move |watched| {
            watched.calling("the splitter `k_fold`", || ());
            watched.calling("the executor `acme.sleepy`", wait);
            Ok(())
        });
        assert_eq!(
            message,
            "the executor `acme.sleepy` did not return within 0.05 s after the search was cancelled; \
             its thread is left behind"
        );
    }

    #[test]
    fn of_nested_calls_the_innermost_is_named_on_whatever_thread_it_is() {
        let (_release, wait) = never();
        let message = stuck(move |watched| {
            watched.calling("the executor `rayon`", || {
                let inner = watched.clone();
                let worker = thread::spawn(move || inner.calling("the stage `acme.endless`", wait));
                watched.calling("the stage `pca`", || ());
                let _ = worker.join();
            });
            Ok(())
        });
        assert!(message.starts_with("the stage `acme.endless` did not return"), "{message}");
    }

    #[test]
    fn what_panicked_is_no_longer_called() {
        let (_release, wait) = never();
        let message = stuck(move |watched| {
            let panics = || watched.calling("the stage `bomb`", || resume_unwind(Box::new("bang")));
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics));
            wait();
            Ok(())
        });
        assert!(message.starts_with("the search itself did not return"), "{message}");
    }

    #[test]
    fn a_search_that_ends_when_it_is_cancelled_keeps_its_result() {
        let token = CancelToken::new();
        let inside = token.clone();
        let result = run(&token, Duration::from_secs(60), move |_| {
            inside.cancel();
            while !inside.is_cancelled() {}
            Ok(7)
        });
        assert_eq!(result.unwrap(), 7);
        let error = run(&token, GRACE, |_| -> Result<()> { Err(Error::invalid("no rows")) }).unwrap_err();
        assert_eq!(error.to_string(), "no rows");
    }

    #[test]
    fn a_deadline_ends_the_wait() {
        let (_release, wait) = never();
        let token = CancelToken::never().with_deadline(SHORT);
        let error = run(&token, SHORT, move |watched| {
            watched.calling("the observer", wait);
            Ok(())
        });
        assert!(matches!(error, Err(Error::NotReturned { part, .. }) if part == "the observer"));
    }

    #[test]
    fn a_thread_is_started_only_where_something_can_be_cancelled() {
        let caller = thread::current().id();
        assert_eq!(run(&CancelToken::never(), GRACE, |_| here()).unwrap(), caller);
        assert_ne!(run(&CancelToken::new(), GRACE, |_| here()).unwrap(), caller);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let stays = pool.install(|| {
            let caller = thread::current().id();
            run(&CancelToken::new(), GRACE, |_| here()).unwrap() == caller
        });
        assert!(stays, "a search must not leave the pool of its caller");
    }

    #[test]
    fn a_panic_is_a_panic_of_the_caller() {
        let call = || run(&CancelToken::new(), GRACE, |_| -> Result<()> { resume_unwind(Box::new("bang")) });
        let panic = std::panic::catch_unwind(call).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"bang"));
    }
}
