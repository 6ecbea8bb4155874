//! Result tables and event timelines of a search, as text.
//!
//! [`leaderboard`] lists candidates from best to worst; [`timeline`] draws what ran on which worker and when, one
//! bar per unit. There are no plots and no HTML yet.
//!
//! ```
//! use luthier_report::{Align, table};
//!
//! let text = table(&[("k", Align::Right), ("rmse", Align::Right)], &[vec!["2".into(), "57.25".into()]]);
//! assert_eq!(text, "k   rmse\n-  -----\n2  57.25\n");
//! ```

mod leaderboard;
mod timeline;

pub use leaderboard::leaderboard;
pub use luthier_tune::core::frame::{Align, table, table_within};
pub use timeline::timeline;
