use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use luthier_core::CancelToken;
use luthier_core::params::Params;
use rayon::Scope;

use super::{Executor, Job, NamedExecutor, Queue, Sink, run_task};

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
        let queue = Queue::new(&*job);
        let tasks =
            Tasks { job: &*job, queue, cancel: job.cancel_token(), limit, chains: AtomicUsize::new(0), sink };
        rayon::scope(|scope| tasks.spawn_chains(scope));
        Ok(())
    }

    fn keeps_order(&self) -> bool {
        true
    }

    fn capacity(&self) -> NonZeroUsize {
        NonZeroUsize::new(rayon::current_num_threads()).unwrap_or(NonZeroUsize::MIN)
    }
}

impl NamedExecutor for Rayon {
    const NAME: &'static str = "rayon";
}

/// The tasks of a job, some of which are running.
struct Tasks<'a> {
    job: &'a dyn Job,
    queue: Queue,
    cancel: CancelToken,
    limit: NonZeroUsize,
    /// The number of chains: tasks that are running or wait for a thread.
    chains: AtomicUsize,
    sink: &'a dyn Sink,
}

impl Tasks<'_> {
    /// Spawns tasks that are ready while the limit allows more chains. Each spawns the next task when it is done, so the number of
    /// running tasks never exceeds the limit.
    ///
    /// Loops that pull tasks would keep the limit too, but a thread that waits inside its own task could
    /// steal such a loop and would not return before all tasks are done. A spawned closure runs only one task.
    fn spawn_chains<'scope>(&'scope self, scope: &Scope<'scope>) {
        while !self.cancel.is_cancelled() && self.begin_chain() {
            match self.queue.next() {
                Some(task) => self.spawn(task, scope),
                None => {
                    self.chains.fetch_sub(1, Ordering::SeqCst);
                    return;
                }
            }
        }
    }

    /// Whether the limit allows another chain, which is then counted.
    fn begin_chain(&self) -> bool {
        let more = |chains: usize| (chains < self.limit.get()).then_some(chains + 1);
        self.chains.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    fn spawn<'scope>(&'scope self, task: usize, scope: &Scope<'scope>) {
        scope.spawn(move |scope| {
            // It may have waited for a thread.
            if !self.cancel.is_cancelled() {
                self.sink.report(task, run_task(self.job, task));
                self.queue.reported(task);
            }
            self.chains.fetch_sub(1, Ordering::SeqCst);
            self.spawn_chains(scope);
        });
    }
}

crate::register_executor!(Rayon: "Runs tasks on the current rayon pool.");
