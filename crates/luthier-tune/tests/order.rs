//! Tasks that follow others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use luthier_tune::executor::{Executor, Job, Rayon, Serial, TaskResult, ThreadPool, verify};
use proptest::prelude::*;
use rayon::prelude::*;

/// Tasks that note when they run; `follows[i]` is below `i`.
#[derive(Debug)]
struct Tree {
    follows: Vec<Option<usize>>,
    ended: Vec<AtomicUsize>,
    running: AtomicUsize,
    most: AtomicUsize,
    wrong: Mutex<Vec<usize>>,
}

impl Tree {
    fn new(follows: Vec<Option<usize>>) -> Self {
        let ended = follows.iter().map(|_| AtomicUsize::new(0)).collect();
        Self {
            follows,
            ended,
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            wrong: Mutex::default(),
        }
    }
}

impl Job for Tree {
    fn len(&self) -> usize {
        self.follows.len()
    }

    fn follows(&self, task: usize) -> Option<usize> {
        self.follows[task]
    }

    fn run(&self, task: usize) -> TaskResult {
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        if self.follows[task].is_some_and(|earlier| self.ended[earlier].load(Ordering::SeqCst) == 0) {
            self.wrong.lock().unwrap().push(task);
        }
        // Work of its own on the pool.
        let sum: usize = (0..64usize).into_par_iter().map(|i| i ^ task).sum();
        self.ended[task].fetch_add(1, Ordering::SeqCst);
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(vec![(sum % 251) as u8])
    }
}

fn trees() -> impl Strategy<Value = Vec<Option<usize>>> {
    proptest::collection::vec(any::<Option<u16>>(), 1..60).prop_map(|draws| {
        let follows =
            |(task, draw): (usize, Option<u16>)| draw.filter(|_| task > 0).map(|d| d as usize % task.max(1));
        draws.into_iter().enumerate().map(follows).collect()
    })
}

fn check(executor: &dyn Executor, follows: &[Option<usize>], limit: usize) {
    let tree = Arc::new(Tree::new(follows.to_vec()));
    let limit = NonZeroUsize::new(limit).unwrap();
    let results = verify::run(executor, Arc::clone(&tree) as Arc<dyn Job>, limit).unwrap();
    assert!(results.iter().all(Result::is_ok) && results.len() == follows.len());
    assert!(tree.ended.iter().all(|ended| ended.load(Ordering::SeqCst) == 1));
    assert_eq!(*tree.wrong.lock().unwrap(), Vec::<usize>::new(), "{executor:?} {limit} {follows:?}");
    assert!(tree.most.load(Ordering::SeqCst) <= limit.get(), "{executor:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn executors_keep_the_order_and_the_limit(follows in trees(), limit in 1usize..6) {
        for executor in [&Serial::new() as &dyn Executor, &ThreadPool::new(), &Rayon::new()] {
            assert!(executor.keeps_order());
            check(executor, &follows, if executor.capacity() == NonZeroUsize::MIN { 1 } else { limit });
        }
    }

    #[test]
    fn none_hangs_on_a_pool_of_one_thread(follows in trees(), limit in 1usize..6) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.install(|| {
            check(&Rayon::new(), &follows, limit);
            check(&ThreadPool::new(), &follows, limit);
        });
    }
}
