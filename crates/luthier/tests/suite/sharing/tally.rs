//! Properties that also say how often what they are about did happen.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use luthier::core::Work;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::shape::Shape;

/// What may happen in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happening {
    /// A summary or a metric was not precise enough, so that rows were read.
    Guarded,
    /// A regression took the triangular factor. With sharing off nothing is lifted and no metric comes from moments,
    /// so what is guarded there is a regression, and where its fit is not nearly perfect that is for its condition.
    Factor,
    /// Rows were read behind a stage that is not affine.
    Opaque,
    /// All metrics came from summaries.
    WithoutRows,
    /// Summaries were lifted through stages.
    Lifted,
    /// Memory was too short for one pass.
    Passes,
}

const ALL: [Happening; 6] = [
    Happening::Guarded,
    Happening::Factor,
    Happening::Opaque,
    Happening::WithoutRows,
    Happening::Lifted,
    Happening::Passes,
];

/// A fit that leaves less of the label than this may be looked at again although it is well-conditioned.
const NEARLY_PERFECT: f64 = 1e-2;

/// The number of cases in which something happened.
#[derive(Debug, Default)]
pub(super) struct Tally([AtomicU64; ALL.len()]);

impl Tally {
    pub(super) fn add(&self, what: Happening, happened: bool) {
        self.0[what as usize].fetch_add(u64::from(happened), Relaxed);
    }

    /// Counts what follows from the work with sharing and without.
    pub(super) fn count(&self, shape: &Shape, on: Work, off: Work) {
        self.add(Happening::Guarded, on.guarded > 0);
        self.add(Happening::Factor, off.guarded > 0 && shape.noise >= NEARLY_PERFECT);
        self.add(Happening::WithoutRows, on.evaluations_without_rows == on.evaluations);
        self.add(Happening::Lifted, on.lifted > 0);
    }

    fn of(&self, what: Happening) -> u64 {
        self.0[what as usize].load(Relaxed)
    }
}

/// Checks a property on so many cases (or `PROPTEST_CASES` of them), and that each of these did happen.
pub(super) fn check<S: Strategy>(
    cases: u32,
    strategy: S,
    must_happen: &[Happening],
    property: impl Fn(S::Value, &Tally) -> Result<(), String>,
) {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(cases);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let tally = Tally::default();
    TestRunner::new(config)
        .run(&strategy, |case| property(case, &tally).map_err(TestCaseError::fail))
        .unwrap_or_else(|e| panic!("{e}"));
    let counts = ALL.map(|what| (what, tally.of(what)));
    println!("of {cases} cases: {counts:?}");
    for what in must_happen {
        assert!(tally.of(*what) > 0, "{what:?} never happened: {counts:?}");
    }
}
