//! Checks that an executor keeps its contract: every task is reported exactly once.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Executor, Job, Sink, TaskResult};
use crate::named::name_of;
use crate::{Error, Result};

/// A function that is called with the number and the result of each task.
pub type Observer<'a> = dyn Fn(usize, &TaskResult) + Sync + 'a;

/// Runs a job and returns the results in task order.
///
/// # Errors
/// [`Error::Executor`] if the executor fails, panics, or breaks its contract.
pub fn run(executor: &dyn Executor, job: Arc<dyn Job>, limit: NonZeroUsize) -> Result<Vec<TaskResult>> {
    run_observed(executor, job, limit, &|_, _| ())
}

/// As [`run`], calling `observe` with each result as soon as it is reported, on the thread that reports it.
///
/// # Errors
/// As [`run`].
pub fn run_observed(
    executor: &dyn Executor,
    job: Arc<dyn Job>,
    limit: NonZeroUsize,
    observe: &Observer<'_>,
) -> Result<Vec<TaskResult>> {
    let name = name_of(executor);
    let sink = ExactlyOnce::new(job.len()).observed_by(observe);
    luthier_core::catch_panic(&name, || executor.execute(job, limit, &sink)).map_err(|error| {
        let message = match error {
            luthier_core::Error::Stage { source, .. } => format!("{source:#}"),
            luthier_core::Error::Panicked { message, .. } => {
                format!("it panicked: {message}; this is a bug in the executor")
            }
            other => other.to_string(),
        };
        Error::Executor { name: name.clone(), message }
    })?;
    sink.finish(&name)
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
        let State { results, fault, .. } = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let broken = |what: String| Error::Executor {
            name: executor.to_owned(),
            message: format!(
                "{what}; an executor must report every task exactly once, so this is a bug in the executor"
            ),
        };
        if let Some(fault) = fault {
            return Err(broken(fault));
        }
        let total = results.len();
        let missing: Vec<usize> = (0..total).filter(|&task| results[task].is_none()).collect();
        if let Some(first) = missing.first() {
            let count = missing.len();
            return Err(broken(format!(
                "{count} of {total} tasks were never reported, the first of them is task {first}"
            )));
        }
        Ok(results.into_iter().flatten().collect())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
