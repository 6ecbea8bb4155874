//! Passes rows through fitted stages.
//!
//! A batch is a list of columns in fixed positions ([`Batch`]). A stage sees the columns that it reads as a [`Tile`] and
//! writes its own columns to [`Outputs`]. Everything else is done here, in the same way for frames, views and single rows:
//! columns are looked up once ([`Chain`]), nulls are rejected, outputs are checked and appended, and dropped rows are
//! removed.

mod chain;
mod held;
mod origin;
mod outputs;
mod remarks;
mod stage;
mod tile;

pub(crate) use chain::{Chain, Places, through_frame};
pub(crate) use held::{Batch, Held};
pub(crate) use origin::Origin;
pub use outputs::Outputs;
pub(crate) use remarks::Watched;
pub use remarks::{OddCells, Remark, Remarks};
pub(crate) use stage::{BoundStage, Signature};
pub(crate) use tile::{Picked, Positioned, View};
pub use tile::{SparseTile, Tile};
