//! Machine-learning pipelines and their tuning.

pub use luthier_core as core;
pub use luthier_frame as frame;
pub use luthier_report as report;
pub use luthier_stages as stages;
pub use luthier_tune as tune;

pub mod guide;
pub mod prelude;
