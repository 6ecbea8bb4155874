//! An executor outside Luthier, `acme.crew`; the crate depends on luthier-tune alone.
//!
//! `crew` is the executor: it decides when a task is sent and reports results. `worker` has the threads that wait for work.
//!
//! `program/` is a `luthier` with it: `cargo run -p acme-executor-cli -- tune examples/custom_executor/crew.toml`.

mod crew;
mod worker;

pub use crew::Crew;
