//! The results of a search, or its events: read, and shown in every way.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use luthier::core::json;
use luthier::report::{Report, leaderboard, timeline, trace};
use luthier::tune::{Event, SearchResult};
use serde_json::Value;

static GOOD: LazyLock<SearchResult> = LazyLock::new(|| {
    let text = include_str!("../seeds/results/results.json");
    SearchResult::from_json(&serde_json::from_str(text).unwrap()).unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else { return };
    let result = match document.is_array() {
        true => json::from_value::<Vec<Event>>(&document)
            .map(|events| SearchResult { events, ..GOOD.clone() })
            .ok(),
        false => SearchResult::from_json(&document).ok(),
    };
    let Some(result) = result else { return };
    let _ = (leaderboard(&result, 10), timeline(&result.events, 80), trace(&result));
    let report = serde_json::to_value(Report::new(&result)).expect("a report is JSON");
    assert!(report.is_object());
    let again = result.to_json().expect("what was read can be written");
    assert_eq!(SearchResult::from_json(&again).is_ok(), true, "what was written can be read");
});
