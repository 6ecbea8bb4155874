//! Predictions, which keep a core busy, beside the threads that serve connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::limits::Limits;
use super::refusal::Refusal;

/// Runs a few computations at a time and lets a few more wait.
#[derive(Debug)]
pub(super) struct Workers {
    limit: usize,
    waiting: usize,
    /// For computations that run or wait.
    places: Arc<Semaphore>,
    /// For computations that run.
    cores: Arc<Semaphore>,
    time: Duration,
}

impl Workers {
    pub(super) fn new(limits: &Limits) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        let (limit, waiting) = (limits.predictions, limits.waiting);
        Self {
            limit,
            waiting,
            places: semaphore(limit.saturating_add(waiting)),
            cores: semaphore(limit),
            time: limits.predict_time,
        }
    }

    /// Computes something on a thread of its own, once it is its turn. The work is told when nobody waits for it any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&AtomicBool) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Refusal::busy(format!("{} predictions are waiting already; try again", self.waiting))
        })?;
        let waiter = Waiter::default();
        let given_up = Arc::clone(&waiter.gone);
        let turn = async {
            let core = Arc::clone(&self.cores).acquire_owned().await;
            // What has begun keeps its core until it ends.
            tokio::task::spawn_blocking(move || {
                let _held = (core, place);
                work(&given_up)
            })
            .await
        };
        match timeout(self.time, turn).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) => Err(Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the prediction panicked; this is a defect of the service or of the model",
            )),
            Err(_) => Err(Refusal::busy(format!(
                "the prediction was not there within {} s; try again, or send fewer rows at a time",
                self.time.as_secs_f64()
            ))),
        }
    }

    /// How many computations run, and how many wait.
    pub(super) fn load(&self) -> (usize, usize) {
        let running = self.limit.saturating_sub(self.cores.available_permits());
        let free = self.places.available_permits();
        let all = self.limit.saturating_add(self.waiting).min(Semaphore::MAX_PERMITS).saturating_sub(free);
        (running, all.saturating_sub(running))
    }
}

/// Who waits for a computation, until it is dropped.
#[derive(Debug, Default)]
struct Waiter {
    gone: Arc<AtomicBool>,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}
