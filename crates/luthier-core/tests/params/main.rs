//! The parameter system as its users see it.

#![allow(clippy::unwrap_used)]

mod compile_errors;
mod derive;
mod explain;
mod map;
mod messages;
mod model;
mod round_trip;
mod value;
