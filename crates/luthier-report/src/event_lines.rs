//! Events as lines of JSON.

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use luthier_tune::core::json;
use luthier_tune::{Observer, SearchEvent};

/// Writes each event of a search as a line of JSON, as it happens: an object whose `event` names its kind, such as
/// `unit_finished`, with the fields of [`SearchEvent`]. Floats that are not finite are the strings `"NaN"`, `"Inf"` and `"-Inf"`.
///
/// ```
/// use luthier_report::EventLines;
/// use luthier_tune::{Observer, SearchEvent};
///
/// let lines = EventLines::new(Vec::new());
/// lines.on_event(&SearchEvent::Finished { seconds: 1.5 });
/// assert_eq!(lines.into_inner(), b"{\"event\":\"finished\",\"seconds\":1.5}\n");
/// ```
pub struct EventLines<W>(Mutex<W>);

impl<W: Write + Send + 'static> EventLines<W> {
    /// Writes to `writer`. What cannot be written is lost; the search goes on.
    pub fn new(writer: W) -> Self {
        Self(Mutex::new(writer))
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> fmt::Debug for EventLines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventLines")
    }
}

impl<W: Write + Send + 'static> Observer for EventLines<W> {
    fn on_event(&self, event: &SearchEvent) {
        if let Ok(event) = json::to_value(event) {
            let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // A reader that went away, as `head` does, is no reason to end the search.
            let _ = writeln!(writer, "{event}");
        }
    }
}
