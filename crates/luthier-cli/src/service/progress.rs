//! How far a client is with its request: what decides how long its connection may wait, and whether it may be closed for another.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::Limits;

/// How long a connection may be idle although others need its place.
const IDLE_FOR: Duration = Duration::from_secs(1);

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// For the first byte of a request.
    Idle,
    /// For the rest of the head of a request.
    Head,
    /// For the routes, which have the request and their own limits on time.
    Answering,
    /// For the client to take the answer; `whole`: nothing more will be written.
    Sending { whole: bool },
    /// For the client to close the connection.
    Closing,
}

/// The phase of a connection. It changes only while the connection is polled.
#[derive(Debug)]
pub(super) struct Progress {
    state: Mutex<State>,
    /// Wakes the connection, to make room.
    pub(super) wanted: Notify,
}

#[derive(Debug, Clone, Copy)]
struct State {
    phase: Phase,
    since: Instant,
    /// There was a request.
    used: bool,
    /// Its place was asked for.
    asked: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        let state = State { phase: Phase::Idle, since: Instant::now(), used: false, asked: false };
        Self { state: Mutex::new(state), wanted: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn phase(&self) -> Phase {
        self.state().phase
    }

    /// Whether it changed: it does so only from a phase that is given.
    fn go(&self, from: Option<Phase>, to: Phase) -> bool {
        let mut state = self.state();
        let goes = from.is_none_or(|from| from == state.phase);
        if goes {
            *state = State { phase: to, since: Instant::now(), asked: false, ..*state };
        }
        goes
    }

    /// Bytes have come.
    pub(super) fn received(&self) {
        self.go(Some(Phase::Idle), Phase::Head);
    }

    /// The routes have a request.
    pub(super) fn requested(&self) {
        self.go(None, Phase::Answering);
        self.state().used = true;
    }

    /// The routes have an answer.
    pub(super) fn answered(&self) {
        self.go(Some(Phase::Answering), Phase::Sending { whole: false });
    }

    /// The last piece of the answer is about to be written.
    pub(super) fn all_given(&self) {
        let mut state = self.state();
        if state.phase == (Phase::Sending { whole: false }) {
            state.phase = Phase::Sending { whole: true };
        }
    }

    /// All that was given is written; whether that was the end of an answer.
    pub(super) fn flushed(&self) -> bool {
        self.go(Some(Phase::Sending { whole: true }), Phase::Idle)
    }

    pub(super) fn closing(&self) {
        self.go(None, Phase::Closing);
    }

    /// When the client will have taken too long.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let state = self.state();
        let time = match state.phase {
            Phase::Idle if state.used => limits.idle_time,
            Phase::Idle | Phase::Head | Phase::Sending { .. } => limits.request_time,
            Phase::Answering | Phase::Closing => return None,
        };
        // Beyond what a clock can tell, there is no deadline.
        state.since.checked_add(time)
    }

    /// Whether it may be closed for another connection, and how soon: those without a request so far first, then the ones that
    /// have been idle for longest.
    pub(super) fn rank(&self) -> Option<(bool, Instant)> {
        let state = self.state();
        let idle = state.phase == Phase::Idle && !state.asked && state.since.elapsed() >= IDLE_FOR;
        idle.then_some((state.used, state.since))
    }

    /// Asks the connection to close if it is idle.
    pub(super) fn ask_for_place(&self) {
        self.state().asked = true;
        self.wanted.notify_one();
    }
}
