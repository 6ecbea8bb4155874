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

/// Runs tasks on a fixed set of threads that live as long as the executor.
///
/// The threads start with the first job and wait between jobs. Overlapping jobs share them, each within its own
/// limit. A task is sent when the result of an earlier one has arrived: the executor sees each result before it
/// sends another task, like an executor with workers on other machines.
#[derive(Clone, Params)]
pub struct Crew {
    /// Number of threads.
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
                // If the receiver is gone, nobody waits for the result.
                let _ = done.send((task, run_task(&*job, task)));
            };
            crew.send(Box::new(work)).map_err(|_| anyhow!("the threads have stopped"))
        };
        let cancel = job.cancel_token();
        let mut waiting = (0..job.len()).take_while(|_| !cancel.is_cancelled());
        let mut running = 0;
        for task in waiting.by_ref().take(limit.get()) {
            send(task)?;
            running += 1;
        }
        while running > 0 {
            let (task, result) = next(&results).context("a thread of the crew was lost")?;
            // Sends the next task first, so that no thread is idle while the result is processed.
            match waiting.next() {
                Some(next) => send(next)?,
                None => running -= 1,
            }
            sink.report(task, result);
        }
        Ok(())
    }

    fn capacity(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.threads).unwrap_or(NonZeroUsize::MIN)
    }
}

/// Waits for a result. A thread of a rayon pool works for the pool while it waits, because tasks may need it: if the only
/// thread of the global pool were blocked here, the `par_iter` of a task would never start.
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

luthier_tune::register_executor!(Crew: "Runs tasks on a fixed set of threads that live as long as the executor.");
