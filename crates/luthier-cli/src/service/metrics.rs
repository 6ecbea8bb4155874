//! What the service counts, in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;

/// The content type of [`Metrics::render`].
pub(super) const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The path under which requests are counted whose path is unknown or was never read.
pub(super) const OTHER: &str = "other";

/// The upper bounds of the histogram of seconds.
const BOUNDS: [f64; 9] = [0.0001, 0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 30.0];

/// Why the service closed a connection before its client did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cut {
    /// It was idle, and another one needed its place.
    MadeRoom,
    /// It was idle for longer than it may.
    Idle,
    /// The head of a request took longer than it may.
    SlowRequest,
    /// The client did not take its answer in time.
    SlowReader,
    /// The service ended.
    Stopped,
}

impl Cut {
    fn label(self) -> &'static str {
        match self {
            Self::MadeRoom => "made_room",
            Self::Idle => "idle",
            Self::SlowRequest => "slow_request",
            Self::SlowReader => "slow_reader",
            Self::Stopped => "stopped",
        }
    }
}

/// The state of things at the moment that metrics are asked for.
#[derive(Debug)]
pub(super) struct Now {
    pub(super) running: usize,
    pub(super) waiting: usize,
}

#[derive(Debug)]
pub(super) struct Metrics {
    started: Instant,
    answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
    cut: Mutex<BTreeMap<Cut, u64>>,
    rows: AtomicU64,
    seconds: Mutex<Seconds>,
    accepted: AtomicU64,
    open: AtomicU64,
}

#[derive(Debug, Default)]
struct Seconds {
    /// The number of times up to each bound that are above the bound before.
    within: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            answers: Mutex::default(),
            cut: Mutex::default(),
            rows: AtomicU64::new(0),
            seconds: Mutex::default(),
            accepted: AtomicU64::new(0),
            open: AtomicU64::new(0),
        }
    }

    pub(super) fn answered(&self, path: &'static str, status: StatusCode) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry((path, status.as_u16())).or_default() += 1;
    }

    pub(super) fn predicted(&self, rows: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// A computation has taken this long.
    pub(super) fn took(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let mut all = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        all.count += 1;
        all.sum += seconds;
        if let Some((within, _)) = all.within.iter_mut().zip(BOUNDS).find(|(_, bound)| seconds <= *bound) {
            *within += 1;
        }
    }

    pub(super) fn opened(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// The service closes a connection before its client does.
    pub(super) fn cut(&self, why: Cut) {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner).entry(why).or_default() += 1;
    }

    pub(super) fn render(&self, now: &Now) -> String {
        let mut text = Text::default();
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed) as f64;

        text.about("luthier_requests_total", "counter", "Requests that were answered, by path and status.");
        for ((path, status), count) in &*self.answers.lock().unwrap_or_else(PoisonError::into_inner) {
            let labels = format!("{{path=\"{path}\",status=\"{status}\"}}");
            text.sample("luthier_requests_total", &labels, *count as f64);
        }
        text.one(
            "luthier_rows_predicted_total",
            "counter",
            "Rows of the predictions that were computed.",
            load(&self.rows),
        );

        let name = "luthier_prediction_seconds";
        text.about(name, "histogram", "Time to read the rows of a request and to compute their predictions.");
        let seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut so_far = 0;
        for (bound, within) in BOUNDS.iter().zip(seconds.within) {
            so_far += within;
            text.sample(&format!("{name}_bucket"), &format!("{{le=\"{bound}\"}}"), so_far as f64);
        }
        text.sample(&format!("{name}_bucket"), "{le=\"+Inf\"}", seconds.count as f64);
        text.sample(&format!("{name}_sum"), "", seconds.sum);
        text.sample(&format!("{name}_count"), "", seconds.count as f64);
        drop(seconds);

        let running = "Predictions that are being computed.";
        text.one("luthier_predictions_running", "gauge", running, now.running as f64);
        let waiting = "Requests that wait for their prediction to begin.";
        text.one("luthier_predictions_waiting", "gauge", waiting, now.waiting as f64);
        text.one("luthier_connections_open", "gauge", "Connections that are open.", load(&self.open));
        text.one(
            "luthier_connections_total",
            "counter",
            "Connections that were accepted.",
            load(&self.accepted),
        );
        let name = "luthier_connections_cut_total";
        text.about(
            name,
            "counter",
            "Connections that the service closed before their client did, by reason.",
        );
        for (why, count) in &*self.cut.lock().unwrap_or_else(PoisonError::into_inner) {
            text.sample(name, &format!("{{reason=\"{}\"}}", why.label()), *count as f64);
        }
        let up = self.started.elapsed().as_secs_f64();
        text.one("luthier_uptime_seconds", "gauge", "Time since the service was made.", up);
        text.0
    }
}

/// Lines of the text format.
#[derive(Debug, Default)]
struct Text(String);

impl Text {
    fn about(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: f64) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.about(name, kind, help);
        self.sample(name, "", value);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Metrics, Now};

    #[test]
    fn buckets_count_all_times_up_to_their_bound() {
        let metrics = Metrics::new();
        for seconds in [0.00005, 0.003, 0.005, 0.3, 99.0] {
            metrics.took(Duration::from_secs_f64(seconds));
        }
        let text = metrics.render(&Now { running: 0, waiting: 0 });
        for (bound, count) in
            [("0.0001", 1), ("0.001", 1), ("0.005", 3), ("0.1", 3), ("0.5", 4), ("30", 4), ("+Inf", 5)]
        {
            let line = format!("luthier_prediction_seconds_bucket{{le=\"{bound}\"}} {count}\n");
            assert!(text.contains(&line), "no {line} in {text}");
        }
        assert!(text.contains("luthier_prediction_seconds_count 5\n"), "{text}");
    }
}
