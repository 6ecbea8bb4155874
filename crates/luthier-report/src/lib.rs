//! What a search did and found: tables and timelines as text, and a report as one HTML file.
//!
//! - [`leaderboard`] lists candidates from best to worst; [`timeline`] draws what ran on which worker and when, one bar per
//!   unit, as text.
//! - [`Report`] makes a page with the answer in sentences, the leaderboard, plots of the scores, the event timeline and whatever else
//!   it is given. The page is one file without any reference to another, and its content security policy allows none.
//! - [`Progress`] shows a search while it runs, and [`EventLines`] writes what happens as lines of JSON.
//! - With the feature `pictures`, `pictures` draws each plot of a report as SVG, without a browser.
//! - [`trace`] gives the events in the format of Perfetto and Chrome.
//!
//! The plots are drawn by [ECharts](https://echarts.apache.org), which is part of every page. A page holds its data as a JSON document
//! ([`Report::document_of`]).
//!
//! ```
//! use luthier_report::{Align, table};
//!
//! let text = table(&[("k", Align::Right), ("rmse", Align::Right)], &[vec!["2".into(), "57.25".into()]]);
//! assert_eq!(text, "k   rmse\n-  -----\n2  57.25\n");
//! ```

mod event_lines;
mod leaderboard;
mod page;
#[cfg(feature = "pictures")]
mod pictures;
mod progress;
mod report;
mod timeline;
mod trace;
mod workers;

pub use event_lines::EventLines;
pub use leaderboard::{leaderboard, leaderboard_within};
pub use luthier_tune::core::frame::{Align, table, table_within};
#[cfg(feature = "pictures")]
pub use pictures::{Picture, PictureOptions, pictures};
pub use progress::Progress;
pub use report::{DataFile, Machine, PredictionColumns, Repeat, Report};
pub use timeline::timeline;
pub use trace::trace;
