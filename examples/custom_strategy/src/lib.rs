//! A strategy outside Luthier, `acme.one_at_a_time`; the crate depends on luthier-tune alone.
//!
//! `program/` is a `luthier` with it: `cargo run -p acme-strategy-cli -- tune examples/custom_strategy/one_at_a_time.toml`.

mod one_at_a_time;

pub use one_at_a_time::OneAtATime;
