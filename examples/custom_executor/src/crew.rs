use std::fmt;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use luthier_tune::core::params::{ParamError, ParamInfo, Params, Value};
use luthier_tune::executor::{Executor, Job, NamedExecutor, Serial, Sink, TaskResult, run_task};

use crate::worker::{self, Work};

/// Tasks on a fixed crew of threads that lives as long as the executor.
///
/// The threads start at the first job and wait between jobs. Jobs that overlap share them, each within its own
/// limit. A task goes out when the result of an earlier one is back: the executor sees each result before it
/// sends more, as one must whose workers are on other machines.
#[derive(Default)]
pub struct Crew {
    options: Options,
    /// How work reaches the threads, once they run.
    threads: Mutex<Option<Sender<Work>>>,
}

/// The parameters of a [`Crew`]. It also has threads, which are none: so it hands `Params` on to its options.
#[derive(Debug, Clone, Params)]
struct Options {
    /// Threads in the crew.
    #[param(default = 2, range = 1..=1024)]
    threads: usize,
}

impl Crew {
    /// A crew of two.
    pub fn new() -> Self {
        Self::default()
    }

    /// Threads in the crew.
    pub fn threads(mut self, threads: usize) -> Self {
        self.options.threads = threads;
        self
    }

    fn sender(&self) -> anyhow::Result<Sender<Work>> {
        self.validate()?;
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match threads.take() {
            Some(sender) => sender,
            None => worker::start(self.options.threads).context("cannot start a thread of the crew")?,
        };
        Ok(threads.insert(sender).clone())
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
        NonZeroUsize::new(self.options.threads).unwrap_or(NonZeroUsize::MIN)
    }
}

/// Waits for a result. A caller that is a thread of a rayon pool serves the pool meanwhile, since tasks may need
/// it: with the only thread of the global pool blocked here, a task's `par_iter` would never begin.
fn next(results: &Receiver<(usize, TaskResult)>) -> anyhow::Result<(usize, TaskResult)> {
    if rayon::current_thread_index().is_none() {
        return Ok(results.recv()?);
    }
    loop {
        match results.try_recv() {
            Err(TryRecvError::Empty) => {
                if rayon::yield_now() != Some(rayon::Yield::Executed) {
                    thread::sleep(Duration::from_micros(50));
                }
            }
            other => return Ok(other?),
        }
    }
}

/// Plans and errors show an executor by its parameters.
impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew").field("threads", &self.options.threads).finish()
    }
}

/// A copy starts threads of its own.
impl Clone for Crew {
    fn clone(&self) -> Self {
        Self { options: self.options.clone(), threads: Mutex::default() }
    }
}

impl Params for Crew {
    fn doc() -> &'static str {
        "Tasks on a fixed crew of threads that lives as long as the executor."
    }

    fn param_infos() -> &'static [ParamInfo] {
        Options::param_infos()
    }

    fn get_value(&self, name: &str) -> Result<Value, ParamError> {
        self.options.get_value(name)
    }

    fn set_value(&mut self, name: &str, value: &Value) -> Result<(), ParamError> {
        self.options.set_value(name, value)?;
        self.threads = Mutex::default();
        Ok(())
    }

    fn validate(&self) -> Result<(), ParamError> {
        self.options.validate()
    }
}

impl NamedExecutor for Crew {
    const NAME: &'static str = "acme.crew";
}

luthier_tune::register_executor!(Crew: "Tasks on a fixed crew of threads that lives as long as the executor.");
