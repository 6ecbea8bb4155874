use std::num::NonZeroUsize;
use std::sync::Arc;

use luthier_core::params::Params;

use super::{Executor, Job, NamedExecutor, Sink, run_task};

/// Runs one task after the other, in order, on the calling thread, whatever the limit. A search with a `parallelism` above 1
/// notes this.
///
/// The tasks themselves may still use all cores with rayon.
///
/// ```
/// use luthier_tune::{Executor, Serial};
///
/// assert_eq!(Serial::new().capacity().get(), 1);
/// ```
#[derive(Debug, Clone, Params)]
pub struct Serial {}

impl Executor for Serial {
    fn execute(&self, job: Arc<dyn Job>, _limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
        let cancel = job.cancel_token();
        let tasks = (0..job.len()).take_while(|_| !cancel.is_cancelled());
        tasks.for_each(|task| sink.report(task, run_task(&*job, task)));
        Ok(())
    }

    /// A task has a larger number than the one that it follows.
    fn keeps_order(&self) -> bool {
        true
    }

    fn capacity(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }
}

impl NamedExecutor for Serial {
    const NAME: &'static str = "serial";
}

crate::register_executor!(Serial: "Runs one task after the other on the calling thread.");
