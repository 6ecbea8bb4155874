//! Events in the format of trace viewers.

use luthier_tune::{Event, EventKind, SearchResult};
use serde_json::{Value, json};

use crate::report::microseconds;

/// The events of a search as a trace that Perfetto and Chrome open: the
/// [Trace Event Format](https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU), complete events (`X`)
/// with times in microseconds. Each worker is a thread. The search is a span around all others, on a thread of its own.
#[must_use]
pub fn trace(result: &SearchResult) -> Value {
    let process = |name: &str, tid: usize, text: &str| json!({"ph": "M", "name": name, "pid": 0, "tid": tid, "args": {"name": text}});
    let workers = result.events.iter().map(|event| event.worker + 1).max().unwrap_or(0);
    let mut events = vec![process("process_name", 0, "luthier"), process("thread_name", 0, "search")];
    events.extend((0..workers).map(|worker| process("thread_name", worker + 1, &format!("worker {worker}"))));
    events.push(json!({
        "ph": "X", "name": "search", "cat": "search", "pid": 0, "tid": 0,
        "ts": 0, "dur": microseconds(result.search_seconds),
        "args": {"metric": result.metric, "strategy": result.strategy, "candidates": result.candidates.len()},
    }));
    events.extend(result.events.iter().map(span));
    json!({"displayTimeUnit": "ms", "traceEvents": events})
}

fn span(event: &Event) -> Value {
    let (start, end) = (microseconds(event.start), microseconds(event.end));
    let category = match event.kind {
        EventKind::Unit => "unit",
        EventKind::Summarise => "pass",
        EventKind::Refit => "refit",
    };
    json!({
        "ph": "X", "name": event.stage, "cat": category, "pid": 0, "tid": event.worker + 1,
        "ts": start, "dur": end.saturating_sub(start),
        "args": {
            "round": event.fold, "candidates": event.candidates,
            "unit": event.key.as_ref().map(ToString::to_string),
        },
    })
}
