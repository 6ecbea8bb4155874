//! Spans of `tracing`: those of the events, within that of the search.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use luthier::prelude::*;
use luthier::tune::EventKind;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::data::scene;

/// The name of a span, and the number of the one that it is within.
type Span = (&'static str, Option<u64>);

/// All spans, and how often one was entered.
#[derive(Debug, Clone, Default)]
struct Spans {
    all: Arc<Mutex<Vec<Span>>>,
    entered: Arc<AtomicU64>,
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("luthier")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut all = self.all.lock().unwrap();
        all.push((span.metadata().name(), span.parent().map(Id::into_u64)));
        Id::from_u64(all.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn exit(&self, _: &Id) {}

    fn enter(&self, _: &Id) {
        self.entered.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn every_event_is_a_span_within_that_of_the_search() {
    let pca = Pca::new().input_col("features").output_col("components").k(2);
    let pipeline =
        Pipeline::new().stage("pca", pca).stage("lr", LinearRegression::new().features_col("components"));
    let grid = ParamGrid::new().add_by_name("pca.k", [1i64, 2]).add_by_name("lr.reg_param", [0.1, 1.0]);
    let search = CrossValidator::new(pipeline, grid, RegressionEvaluator::new());
    let spans = Spans::default();
    let data = scene(60, 3, 2);
    // As long as there is only one subscriber, a thread of another test that reaches a span first decides for all that nobody
    // listens.
    let _second = tracing::Dispatch::new(Spans::default());
    let tuned = tracing::subscriber::with_default(spans.clone(), || search.fit(&data).unwrap());
    let all = spans.all.lock().unwrap();
    let count = |name: &str| all.iter().filter(|(other, _)| *other == name).count();
    let events = |kind| tuned.result().events.iter().filter(|event| event.kind == kind).count();
    assert_eq!(count("search"), 1);
    assert!(events(EventKind::Unit) > 3 && events(EventKind::Summarise) > 0);
    assert_eq!(count("unit"), events(EventKind::Unit));
    assert_eq!(count("pass"), events(EventKind::Summarise));
    assert_eq!(count("refit"), 1);
    let search = all.iter().position(|(name, _)| *name == "search").unwrap() as u64 + 1;
    assert!(all.iter().filter(|(name, _)| *name != "search").all(|(_, parent)| *parent == Some(search)));
    assert_eq!(spans.entered.load(Ordering::Relaxed) as usize, all.len() - 1);
}
