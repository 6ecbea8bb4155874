//! What happened when and where.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::unit_key::UnitKey;

/// What an [`Event`] records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Declared summaries were computed for several units.
    Summarise,
    /// A unit ran: it fitted a group of stages and, at the last level, evaluated.
    Unit,
    /// The best candidate was fitted on all rows.
    Refit,
}

/// A piece of work: what was done, for which fold and candidates, on which thread, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What kind of work.
    pub kind: EventKind,
    /// The stage that was fitted, or `"rows"` for a pass over them.
    pub stage: String,
    /// Number of the unit within its level.
    pub unit: Option<usize>,
    /// The name of the unit, which is the same in another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<UnitKey>,
    /// The fold it was for; `None` where it was for all of them.
    pub fold: Option<u32>,
    /// The candidates it was for.
    pub candidates: Vec<usize>,
    /// Number of the worker thread, from 0 in order of appearance.
    pub worker: usize,
    /// Seconds since the search started.
    pub start: f64,
    /// Seconds since the search started.
    pub end: f64,
}

/// Gives times since the start of a search, and numbers to threads.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    workers: Mutex<Vec<ThreadId>>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), workers: Mutex::new(vec![thread::current().id()]) }
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    pub(crate) fn worker(&self) -> usize {
        let id = thread::current().id();
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.iter().position(|&other| other == id).unwrap_or_else(|| {
            workers.push(id);
            workers.len() - 1
        })
    }
}

/// The largest number of units that were in flight at one time.
pub fn units_in_flight(events: &[Event]) -> usize {
    let mut edges: Vec<(f64, i64)> = events
        .iter()
        .filter(|event| event.kind == EventKind::Unit)
        .flat_map(|event| [(event.start, 1), (event.end, -1)])
        .collect();
    // One that ends as another starts is not beside it.
    edges.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (mut now, mut most) = (0i64, 0i64);
    for (_, step) in edges {
        now += step;
        most = most.max(now);
    }
    usize::try_from(most).unwrap_or(0)
}
