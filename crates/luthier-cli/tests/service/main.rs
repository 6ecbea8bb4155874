//! The service over a real socket.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod errors;
mod harness;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod stopping;
