//! Checks that an executor keeps its contract: every task is reported exactly once.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use luthier_core::CancelToken;

use super::{Executor, Job, Sink, TaskResult};
use crate::named::name_of;
use crate::{Error, Result};

/// A function that is called with the number and the result of each task.
pub type Observer<'a> = dyn Fn(usize, &TaskResult) + Sync + 'a;

/// Runs a job and returns the results in task order.
///
/// # Errors
/// [`Error::Executor`] if the executor fails, panics, or breaks its contract; if the job is cancelled before all tasks have been
/// reported.
pub fn run(executor: &dyn Executor, job: Arc<dyn Job>, limit: NonZeroUsize) -> Result<Vec<TaskResult>> {
    let cancel = job.cancel_token();
    let results: Option<Vec<TaskResult>> =
        run_observed(executor, job, limit, &|_, _| ())?.into_iter().collect();
    match results {
        Some(results) => Ok(results),
        None => cancel.check().map(|()| Vec::new()).map_err(Error::from),
    }
}

/// As [`run`], calling `observe` with each result as soon as it is reported, on the thread that reports it. If the job is
/// cancelled, a task that was not reported is `None`.
///
/// # Errors
/// [`Error::Executor`] if the executor fails, panics, or breaks its contract.
pub fn run_observed(
    executor: &dyn Executor,
    job: Arc<dyn Job>,
    limit: NonZeroUsize,
    observe: &Observer<'_>,
) -> Result<Vec<Option<TaskResult>>> {
    let (name, cancel) = (name_of(executor), job.cancel_token());
    let sink = ExactlyOnce::new(job.len()).observed_by(observe);
    let broken = |message| Error::Executor { name: name.clone(), message };
    let once = Arc::new(RunOnce::new(job));
    let executed = luthier_core::catch_panic(&name, || {
        executor.execute(Arc::clone(&once) as Arc<dyn Job>, limit, &sink)
    });
    match executed {
        Ok(()) => {}
        // It may pass on the error of the token.
        Err(error) if error.is_cancelled() && cancel.is_cancelled() => {}
        Err(luthier_core::Error::Stage { source, .. }) => return Err(broken(format!("{source:#}"))),
        Err(luthier_core::Error::Panicked { message, .. }) => {
            return Err(broken(format!("it panicked: {message}; this is a bug in the executor")));
        }
        Err(other) => return Err(broken(other.to_string())),
    }
    let results = match cancel.is_cancelled() {
        true => sink.finish_cancelled(&name)?,
        false => sink.finish(&name)?.into_iter().map(Some).collect(),
    };
    match once.again.get() {
        Some(task) => Err(broken(format!(
            "task {task} was run twice; an executor must run every task exactly once, so this is a bug in the executor"
        ))),
        None => Ok(results),
    }
}

/// A job that notices if a task is run again.
struct RunOnce {
    job: Arc<dyn Job>,
    has_run: Vec<AtomicBool>,
    /// The first task that was run again.
    again: OnceLock<usize>,
}

impl RunOnce {
    fn new(job: Arc<dyn Job>) -> Self {
        let has_run = (0..job.len()).map(|_| AtomicBool::new(false)).collect();
        Self { job, has_run, again: OnceLock::new() }
    }
}

impl Job for RunOnce {
    fn len(&self) -> usize {
        self.job.len()
    }

    fn run(&self, task: usize) -> TaskResult {
        if self.has_run.get(task).is_some_and(|has_run| has_run.swap(true, Relaxed)) {
            self.again.get_or_init(|| task);
            return Err(format!("task {task} was run twice"));
        }
        self.job.run(task)
    }

    fn follows(&self, task: usize) -> Option<usize> {
        self.job.follows(task)
    }

    fn cancel_token(&self) -> CancelToken {
        self.job.cancel_token()
    }

    fn portable(&self) -> Option<Vec<u8>> {
        self.job.portable()
    }
}

/// Collects results by task and detects tasks that are reported twice or never, or do not exist.
pub struct ExactlyOnce<'a> {
    state: Mutex<State>,
    observe: Option<&'a Observer<'a>>,
}

struct State {
    reported: Vec<bool>,
    results: Vec<Option<TaskResult>>,
    fault: Option<String>,
}

impl<'a> ExactlyOnce<'a> {
    /// A collector for the tasks `0..tasks`.
    pub fn new(tasks: usize) -> Self {
        let results = (0..tasks).map(|_| None).collect();
        Self {
            state: Mutex::new(State { reported: vec![false; tasks], results, fault: None }),
            observe: None,
        }
    }

    /// Calls `observe` with the first result of each task, without holding a lock.
    #[must_use]
    pub fn observed_by(self, observe: &'a Observer<'a>) -> Self {
        Self { observe: Some(observe), ..self }
    }

    /// The results in task order.
    ///
    /// # Errors
    /// [`Error::Executor`], naming the executor, if it reported a task twice, not at all, or one that does not
    /// exist.
    pub fn finish(self, executor: &str) -> Result<Vec<TaskResult>> {
        let results = self.finish_cancelled(executor)?;
        let total = results.len();
        let missing: Vec<usize> = (0..total).filter(|&task| results[task].is_none()).collect();
        if let Some(first) = missing.first() {
            let count = missing.len();
            return Err(broken(
                executor,
                &format!("{count} of {total} tasks were never reported, the first of them is task {first}"),
            ));
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// The results of a job that was cancelled, in task order; `None` for tasks that were not reported.
    ///
    /// # Errors
    /// As [`finish`](Self::finish), but tasks may be missing.
    pub fn finish_cancelled(self, executor: &str) -> Result<Vec<Option<TaskResult>>> {
        let State { results, fault, .. } = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        fault.map_or(Ok(results), |fault| Err(broken(executor, &fault)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn broken(executor: &str, what: &str) -> Error {
    let message =
        format!("{what}; an executor must report every task exactly once, so this is a bug in the executor");
    Error::Executor { name: executor.to_owned(), message }
}

impl Sink for ExactlyOnce<'_> {
    fn report(&self, task: usize, result: TaskResult) {
        let mut state = self.lock();
        let total = state.reported.len();
        let fault = match state.reported.get_mut(task) {
            Some(reported) if !*reported => {
                *reported = true;
                drop(state);
                if let Some(observe) = self.observe {
                    observe(task, &result);
                }
                self.lock().results[task] = Some(result);
                return;
            }
            Some(_) => format!("task {task} was reported twice"),
            None => format!("task {task} was reported, but there are only {total} tasks"),
        };
        state.fault.get_or_insert(fault);
    }
}

impl fmt::Debug for ExactlyOnce<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let reported = state.reported.iter().filter(|&&reported| reported).count();
        f.debug_struct("ExactlyOnce")
            .field("tasks", &state.reported.len())
            .field("reported", &reported)
            .field("fault", &state.fault)
            .finish()
    }
}
