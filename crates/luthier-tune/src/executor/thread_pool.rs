use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};

use anyhow::Context;
use luthier_core::params::Params;

use super::{Executor, Job, NamedExecutor, Queue, Serial, Sink, run_task, serve_rayon_until};

/// Runs tasks on separate threads, named `luthier-worker-0`, `luthier-worker-1`, …: the default executor of a search.
///
/// It starts as many threads as the limit allows, but not more than there are tasks, and stops them at the end of the job.
/// With a limit of 1, tasks run on the calling thread. Work that tasks do with rayon also uses the global pool: with
/// parallelism 3 and frames of 2 partitions, up to 6 cores are busy.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
/// use luthier_tune::executor::{Job, TaskResult, ThreadPool, verify};
///
/// struct Names;
///
/// impl Job for Names {
///     fn len(&self) -> usize {
///         8
///     }
///     fn run(&self, _task: usize) -> TaskResult {
///         Ok(std::thread::current().name().unwrap_or_default().as_bytes().to_vec())
///     }
/// }
///
/// let two = NonZeroUsize::MIN.saturating_add(1);
/// let names = verify::run(&ThreadPool::new(), Arc::new(Names), two)?;
/// assert!(names.into_iter().flatten().all(|name| name.starts_with(b"luthier-worker-")));
/// # Ok::<(), luthier_tune::Error>(())
/// ```
#[derive(Debug, Clone, Params)]
pub struct ThreadPool {}

impl Executor for ThreadPool {
    fn execute(&self, job: Arc<dyn Job>, limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
        let len = job.len();
        if limit.get().min(len) <= 1 {
            return Serial::new().execute(job, limit, sink);
        }
        let (queue, cancel) = (Queue::new(&*job), job.cancel_token());
        let work = || {
            while let Some(task) = queue.wait() {
                if cancel.is_cancelled() {
                    return queue.stop();
                }
                sink.report(task, run_task(&*job, task));
                queue.reported(task);
            }
        };
        thread::scope(|scope| {
            let mut workers = Vec::new();
            for index in 0..limit.get().min(len) {
                let name = format!("luthier-worker-{index}");
                match thread::Builder::new().name(name).spawn_scoped(scope, work) {
                    Ok(worker) => workers.push(worker),
                    // Fewer threads can do the same work.
                    Err(_) if index > 0 => break,
                    Err(error) => return Err(error).context("cannot start a worker thread"),
                }
            }
            // On a thread that does not belong to a pool, the scope waits.
            serve_rayon_until(|| workers.iter().all(ScopedJoinHandle::is_finished).then_some(()));
            Ok(())
        })
    }

    fn keeps_order(&self) -> bool {
        true
    }
}

impl NamedExecutor for ThreadPool {
    const NAME: &'static str = "thread_pool";
}

crate::register_executor!(ThreadPool: "Runs tasks on separate threads.");
