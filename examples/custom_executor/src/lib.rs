//! An executor from outside of Luthier, on luthier-tune alone: `acme.crew`.
//!
//! `crew` is the executor: it decides when a task goes out and hands results on. `worker` is what any program
//! with a work queue has: threads that wait for something to do.
//!
//! `program/` makes it a command: `cargo run -p acme-executor-cli -- tune examples/custom_executor/crew.toml`.

mod crew;
mod worker;

pub use crew::Crew;
