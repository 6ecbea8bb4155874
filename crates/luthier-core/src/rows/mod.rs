//! Some rows on their way through fitted stages.
//!
//! A batch is a list of columns, each in its place ([`Batch`]). A stage sees those that it reads as a [`Tile`] and writes
//! its own into [`Outputs`]; what surrounds it is done here, for frames, views and single rows alike: columns are looked
//! up once ([`Chain`]), nulls are refused, outputs are checked and appended, rows that are left out go.

mod chain;
mod held;
mod origin;
mod outputs;
mod stage;
mod tile;

pub(crate) use chain::{Chain, Places, through_frame};
pub(crate) use held::{Batch, Held};
pub(crate) use origin::Origin;
pub use outputs::Outputs;
pub(crate) use stage::{BoundStage, Signature};
pub(crate) use tile::{Picked, Positioned, View};
pub use tile::{SparseTile, Tile};
