//! The hardest pool: a global one of a single thread, from which the search itself is started.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::num::NonZeroUsize;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use luthier_testkit::executor::ClosureJob;
use luthier_tune::executor::{Executor, Rayon, Serial, ThreadPool, verify};
use rayon::prelude::*;

#[test]
fn no_executor_hangs() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    let executors: [Arc<dyn Executor>; 3] =
        [Arc::new(Serial::new()), Arc::new(Rayon::new()), Arc::new(ThreadPool::new())];
    for executor in executors {
        let (done, wait) = mpsc::channel();
        let name = format!("{executor:?}");
        rayon::spawn(move || {
            let nested = |_| Ok(vec![(0..100u32).into_par_iter().filter(|i| i % 2 == 0).count() as u8]);
            let job = Arc::new(ClosureJob::new(64, nested));
            done.send(verify::run(&*executor, job, NonZeroUsize::new(3).unwrap())).unwrap();
        });
        let results = wait.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{name} hangs"));
        assert!(results.unwrap().iter().all(|result| *result == Ok(vec![50])), "{name}");
    }
}
