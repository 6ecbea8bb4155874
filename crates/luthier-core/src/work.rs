//! Counts the work that is done; tests and reports use these counts instead of times.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

/// Who is told of rows while they are read.
struct Listener(Box<dyn Fn(u64) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl WorkCounter {
    /// Calls `listen` with the number of rows read so far whenever rows are read, from the threads that read them. Only the
    /// first listener counts.
    pub fn on_rows(&self, listen: impl Fn(u64) + Send + Sync + 'static) {
        // Another one is there already.
        let _ = self.listener.set(Listener(Box::new(listen)));
    }

    /// Counts rows that a pass has read, and tells the listener.
    pub(crate) fn pass_over(&self, rows: u64) {
        self.rows_read(rows);
        if let Some(Listener(listen)) = self.listener.get() {
            listen(self.rows_read.load(Relaxed));
        }
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counters shared by everything that is part of one search or one fit.
        ///
        /// The totals depend only on the data and the plan, never on threads or timing.
        #[derive(Debug, Default)]
        pub struct WorkCounter {
            $($name: AtomicU64,)*
            listener: OnceLock<Listener>,
        }

        /// The totals of a [`WorkCounter`] at one moment.
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Work { $($(#[$doc])* pub $name: u64),* }

        impl WorkCounter {
            /// The totals so far.
            pub fn snapshot(&self) -> Work {
                Work { $($name: self.$name.load(Relaxed)),* }
            }

            /// Adds totals counted elsewhere, such as in another process.
            pub fn add(&self, work: &Work) {
                $(self.$name.fetch_add(work.$name, Relaxed);)*
            }

            $($(#[$doc])* pub fn $name(&self, n: u64) { self.$name.fetch_add(n, Relaxed); })*
        }

        impl Work {
            /// Names and totals, in a fixed order.
            pub fn entries(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }
    };
}

counters! {
    /// Rows returned by the tile reader.
    rows_read,
    /// Passes over the rows of a view.
    passes,
    /// Summaries computed from rows.
    summaries,
    /// Summaries derived from others through affine stages, without reading rows.
    lifted,
    /// Derived summaries or metrics that would have lost too many digits, so that rows were read.
    guarded,
    /// Matrix factorisations (eigenvalue, QR of a system, Cholesky, singular value).
    factorisations,
    /// Stages fitted.
    fits,
    /// Fits that were not needed because an equal stage on the same rows was fitted already.
    reused_fits,
    /// Metrics computed by evaluators.
    evaluations,
    /// Metrics computed from summaries, without rows.
    evaluations_without_rows,
}
