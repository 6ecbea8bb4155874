//! What the service costs, in a process in which nothing else happens.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "service/harness.rs"]
mod harness;

use serde_json::json;

use harness::{Client, model, start};

/// Megabytes that the process holds.
fn resident() -> f64 {
    let pages: f64 =
        std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0 / 1e6
}

#[test]
fn ten_thousand_requests_cost_no_memory() {
    let mut client = Client::new(start(&model()));
    let mut ask = |i: usize| {
        let row: Vec<f64> = (0..6).map(|j| (i * j) as f64 * 1e-3).collect();
        assert_eq!(client.send("POST", "/predict", &json!({"features": row}).to_string()).0, 200);
    };
    (0..1_000).for_each(&mut ask);
    let before = resident();
    (0..10_000).for_each(&mut ask);
    let grown = resident() - before;
    assert!(grown < 2.0, "{grown} MB more after 10,000 requests");
}
