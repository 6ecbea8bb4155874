//! In a process whose global rayon pool has one thread, and from that thread: nothing hangs.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use acme_executor::Crew;
use luthier_tune::executor::{Job, TaskResult, verify};
use rayon::prelude::*;

struct Sums;

impl Job for Sums {
    fn len(&self) -> usize {
        64
    }

    fn run(&self, task: usize) -> TaskResult {
        Ok(vec![(0..task as u8).into_par_iter().map(|_| 1).sum()])
    }
}

#[test]
fn tasks_that_use_rayon_finish() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    let (done, results) = channel();
    rayon::spawn(move || {
        let crew = Crew::new().threads(3);
        done.send(verify::run(&crew, Arc::new(Sums), NonZeroUsize::new(3).unwrap())).unwrap();
    });
    let results = results.recv_timeout(Duration::from_secs(60)).expect("the pool is served").unwrap();
    assert_eq!(results[63], Ok(vec![63]));
}
