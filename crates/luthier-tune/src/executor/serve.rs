use std::thread;
use std::time::Duration;

/// Time between two checks when the pool has nothing to do.
const PAUSE: Duration = Duration::from_micros(50);

/// Works for the rayon pool of the calling thread until `ready` returns a value.
///
/// This is for an executor that waits for its own threads. Its caller may be a thread of the pool that the tasks
/// need: if the only thread of the global pool were blocked, the `par_iter` of a task would never start. On a
/// thread that does not belong to a pool, it returns `None` at once without calling `ready`; such a thread may simply block.
///
/// ```
/// use std::sync::mpsc::{Receiver, TryRecvError};
/// use luthier_tune::executor::serve_rayon_until;
///
/// fn next<T>(results: &Receiver<T>) -> anyhow::Result<T> {
///     let ready = || match results.try_recv() {
///         Err(TryRecvError::Empty) => None,
///         other => Some(other.ok()),
///     };
///     let result = serve_rayon_until(ready).unwrap_or_else(|| results.recv().ok());
///     result.ok_or_else(|| anyhow::anyhow!("the worker is gone"))
/// }
/// # let (sender, results) = std::sync::mpsc::channel();
/// # sender.send(3)?;
/// # assert_eq!(next(&results)?, 3);
/// # Ok::<(), anyhow::Error>(())
/// ```
pub fn serve_rayon_until<T>(mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    rayon::current_thread_index()?;
    loop {
        if let Some(value) = ready() {
            return Some(value);
        }
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            thread::sleep(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn the_only_thread_of_a_pool_does_its_work_while_it_waits() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let served = pool.install(|| {
            let (done, results) = channel();
            rayon::spawn(move || done.send(7).unwrap());
            serve_rayon_until(|| results.try_recv().ok())
        });
        assert_eq!(served, Some(7));
    }

    #[test]
    fn a_thread_of_no_pool_is_told_to_block() {
        assert_eq!(serve_rayon_until(|| -> Option<()> { panic!("it is not asked") }), None);
    }
}
