//! Executors, which run the units of work of a search.

mod entry;
mod queue;
mod rayon;
mod serial;
mod serve;
mod thread_pool;
pub mod verify;

use std::any::Any;
use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;

use luthier_core::CancelToken;
use luthier_core::params::Params;

pub use self::entry::ExecutorEntry;
pub use self::queue::Queue;
pub use self::rayon::Rayon;
pub use self::serial::Serial;
pub use self::serve::serve_rayon_until;
pub use self::thread_pool::ThreadPool;

/// The result of a task: bytes, or a message that says what went wrong.
pub type TaskResult = std::result::Result<Vec<u8>, String>;

/// Numbered, independent tasks; each result is bytes.
///
/// ```
/// use luthier_tune::executor::{Job, TaskResult};
///
/// /// The squares of the numbers below 4.
/// struct Squares;
///
/// impl Job for Squares {
///     fn len(&self) -> usize {
///         4
///     }
///     fn run(&self, task: usize) -> TaskResult {
///         Ok(vec![(task * task) as u8])
///     }
/// }
/// assert_eq!(Squares.run(3), Ok(vec![9]));
/// ```
///
/// # Contract
/// - Tasks may run in any order, on any thread, and several at once, but a task that [follows](Self::follows) another one only
///   after that has been reported. No task waits for another.
/// - The result of a task depends only on its number.
/// - `len` and `follows` never change.
/// - A task may use rayon.
pub trait Job: Send + Sync + 'static {
    /// The number of tasks; they are numbered `0..len`.
    fn len(&self) -> usize;

    /// Whether there are no tasks.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs one task. Panics of a user's code are caught and become `Err`.
    fn run(&self, task: usize) -> TaskResult;

    /// The task that has to be reported before this one is started: one with a smaller number. By default, tasks follow none.
    ///
    /// Only executors that say so ([`Executor::keeps_order`]) are given jobs whose tasks follow others; the others are given such
    /// tasks in several jobs, one after the other.
    fn follows(&self, task: usize) -> Option<usize> {
        let _ = task;
        None
    }

    /// The token that cancels the job; by default it is never cancelled.
    ///
    /// A task that runs when it is cancelled ends by itself, and tasks that have not been started need not be.
    fn cancel_token(&self) -> CancelToken {
        CancelToken::never()
    }

    /// What another process needs to rebuild the job, if it can be rebuilt.
    fn portable(&self) -> Option<Vec<u8>> {
        None
    }
}

/// Receives the results of tasks as they finish.
///
/// ```
/// use std::sync::Mutex;
/// use luthier_tune::executor::{Sink, TaskResult};
///
/// /// Counts the tasks that failed.
/// struct Failed(Mutex<usize>);
///
/// impl Sink for Failed {
///     fn report(&self, _task: usize, result: TaskResult) {
///         if let (Err(_), Ok(mut failed)) = (result, self.0.lock()) {
///             *failed += 1;
///         }
///     }
/// }
/// ```
pub trait Sink: Sync {
    /// Receives the result of one task. It may be called from any thread, for different tasks at the same time.
    fn report(&self, task: usize, result: TaskResult);
}

/// Runs the tasks of a job.
///
/// # Contract
/// - At most `limit` calls of [`Job::run`] are running at any time, even if the tasks use rayon themselves.
/// - Every task in `0..job.len()` is reported exactly once, whether it succeeds or fails: a task that panics
///   ([`run_task`] catches it) or whose worker is lost is reported as `Err`. A failure does not stop other tasks.
/// - Tasks may run and be reported in any order.
/// - `execute` returns when all tasks have been reported. It returns an error only if the executor itself fails,
///   not because a task failed.
/// - Once [`Job::cancel_token`] is cancelled, it should start no more tasks and return when those that are running have been
///   reported. Tasks that were not started then need not be reported. To run all of them nevertheless is no breach of contract.
/// - No task waits for another one: an executor must not let a task that waits for its own nested rayon
///   work run a loop over all other tasks, and it must not hang on a pool of one thread ([`serve_rayon_until`]).
/// - Several calls may run at the same time: one executor can run several jobs at once, each with its own limit.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
/// use luthier_tune::executor::{Executor, Job, Sink, run_task};
///
/// /// Runs the last task first.
/// #[derive(Debug)]
/// struct Backwards;
///
/// impl Executor for Backwards {
///     fn execute(&self, job: Arc<dyn Job>, _limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
///         (0..job.len()).rev().for_each(|task| sink.report(task, run_task(&*job, task)));
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an executor",
    note = "implement `luthier_tune::Executor` (`execute`) for it"
)]
pub trait Executor: Any + Debug + Send + Sync {
    /// Runs all tasks of `job`, at most `limit` at once, and reports each to `sink` exactly once.
    ///
    /// # Errors
    /// If the executor itself fails: no thread can be started, a remote worker cannot be reached.
    fn execute(&self, job: Arc<dyn Job>, limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()>;

    /// Whether a task is started only once the task that it [follows](Job::follows) has been reported; by default not. An executor
    /// that does needs no pause between the stages of a pipeline: a slow fold holds up only what follows it. [`Queue`] does
    /// the work.
    fn keeps_order(&self) -> bool {
        false
    }

    /// The largest number of tasks that can run at once, whatever the limit; by default the number of cores.
    fn capacity(&self) -> NonZeroUsize {
        std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
    }
}

/// An executor that a configuration can name. Register it with
/// [`register_executor!`](crate::register_executor).
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
/// use luthier_tune::core::Params;
/// use luthier_tune::executor::{Executor, Job, NamedExecutor, Sink, run_task};
///
/// /// One task after the other.
/// #[derive(Debug, Clone, Params)]
/// struct InOrder {}
///
/// impl Executor for InOrder {
///     fn execute(&self, job: Arc<dyn Job>, _limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
///         (0..job.len()).for_each(|task| sink.report(task, run_task(&*job, task)));
///         Ok(())
///     }
/// }
///
/// impl NamedExecutor for InOrder {
///     const NAME: &'static str = "acme.in_order";
/// }
///
/// luthier_tune::register_executor!(InOrder: "One task after the other.");
/// ```
pub trait NamedExecutor: Executor + Params + Default {
    /// The registered name, such as `"thread_pool"`.
    const NAME: &'static str;
}

/// Runs one task; a panic that escapes it becomes an `Err`.
pub fn run_task(job: &dyn Job, task: usize) -> TaskResult {
    match luthier_core::catch_panic(&format!("task {task}"), || Ok(job.run(task))) {
        Ok(result) => result,
        Err(panicked) => Err(panicked.to_string()),
    }
}
