//! What the service allows its clients.

use std::num::NonZero;
use std::time::Duration;

/// Descriptors left to the process for what is not a connection: the runtime, the socket that listens, files.
const RESERVE: usize = 16;

/// The most connections that are open at a time, however many descriptors there are.
const MOST_CONNECTIONS: usize = 4096;

/// The connections where the system does not tell how many descriptors there are; some allow only 256.
const SOME_CONNECTIONS: usize = 200;

/// What the service allows its clients. All limits have defaults.
///
/// ```
/// use std::time::Duration;
/// use luthier_cli::service::Limits;
///
/// let limits = Limits::default().max_body_bytes(10 << 20).max_request_time(Duration::from_secs(60));
/// # let _ = limits;
/// ```
#[derive(Debug, Clone)]
pub struct Limits {
    pub(super) connections: usize,
    pub(super) predictions: usize,
    pub(super) waiting: usize,
    pub(super) body_bytes: usize,
    pub(super) request_time: Duration,
    pub(super) idle_time: Duration,
    pub(super) predict_time: Duration,
    pub(super) stop_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: descriptors_left()
                .map_or(SOME_CONNECTIONS, |left| left.saturating_sub(RESERVE).clamp(1, MOST_CONNECTIONS)),
            predictions: std::thread::available_parallelism().map_or(1, NonZero::get),
            waiting: 1024,
            body_bytes: 2 << 20,
            request_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            predict_time: Duration::from_secs(30),
            stop_time: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The largest number of connections that are open at a time, at least 1. Others wait until one is closed; connections whose
    /// clients have been idle for a second are closed for them.
    ///
    /// The default is the number of file descriptors that the process may still open, without a reserve of 16, and at most
    /// 4,096; 200 where the system does not tell.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.connections = connections.clamp(1, u32::MAX as usize);
        self
    }

    /// The largest number of predictions that are computed at a time, at least 1. The default is the number of cores.
    pub fn max_predictions(mut self, predictions: usize) -> Self {
        self.predictions = predictions.max(1);
        self
    }

    /// The largest number of requests that wait for their prediction to begin. The default is 1,024: short predictions are
    /// waited for, and [`max_predict_time`](Self::max_predict_time) ends the wait for long ones.
    pub fn max_waiting(mut self, waiting: usize) -> Self {
        self.waiting = waiting;
        self
    }

    /// The largest body of a request, in bytes. The default is 2 MiB.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.body_bytes = bytes;
        self
    }

    /// The longest time that a client may take to send the head of a request, to send its body, and to take the answer: each
    /// of them as a whole, however steadily it goes on. The default is 10 seconds.
    pub fn max_request_time(mut self, time: Duration) -> Self {
        self.request_time = time;
        self
    }

    /// The longest time between two requests of a connection. The default is 75 seconds, more than proxies keep a connection
    /// by default.
    pub fn max_idle_time(mut self, time: Duration) -> Self {
        self.idle_time = time;
        self
    }

    /// The longest time from a whole request to its prediction, waiting included. The default is 30 seconds.
    ///
    /// A computation that takes longer, or whose client has gone, ends before the next 1,024 rows; until then it counts as one of
    /// [`max_predictions`](Self::max_predictions).
    pub fn max_predict_time(mut self, time: Duration) -> Self {
        self.predict_time = time;
        self
    }

    /// The longest time for requests that are being answered when the service is stopped. The default is 10 seconds.
    pub fn max_stop_time(mut self, time: Duration) -> Self {
        self.stop_time = time;
        self
    }
}

/// The file descriptors that the process may still open, where the system tells.
pub(crate) fn descriptors_left() -> Option<usize> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(soft_limit(&std::fs::read_to_string("/proc/self/limits").ok()?)?.saturating_sub(open))
}

fn soft_limit(limits: &str) -> Option<usize> {
    let soft =
        limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?;
    if soft == "unlimited" { Some(usize::MAX) } else { soft.parse().ok() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_soft_limit_is_read() {
        let limits = |soft: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            {soft:<20} 524288               files     \n"
            )
        };
        assert_eq!(super::soft_limit(&limits("1024")), Some(1024));
        assert_eq!(super::soft_limit(&limits("unlimited")), Some(usize::MAX));
        assert_eq!(super::soft_limit("Max cpu time unlimited unlimited seconds"), None);
    }
}
