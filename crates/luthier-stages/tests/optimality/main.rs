//! Whoever says `converged` is at an optimum: random problems of every kind, checked by their optimality conditions.
//!
//! `LUTHIER_PROBLEMS=3000 cargo test -p luthier-stages --test optimality -- --nocapture` tries as many problems and tells how
//! they went and which one took longest; `LUTHIER_PROBLEMS=83..84` tries one. Without the variable it is 300 of each kind.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/draw.rs"]
mod draw;
mod linear;
mod logistic;
mod rows;

use std::time::{Duration, Instant};

/// Problems of each kind.
pub(crate) fn problems() -> std::ops::Range<u64> {
    let wanted = std::env::var("LUTHIER_PROBLEMS").unwrap_or_else(|_| "300".to_owned());
    let (from, to) = wanted.split_once("..").unwrap_or(("0", &wanted));
    from.parse().unwrap()..to.parse().unwrap()
}

/// How fits went.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    converged: usize,
    not_converged: usize,
    separated: usize,
    /// The largest violation in tolerances, and of which problem.
    worst: (f64, u64),
    /// The longest time of a fit, and of which problem.
    longest: (Duration, u64),
    /// That of all fits.
    total: Duration,
}

impl Tally {
    /// Makes a fit and takes its time.
    pub(crate) fn time<T>(&mut self, problem: u64, fit: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let model = fit();
        let took = start.elapsed();
        self.longest = self.longest.max((took, problem));
        self.total += took;
        model
    }

    /// Counts a fit that is `off` as many tolerances from its conditions.
    pub(crate) fn add(&mut self, problem: u64, converged: bool, separated: bool, off: f64) {
        self.separated += usize::from(separated);
        if !converged {
            self.not_converged += 1;
            return;
        }
        self.converged += 1;
        if off.is_nan() || off > self.worst.0 {
            self.worst = (off, problem);
        }
    }

    /// Tells how it went. None may be above its tolerance, and most must have converged.
    #[track_caller]
    pub(crate) fn finish(&self, what: &str) {
        println!("{what}: {self:?}");
        assert!(self.worst.0 <= 1.0, "{what}: {self:?}");
        assert!(self.converged > 9 * self.not_converged, "{what}: {self:?}");
    }
}
