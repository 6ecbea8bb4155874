use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use luthier_core::CancelToken;
use luthier_core::params::Params;
use rayon::Scope;

use super::{Executor, Job, NamedExecutor, Sink, run_task};

/// Runs tasks on the current rayon pool: the pool of the calling thread, or otherwise the global one.
///
/// At most as many tasks run at once as the pool has threads, unless tasks use rayon themselves: a thread that waits for
/// nested work may start another task in the meantime, within the limit. The wall time of a task then includes that of the
/// other.
///
/// ```
/// use luthier_tune::{Executor, Rayon};
///
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build()?;
/// assert_eq!(pool.install(|| Rayon::new().capacity().get()), 3);
/// # Ok::<(), rayon::ThreadPoolBuildError>(())
/// ```
#[derive(Debug, Clone, Params)]
pub struct Rayon {}

impl Executor for Rayon {
    fn execute(&self, job: Arc<dyn Job>, limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
        let (len, cancel) = (job.len(), job.cancel_token());
        let tasks = Tasks { job: &*job, len, next: AtomicUsize::new(0), cancel, sink };
        let chains = limit.get().min(tasks.len);
        rayon::scope(|scope| (0..chains).for_each(|_| tasks.spawn_next(scope)));
        Ok(())
    }

    fn capacity(&self) -> NonZeroUsize {
        NonZeroUsize::new(rayon::current_num_threads()).unwrap_or(NonZeroUsize::MIN)
    }
}

impl NamedExecutor for Rayon {
    const NAME: &'static str = "rayon";
}

/// The tasks that have not been started yet.
struct Tasks<'a> {
    job: &'a dyn Job,
    len: usize,
    next: AtomicUsize,
    cancel: CancelToken,
    sink: &'a dyn Sink,
}

impl Tasks<'_> {
    /// Spawns the next task, which spawns the task after it when it is done. There are as many such chains as
    /// the limit allows, so the number of running tasks never exceeds it.
    ///
    /// Loops that pull tasks would keep the limit too, but a thread that waits inside its own task could
    /// steal such a loop and would not return before all tasks are done. A spawned closure runs only one task.
    fn spawn_next<'scope>(&'scope self, scope: &Scope<'scope>) {
        let task = self.next.fetch_add(1, Ordering::Relaxed);
        if task < self.len && !self.cancel.is_cancelled() {
            scope.spawn(move |scope| {
                // It may have waited for a thread.
                if !self.cancel.is_cancelled() {
                    self.sink.report(task, run_task(self.job, task));
                    self.spawn_next(scope);
                }
            });
        }
    }
}

crate::register_executor!(Rayon: "Runs tasks on the current rayon pool.");
