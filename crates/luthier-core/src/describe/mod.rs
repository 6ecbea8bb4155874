//! What a fitted stage has to say about itself.

mod description;
mod note;

pub use description::{AxisLabels, Description, Matrix, Vector};
pub use note::{Note, NoteKind};
