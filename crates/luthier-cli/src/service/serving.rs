//! Accepting connections, and stopping.

use std::collections::HashMap;
use std::future::Future;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::connection::{self, Shared};
use super::metrics::Metrics;
use super::progress::Progress;

/// How often a connection that waits for a place looks for one that has become idle.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a connection takes to close, at most as a rule.
const SOON: Duration = Duration::from_millis(1);

/// What the service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Serving,
    /// It finishes what is being answered.
    Stopping,
    Ended,
}

/// How serving came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// After the answers that were under way, or after the time for them.
    Stopped,
    /// Before, because it was asked to stop a second time.
    Interrupted,
}

/// The connections that are open.
#[derive(Debug, Clone)]
struct Connections {
    places: Arc<Semaphore>,
    open: Arc<Mutex<HashMap<u64, Arc<Progress>>>>,
}

/// Serves until `stop`; then finishes what is being answered, until `stop_now` or until the time for it is over.
pub(super) async fn run(
    listener: TcpListener,
    shared: impl FnOnce(watch::Receiver<Stage>) -> Shared,
    stop: impl Future<Output = ()>,
    stop_now: impl Future<Output = ()>,
) -> Outcome {
    let (stage, told) = watch::channel(Stage::Serving);
    let shared = shared(told);
    let limit = shared.limits.connections;
    let connections = Connections { places: Arc::new(Semaphore::new(limit)), open: Arc::default() };
    tokio::select! {
        () = connections.accept(&listener, &shared) => {}
        () = stop => {}
    }
    drop(listener);
    stage.send_replace(Stage::Stopping);
    let outcome = tokio::select! {
        _ = connections.places.acquire_many(u32::try_from(limit).unwrap_or(u32::MAX)) => Outcome::Stopped,
        () = sleep(shared.limits.stop_time) => Outcome::Stopped,
        () = stop_now => Outcome::Interrupted,
    };
    stage.send_replace(Stage::Ended);
    outcome
}

impl Connections {
    /// Never ends.
    async fn accept(&self, listener: &TcpListener, shared: &Shared) {
        for number in 0.. {
            let stream = self.next(listener).await;
            let place = self.place().await;
            self.spawn(number, stream, place, shared.clone());
        }
    }

    async fn next(&self, listener: &TcpListener) -> TcpStream {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return stream,
                // The client has gone already.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted
                            | ErrorKind::ConnectionReset
                            | ErrorKind::ConnectionRefused
                    ) => {}
                // The rest of the process has taken the descriptors that were left.
                Err(_) => sleep(if self.make_room() { SOON } else { LOOK_AGAIN }).await,
            }
        }
    }

    async fn place(&self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                return place;
            }
            self.make_room();
            if let Ok(Ok(place)) = timeout(LOOK_AGAIN, Arc::clone(&self.places).acquire_owned()).await {
                return place;
            }
        }
    }

    /// Asks the connection that needs its place least to close; whether there is one that is idle.
    fn make_room(&self) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = open.values().filter_map(|progress| Some((progress.rank()?, progress)));
        let least = idle.min_by_key(|(rank, _)| *rank);
        least.inspect(|(_, progress)| progress.ask_for_place()).is_some()
    }

    fn spawn(&self, number: u64, stream: TcpStream, place: OwnedSemaphorePermit, shared: Shared) {
        let progress = Arc::new(Progress::new());
        let open = Arc::clone(&self.open);
        open.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::clone(&progress));
        shared.metrics.opened();
        let entry = Entry { number, open, metrics: Arc::clone(&shared.metrics), _place: place };
        tokio::spawn(async move {
            let _entry = entry;
            connection::serve(stream, progress, shared).await;
        });
    }
}

/// A connection among those that are open, until it is dropped.
struct Entry {
    number: u64,
    open: Arc<Mutex<HashMap<u64, Arc<Progress>>>>,
    metrics: Arc<Metrics>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
        self.metrics.closed();
    }
}
