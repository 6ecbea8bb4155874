//! What ran where and when, column by column.

use luthier_tune::{Event, EventKind};
use serde::Serialize;

use crate::workers::Workers;

/// Events, with times in microseconds since the search started.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Events {
    stages: Vec<String>,
    kinds: [&'static str; 3],
    workers: Vec<String>,
    kind: Vec<usize>,
    stage: Vec<usize>,
    /// -1 where an event is for all rounds.
    round: Vec<i64>,
    worker: Vec<usize>,
    start: Vec<u64>,
    end: Vec<u64>,
    candidates: Vec<Members>,
    /// 1 if the work was for more than one candidate.
    shared: Vec<u8>,
}

/// The candidates of an event. Most events are for one, or for consecutive ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Members {
    Run { from: usize, to: usize },
    Listed(Vec<usize>),
}

impl Members {
    /// Those of these candidates that are in the report, which has this number of them.
    fn of(candidates: &[usize], number: usize) -> Self {
        let candidates: Vec<usize> =
            candidates.iter().copied().filter(|&candidate| candidate < number).collect();
        let is_run = candidates.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        match (&candidates[..], is_run) {
            ([from, .., to], true) => Self::Run { from: *from, to: *to },
            _ => Self::Listed(candidates),
        }
    }
}

impl Events {
    /// The events of a search with this number of candidates.
    pub(super) fn of(events: &[Event], candidates: usize) -> Self {
        let mut stages: Vec<String> = Vec::new();
        let mut stage_of = |name: &str| match stages.iter().position(|known| known == name) {
            Some(place) => place,
            None => {
                stages.push(name.to_owned());
                stages.len() - 1
            }
        };
        let stage = events.iter().map(|event| match event.kind {
            // The last fit is of all stages: it has a name of its own.
            EventKind::Refit => stage_of("refit"),
            _ => stage_of(&event.stage),
        });
        let stage = stage.collect();
        let workers = Workers::of(events);
        let kind = |event: &Event| match event.kind {
            EventKind::Unit => 0,
            EventKind::Summarise => 1,
            EventKind::Refit => 2,
        };
        Self {
            stage,
            stages,
            kinds: ["unit", "summarise", "refit"],
            workers: workers.names().collect(),
            kind: events.iter().map(kind).collect(),
            round: events.iter().map(|event| event.fold.map_or(-1, i64::from)).collect(),
            worker: events.iter().map(|event| workers.place(event)).collect(),
            start: events.iter().map(|event| microseconds(event.start)).collect(),
            end: events.iter().map(|event| microseconds(event.end)).collect(),
            candidates: events.iter().map(|event| Members::of(&event.candidates, candidates)).collect(),
            shared: events.iter().map(|event| u8::from(event.candidates.len() > 1)).collect(),
        }
    }
}

pub(crate) fn microseconds(seconds: f64) -> u64 {
    (seconds * 1e6).round().max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn any_numbers_of_workers_and_candidates_are_read() {
        let event = |worker, candidates: &[usize]| Event {
            kind: EventKind::Unit,
            stage: "lr".to_owned(),
            unit: None,
            key: None,
            fold: Some(0),
            candidates: candidates.to_vec(),
            worker,
            start: 0.0,
            end: 1.0,
        };
        let most = usize::MAX;
        let events = [event(most, &[0, 1, 2]), event(7, &[most, 2, 0]), event(most, &[most - 1, most])];
        let shown = serde_json::to_value(Events::of(&events, 3)).unwrap();
        assert_eq!(shown["workers"], json!(["worker 7", format!("worker {most}")]));
        assert_eq!(shown["worker"], json!([1, 0, 1]));
        assert_eq!(shown["candidates"], json!([{"from": 0, "to": 2}, [2, 0], []]));
        assert!(crate::timeline(&events, 16).contains(&format!("{}-{most}", most - 1)));
    }
}
