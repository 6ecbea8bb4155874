//! A splitter outside Luthier, `acme.purged_k_fold`; the crate depends on luthier-tune alone.
//!
//! `program/` is a `luthier` with it: `cargo run -p acme-splitter-cli -- tune examples/custom_splitter/purged.toml`.

mod purged_k_fold;

pub use purged_k_fold::PurgedKFold;
