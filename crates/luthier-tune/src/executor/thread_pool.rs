use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use anyhow::Context;
use luthier_core::params::Params;

use super::{Executor, Job, NamedExecutor, Sink, run_task};

/// Tasks on threads of their own, named `luthier-worker-0`, `luthier-worker-1`, …
///
/// As many threads as the limit says (or tasks there are) live as long as the job. What tasks do by rayon goes
/// to the global pool and comes on top: with parallelism 3 and frames of 2 partitions up to 6 cores are busy.
#[derive(Debug, Clone, Params)]
pub struct ThreadPool {}

impl Executor for ThreadPool {
    fn execute(&self, job: Arc<dyn Job>, limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
        let len = job.len();
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let task = next.fetch_add(1, Ordering::Relaxed);
                if task >= len {
                    return;
                }
                sink.report(task, run_task(&*job, task));
            }
        };
        thread::scope(|scope| {
            let mut workers = Vec::new();
            for index in 0..limit.get().min(len) {
                let name = format!("luthier-worker-{index}");
                match thread::Builder::new().name(name).spawn_scoped(scope, work) {
                    Ok(worker) => workers.push(worker),
                    // Fewer threads do the same work.
                    Err(_) if index > 0 => break,
                    Err(error) => return Err(error).context("cannot start a worker thread"),
                }
            }
            wait(&workers);
            Ok(())
        })
    }
}

/// Waits for the workers. A caller that is a thread of a rayon pool serves the pool meanwhile, since the tasks
/// may need it: blocking the only thread of the global pool would be a deadlock.
fn wait(workers: &[ScopedJoinHandle<'_, ()>]) {
    if rayon::current_thread_index().is_none() {
        return;
    }
    while !workers.iter().all(ScopedJoinHandle::is_finished) {
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            thread::sleep(Duration::from_micros(50));
        }
    }
}

impl NamedExecutor for ThreadPool {
    const NAME: &'static str = "thread_pool";
}

crate::register_executor!(ThreadPool: "Tasks on threads of their own.");
