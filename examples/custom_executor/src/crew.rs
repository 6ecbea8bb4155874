use std::fmt;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, anyhow};
use luthier_tune::core::Params;
use luthier_tune::executor::{
    Executor, Job, NamedExecutor, Serial, Sink, TaskResult, run_task, serve_rayon_until,
};

use crate::worker::{self, Work};

/// Tasks on a fixed crew of threads that lives as long as the executor.
///
/// The threads start at the first job and wait between jobs. Jobs that overlap share them, each within its own
/// limit. A task goes out when the result of an earlier one is back: the executor sees each result before it
/// sends more, as one must whose workers are on other machines.
#[derive(Clone, Params)]
pub struct Crew {
    /// Threads in the crew.
    #[param(default = 2, range = 1..=1024)]
    threads: usize,
    #[param(skip)]
    running: Running,
}

/// The threads once they run: how many were asked for, and how work reaches them.
#[derive(Default)]
struct Running(Mutex<Option<(usize, Sender<Work>)>>);

/// A copy of a crew starts threads of its own.
impl Clone for Running {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Crew {
    fn sender(&self) -> anyhow::Result<Sender<Work>> {
        self.validate()?;
        let mut running = self.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, sender) = match running.take() {
            Some(crew) if crew.0 == self.threads => running.insert(crew),
            _ => {
                let sender = worker::start(self.threads).context("cannot start a thread of the crew")?;
                running.insert((self.threads, sender))
            }
        };
        Ok(sender.clone())
    }
}

impl Executor for Crew {
    fn execute(&self, job: Arc<dyn Job>, limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
        // A task that starts a job must not wait for the thread that it is on.
        if worker::is_worker() {
            return Serial::new().execute(job, limit, sink);
        }
        let crew = self.sender()?;
        let (done, results) = channel();
        let send = |task: usize| {
            let (job, done) = (Arc::clone(&job), done.clone());
            let work = move || {
                // Nobody waits any more if the receiver is gone.
                let _ = done.send((task, run_task(&*job, task)));
            };
            crew.send(Box::new(work)).map_err(|_| anyhow!("the crew has gone"))
        };
        let mut waiting = 0..job.len();
        waiting.by_ref().take(limit.get()).try_for_each(send)?;
        for _ in 0..job.len() {
            let (task, result) = next(&results).context("a thread of the crew was lost")?;
            // First the next task, so that no thread idles while the result is taken in.
            waiting.next().map_or(Ok(()), send)?;
            sink.report(task, result);
        }
        Ok(())
    }

    fn capacity(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.threads).unwrap_or(NonZeroUsize::MIN)
    }
}

/// Waits for a result. A caller that is a thread of a rayon pool serves the pool meanwhile, since tasks may need
/// it: with the only thread of the global pool blocked here, a task's `par_iter` would never begin.
fn next(results: &Receiver<(usize, TaskResult)>) -> anyhow::Result<(usize, TaskResult)> {
    let ready = || match results.try_recv() {
        Err(TryRecvError::Empty) => None,
        other => Some(other.map_err(anyhow::Error::from)),
    };
    serve_rayon_until(ready).unwrap_or_else(|| Ok(results.recv()?))
}

/// Plans and errors show an executor by its parameters.
impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew").field("threads", &self.threads).finish()
    }
}

impl NamedExecutor for Crew {
    const NAME: &'static str = "acme.crew";
}

luthier_tune::register_executor!(Crew: "Tasks on a fixed crew of threads that lives as long as the executor.");
