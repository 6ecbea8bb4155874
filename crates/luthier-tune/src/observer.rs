//! What a search tells while it runs.

use std::fmt::{self, Debug};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use luthier_core::catch_panic;
use serde::Serialize;

use crate::events::Event;
use crate::named::type_in_words;
use crate::plan::{Forecast, Plan};
use crate::result::Outcome;
use crate::unit_key::UnitKey;
use crate::watch::Watched;

/// Something that happened in a running search, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SearchEvent {
    /// Everything is checked, and nothing is fitted yet.
    Planned {
        /// The number of candidates that are known before the search starts.
        candidates: usize,
        /// The number of rounds, including those of nested cross-validation.
        rounds: usize,
        /// What the search is expected to take.
        forecast: Forecast,
        /// What [`Search::plan`](crate::Search::plan) returns, without the price of scoring the procedure. It is not written.
        #[serde(skip)]
        plan: Arc<Plan>,
    },
    /// What is to be known of the journal that was opened.
    Journal {
        /// Lines that are damaged, and cells of other searches.
        remarks: Vec<String>,
    },
    /// Scores were found in the journal: they are not computed again.
    Recalled {
        /// The number of pairs of a candidate and a round.
        cells: usize,
    },
    /// The strategy asks for more scores.
    Proposed {
        /// The number of candidates that it asks for.
        candidates: usize,
        /// The number of units that have to run for them.
        units: usize,
    },
    /// Rows are being read. This is told at most ten times a second.
    Rows {
        /// The number of rows that were read since the search started.
        read: u64,
    },
    /// Rows were read for the summaries of several units.
    Pass(Event),
    /// A unit starts, on the thread that runs it. Units in other processes do not tell this.
    UnitStarted {
        /// The unit.
        key: UnitKey,
        /// The number of the worker.
        worker: usize,
        /// Seconds since the search started.
        start: f64,
    },
    /// A unit has finished.
    UnitFinished {
        /// What ran, where and when.
        unit: Event,
        /// The scores of its candidates: none but for a unit of the last stage.
        scores: Vec<UnitScore>,
        /// The number of finished units.
        done: usize,
        /// The number of units that are known by now.
        total: usize,
        /// The best candidate so far.
        best: Option<BestSoFar>,
    },
    /// The strategy gives up candidates: it does not want their scores on the remaining rounds.
    Pruned {
        /// The candidates.
        candidates: Vec<usize>,
    },
    /// The best candidate was fitted on all rows.
    Refit(Event),
    /// The search has ended.
    Finished {
        /// The number of seconds that it took.
        seconds: f64,
    },
}

/// The ranking metric of a candidate on a round.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UnitScore {
    /// The position of the candidate.
    pub candidate: usize,
    /// The number of the round.
    pub round: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The ranking metric; NaN if it is undefined or the candidate failed.
    pub metric: f64,
}

/// The candidate that is best so far: of those that are scored on the most rounds, the one with the best mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BestSoFar {
    /// The position of the candidate.
    pub candidate: usize,
    /// Its mean metric.
    pub mean: f64,
    /// The number of rounds that the mean is over.
    pub rounds: usize,
}

/// Follows a search while it runs: progress, logs, plots.
///
/// It is called from the threads that run units, so it should return soon. If it panics, the search goes on, it is not called
/// again, and a note of the result says so.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use luthier_tune::{Observer, SearchEvent};
///
/// /// Counts the units that have finished.
/// #[derive(Debug, Default)]
/// struct Finished(AtomicUsize);
///
/// impl Observer for Finished {
///     fn on_event(&self, event: &SearchEvent) {
///         if let SearchEvent::UnitFinished { .. } = event {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait Observer: Debug + Send + Sync + 'static {
    /// Something happened.
    fn on_event(&self, event: &SearchEvent);
}

/// An observer that is a function.
pub(crate) struct OnEvent<F>(pub(crate) F);

impl<F> fmt::Debug for OnEvent<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("on_event")
    }
}

impl<F: Fn(&SearchEvent) + Send + Sync + 'static> Observer for OnEvent<F> {
    fn on_event(&self, event: &SearchEvent) {
        self.0(event);
    }
}

/// The observers of a search. Nothing is built for them if there are none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observers {
    all: Vec<Arc<Listener>>,
    watched: Watched,
}

/// An observer, and whether it has panicked.
#[derive(Debug)]
struct Listener {
    observer: Arc<dyn Observer>,
    has_panicked: AtomicBool,
    message: Mutex<Option<String>>,
}

impl Observers {
    pub(crate) fn add(&mut self, observer: Arc<dyn Observer>) {
        self.all.push(Arc::new(Listener {
            observer,
            has_panicked: AtomicBool::new(false),
            message: Mutex::default(),
        }));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The same observers for another search.
    pub(crate) fn afresh(&self, watched: &Watched) -> Self {
        let mut fresh = Self { all: Vec::new(), watched: watched.clone() };
        self.all.iter().for_each(|listener| fresh.add(Arc::clone(&listener.observer)));
        fresh
    }

    pub(crate) fn tell(&self, event: impl FnOnce() -> SearchEvent) {
        if self.is_empty() {
            return;
        }
        let event = event();
        for listener in self.all.iter().filter(|listener| !listener.has_panicked.load(Relaxed)) {
            let name = type_in_words(listener.observer.as_ref());
            let told = self.watched.calling(format_args!("the observer {name}"), || {
                catch_panic(&name, || {
                    listener.observer.on_event(&event);
                    Ok(())
                })
            });
            if let Err(error) = told {
                listener.has_panicked.store(true, Relaxed);
                let mut message = listener.message.lock().unwrap_or_else(PoisonError::into_inner);
                message.get_or_insert_with(|| format!("the observer {name} was not told further: {error}"));
            }
        }
    }

    /// What became of observers that panicked.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let message = |listener: &Arc<Listener>| {
            listener.message.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        self.all.iter().filter_map(message).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Panics;

    impl Observer for Panics {
        fn on_event(&self, _: &SearchEvent) {
            panic!("no pencil");
        }
    }

    #[derive(Debug, Default)]
    struct Counts(Mutex<usize>);

    impl Observer for Counts {
        fn on_event(&self, _: &SearchEvent) {
            *self.0.lock().unwrap() += 1;
        }
    }

    #[test]
    fn an_observer_that_panics_is_not_called_again_and_others_are() {
        let counts = Arc::new(Counts::default());
        let mut observers = Observers::default();
        observers.add(Arc::new(Panics));
        observers.add(Arc::clone(&counts) as Arc<dyn Observer>);
        (0..3).for_each(|_| observers.tell(|| SearchEvent::Finished { seconds: 1.0 }));
        assert_eq!(*counts.0.lock().unwrap(), 3);
        let complaints = observers.complaints();
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].contains("`Panics`") && complaints[0].contains("no pencil"), "{complaints:?}");
        assert!(observers.afresh(&Watched::default()).complaints().is_empty());
    }

    #[test]
    fn nothing_is_built_for_nobody() {
        Observers::default().tell(|| unreachable!());
    }
}
