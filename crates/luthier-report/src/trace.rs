//! Events in the format of trace viewers.

use std::collections::BTreeMap;

use luthier_tune::{Event, EventKind, SearchResult};
use serde_json::{Value, json};

use crate::report::microseconds;
use crate::workers::Workers;

/// The events of a search as a trace that Perfetto and Chrome open: complete events (`X`) of the
/// [Trace Event Format](https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU), with times in microseconds.
///
/// Each worker is a thread with what it did. On a thread of its own is the whole search, with its phases within it, whose durations
/// add up to its time: `summaries`, `units`, `refit`, and `other` for checks, plans and tables.
#[must_use]
pub fn trace(result: &SearchResult) -> Value {
    let name = |kind: &str, tid: usize, text: &str| json!({"ph": "M", "name": kind, "pid": 0, "tid": tid, "args": {"name": text}});
    let complete = |what: &str, category: &str, start: u64, end: u64, args: Value| {
        let duration = end.saturating_sub(start);
        json!({"ph": "X", "name": what, "cat": category, "pid": 0, "tid": 0, "ts": start, "dur": duration, "args": args})
    };
    let workers = Workers::of(&result.events);
    let mut events = vec![name("process_name", 0, "luthier"), name("thread_name", 0, "search")];
    events.extend(workers.names().enumerate().map(|(place, worker)| name("thread_name", place + 1, &worker)));
    let last = result.events.iter().map(|event| microseconds(event.end)).max().unwrap_or(0);
    let end = microseconds(result.search_seconds).max(last);
    let about =
        json!({"metric": result.metric, "strategy": result.strategy, "candidates": result.candidates.len()});
    events.push(complete("search", "search", 0, end, about));
    let phases = phases(&result.events, end);
    events.extend(
        phases.into_iter().map(|(phase, start, end)| complete(phase, "phase", start, end, json!({}))),
    );
    events.extend(result.events.iter().map(|event| span(event, workers.place(event) + 1)));
    json!({"displayTimeUnit": "ms", "traceEvents": events})
}

/// What the search was doing from 0 to `end`, one phase after the other.
fn phases(events: &[Event], end: u64) -> Vec<(&'static str, u64, u64)> {
    // How many events of each kind begin and end at a time.
    let mut changes: BTreeMap<u64, [i64; 3]> = BTreeMap::from([(0, [0; 3]), (end, [0; 3])]);
    for event in events {
        let (start, end) = (microseconds(event.start), microseconds(event.end));
        changes.entry(start).or_default()[place(event.kind)] += 1;
        changes.entry(end).or_default()[place(event.kind)] -= 1;
    }
    let mut phases: Vec<(&'static str, u64, u64)> = Vec::new();
    let mut running = [0; 3];
    let times: Vec<u64> = changes.keys().copied().collect();
    for (change, pair) in changes.values().zip(times.windows(2)) {
        running.iter_mut().zip(change).for_each(|(running, change)| *running += change);
        let names = ["units", "summaries", "refit"];
        let first = running.iter().zip(names).find(|(running, _)| **running > 0);
        let phase = first.map_or("other", |(_, name)| name);
        match phases.last_mut() {
            Some((last, _, end)) if *last == phase => *end = pair[1],
            _ => phases.push((phase, pair[0], pair[1])),
        }
    }
    phases
}

fn place(kind: EventKind) -> usize {
    match kind {
        EventKind::Unit => 0,
        EventKind::Summarise => 1,
        EventKind::Refit => 2,
    }
}

fn span(event: &Event, tid: usize) -> Value {
    let (start, end) = (microseconds(event.start), microseconds(event.end));
    let category = match event.kind {
        EventKind::Unit => "unit",
        EventKind::Summarise => "pass",
        EventKind::Refit => "refit",
    };
    json!({
        "ph": "X", "name": event.stage, "cat": category, "pid": 0, "tid": tid,
        "ts": start, "dur": end.saturating_sub(start),
        "args": {
            "round": event.fold, "candidates": event.candidates,
            "unit": event.key.as_ref().map(ToString::to_string),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, worker: usize, start: f64, end: f64) -> Event {
        Event {
            kind,
            stage: "lr".to_owned(),
            unit: None,
            key: None,
            fold: Some(0),
            candidates: vec![0],
            worker,
            start,
            end,
        }
    }

    #[test]
    fn phases_follow_each_other_without_gaps() {
        let events = [
            event(EventKind::Summarise, 0, 0.001, 0.003),
            event(EventKind::Unit, 1, 0.004, 0.006),
            event(EventKind::Unit, 2, 0.005, 0.008),
            event(EventKind::Refit, 0, 0.0085, 0.009),
        ];
        let phases = phases(&events, 10_000);
        let expected = [
            ("other", 0, 1000),
            ("summaries", 1000, 3000),
            ("other", 3000, 4000),
            ("units", 4000, 8000),
            ("other", 8000, 8500),
            ("refit", 8500, 9000),
            ("other", 9000, 10_000),
        ];
        assert_eq!(phases, expected);
    }
}
