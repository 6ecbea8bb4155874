//! Whoever says `converged` is at an optimum: random problems of every kind, checked by their optimality conditions.
//!
//! `LUTHIER_PROBLEMS=3000 cargo test -p luthier-stages --test optimality -- --nocapture` tries as many problems and tells how
//! they went; without the variable it is 300 of each kind.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod linear;
mod logistic;
mod rows;

/// Problems of each kind.
pub(crate) fn count() -> u64 {
    std::env::var("LUTHIER_PROBLEMS").map_or(300, |n| n.parse().unwrap())
}

/// How fits went.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    converged: usize,
    not_converged: usize,
    separated: usize,
    /// The largest violation in tolerances, and of which problem.
    worst: (f64, u64),
}

impl Tally {
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
