//! Descriptions of fitted stages, and notes.

mod description;
mod note;

pub use description::{AxisLabels, Description, Matrix, Vector};
pub use note::{Note, NoteKind};
