//! The crew keeps the contract of an executor.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use acme_executor::Crew;
use luthier_tune::core::{CancelToken, Params};
use luthier_tune::executor::{ExecutorEntry, Job, TaskResult, verify};

/// Every task gives its number, but for one that fails and one that panics; counts how many run.
#[derive(Default)]
struct Numbers {
    tasks: usize,
    running: AtomicUsize,
    most: AtomicUsize,
    threads: Mutex<BTreeSet<String>>,
    /// Cancels the job by the task of this number, if there is one.
    cancel: Option<(usize, CancelToken)>,
}

impl Job for Numbers {
    fn len(&self) -> usize {
        self.tasks
    }

    fn run(&self, task: usize) -> TaskResult {
        self.most.fetch_max(self.running.fetch_add(1, SeqCst) + 1, SeqCst);
        self.threads.lock().unwrap().insert(thread::current().name().unwrap_or_default().to_owned());
        thread::sleep(Duration::from_millis(1));
        self.running.fetch_sub(1, SeqCst);
        if let Some((last, token)) = &self.cancel {
            if task == *last {
                token.cancel();
            }
            // Later tasks wait until that is done.
            while task > *last && !token.is_cancelled() {
                thread::yield_now();
            }
        }
        match task {
            3 => Err("three".to_owned()),
            5 => panic!("five"),
            _ => Ok(vec![task as u8]),
        }
    }

    fn cancel_token(&self) -> CancelToken {
        self.cancel.as_ref().map(|(_, token)| token.clone()).unwrap_or_default()
    }
}

fn at_most(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

fn numbers(tasks: usize) -> Arc<Numbers> {
    Arc::new(Numbers { tasks, ..Numbers::default() })
}

fn run(crew: &Crew, job: &Arc<Numbers>, limit: usize) -> Vec<TaskResult> {
    verify::run(crew, Arc::clone(job) as Arc<dyn Job>, at_most(limit)).unwrap()
}

#[test]
fn every_task_is_reported_and_the_smaller_of_limit_and_threads_run_at_once() {
    for (threads, limit) in [(1, 1), (1, 4), (4, 1), (4, 3), (3, 4), (8, 100)] {
        let (crew, job) = (Crew::new().threads(threads), numbers(40));
        let results = run(&crew, &job, limit);
        assert_eq!(results[7], Ok(vec![7]));
        assert_eq!(results[3], Err("three".to_owned()));
        assert!(results[5].as_ref().unwrap_err().contains("five"));
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 38);
        assert_eq!(job.most.load(SeqCst), threads.min(limit), "{threads} threads, limit {limit}");
    }
    assert!(run(&Crew::new(), &numbers(0), 1).is_empty());
}

#[test]
fn the_threads_stay_from_job_to_job_and_serve_jobs_that_overlap() {
    let crew = Crew::new().threads(2);
    let jobs: Vec<_> = (0..4).map(|_| numbers(12)).collect();
    thread::scope(|scope| jobs.iter().for_each(|job| drop(scope.spawn(|| run(&crew, job, 2)))));
    for job in jobs {
        assert!(job.most.load(SeqCst) <= 2);
        let threads = job.threads.lock().unwrap();
        assert!(threads.iter().all(|name| name == "acme-crew-0" || name == "acme-crew-1"), "{threads:?}");
    }
}

#[test]
fn a_cancelled_job_ends_with_the_tasks_that_are_running() {
    for threads in [1, 3] {
        let job = Numbers { tasks: 200, cancel: Some((20, CancelToken::new())), ..Numbers::default() };
        let crew = Crew::new().threads(threads);
        let results = verify::run_observed(&crew, Arc::new(job), at_most(threads), &|_, _| ()).unwrap();
        // Tasks start in order: when task 20 ends the job, each other thread has at most one later task in hand.
        assert_eq!(results[20], Some(Ok(vec![20])));
        let missing = results.iter().filter(|result| result.is_none()).count();
        assert!((180 - threads..180).contains(&missing), "{missing}");
        // The crew goes on to serve other jobs.
        assert_eq!(run(&crew, &numbers(9), 3).len(), 9);
    }
}

/// A job whose tasks run a job on the same executor.
struct Nested(Arc<Crew>);

impl Job for Nested {
    fn len(&self) -> usize {
        6
    }

    fn run(&self, _task: usize) -> TaskResult {
        let results = verify::run(self.0.as_ref(), numbers(2), at_most(2)).map_err(|e| e.to_string())?;
        results.into_iter().collect::<Result<Vec<_>, _>>().map(|parts| parts.concat())
    }
}

#[test]
fn a_task_may_run_a_job_on_the_crew_it_belongs_to() {
    let crew = Arc::new(Crew::new().threads(1));
    let results = verify::run(crew.as_ref(), Arc::new(Nested(Arc::clone(&crew))), at_most(3)).unwrap();
    assert!(results.iter().all(|result| *result == Ok(vec![0, 1])));
}

#[test]
fn it_has_a_name_and_parameters() {
    let entry: ExecutorEntry = luthier_tune::core::registry::find("acme.crew").unwrap();
    let crew = entry.create(&[("threads".to_owned(), 5.into())]).unwrap();
    assert_eq!((crew.capacity().get(), format!("{crew:?}").as_str()), (5, "Crew { threads: 5 }"));
    let message = entry.create(&[("threads".to_owned(), 0.into())]).unwrap_err().to_string();
    assert!(message.contains("acme.crew") && message.contains("threads"), "{message}");
    // The builder does not fail: the job does, before any task.
    assert!(Crew::new().threads(0).validate().is_err());
    let message = verify::run(&Crew::new().threads(0), numbers(1), at_most(1)).unwrap_err().to_string();
    assert!(message.starts_with("executor `acme.crew` (threads = 0): "), "{message}");
}
