//! Spans of the crate `tracing`.

use crate::events::EventKind;
use crate::search::Search;
use crate::unit_key::UnitKey;

/// The span of a search, within which its work has spans of its own. Without the feature `tracing` there are none.
#[derive(Debug, Clone)]
pub(crate) struct Spans {
    #[cfg(feature = "tracing")]
    search: tracing::Span,
}

/// What a span is about.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "only spans tell it"))]
pub(crate) struct About<'a> {
    pub(crate) kind: EventKind,
    pub(crate) stage: &'a str,
    pub(crate) unit: Option<&'a UnitKey>,
    pub(crate) round: Option<u32>,
    pub(crate) candidates: &'a [usize],
}

#[cfg(feature = "tracing")]
impl Spans {
    pub(crate) fn of(search: &Search) -> Self {
        let (metric, strategy) = (search.metric(), search.strategy_name());
        Self { search: tracing::info_span!("search", metric, strategy) }
    }

    /// Works within a span.
    pub(crate) fn within<T>(&self, about: About<'_>, work: impl FnOnce() -> T) -> T {
        let About { kind, stage, unit, round, candidates } = about;
        let (unit, candidates) = (unit.map(tracing::field::display), tracing::field::debug(candidates));
        let parent = &self.search;
        let span = match kind {
            EventKind::Unit => tracing::info_span!(parent: parent, "unit", stage, unit, round, candidates),
            EventKind::Summarise => {
                tracing::info_span!(parent: parent, "pass", stage, unit, round, candidates)
            }
            EventKind::Refit => tracing::info_span!(parent: parent, "refit", stage, unit, round, candidates),
        };
        span.in_scope(work)
    }
}

#[cfg(not(feature = "tracing"))]
impl Spans {
    pub(crate) fn of(_: &Search) -> Self {
        Self {}
    }

    pub(crate) fn within<T>(&self, _: About<'_>, work: impl FnOnce() -> T) -> T {
        work()
    }
}
