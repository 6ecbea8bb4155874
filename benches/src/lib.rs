//! What the benchmarks share: data, workloads, the machine's floor, and the peer process that
//! `benches/peers/run.py` talks to.

pub mod classify;
pub mod data;
pub mod floor;
pub mod hold_out;
pub mod memory;
pub mod peer;
pub mod spin;
pub mod workload;
