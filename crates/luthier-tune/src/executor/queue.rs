//! The tasks that may be started.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Job;

/// The tasks of a job that have not been started: each becomes ready once the task that it follows has been reported. Tasks that are
/// ready are handed out by their numbers.
///
/// ```
/// use luthier_tune::executor::{Job, Queue, TaskResult};
///
/// /// Task 2 follows task 0.
/// struct Two;
///
/// impl Job for Two {
///     fn len(&self) -> usize {
///         3
///     }
///     fn run(&self, task: usize) -> TaskResult {
///         Ok(vec![task as u8])
///     }
///     fn follows(&self, task: usize) -> Option<usize> {
///         (task == 2).then_some(0)
///     }
/// }
///
/// let queue = Queue::new(&Two);
/// assert_eq!((queue.next(), queue.next(), queue.next()), (Some(0), Some(1), None));
/// queue.reported(0);
/// assert_eq!(queue.next(), Some(2));
/// ```
#[derive(Debug)]
pub struct Queue {
    /// For each task those that follow it.
    followers: Vec<Vec<usize>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    ready: BinaryHeap<Reverse<usize>>,
    /// The number of tasks that have not been started.
    left: usize,
    is_stopped: bool,
}

impl Queue {
    /// All tasks of a job.
    pub fn new(job: &dyn Job) -> Self {
        let mut followers = vec![Vec::new(); job.len()];
        let mut ready = BinaryHeap::new();
        for task in 0..job.len() {
            match job.follows(task).and_then(|earlier| followers.get_mut(earlier)) {
                Some(followers) => followers.push(task),
                None => ready.push(Reverse(task)),
            }
        }
        let state = State { ready, left: job.len(), is_stopped: false };
        Self { followers, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// A task that is ready, if there is one; it counts as started.
    pub fn next(&self) -> Option<usize> {
        self.lock().take()
    }

    /// A task that is ready; waits for one while others are running. `None` once all have been started, or after
    /// [`stop`](Self::stop).
    ///
    /// Only for threads that have nothing else to do: a thread of a rayon pool must not wait here.
    pub fn wait(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.take() {
                return Some(task);
            }
            if state.left == 0 || state.is_stopped {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Call it when a task has been reported: those that follow it are ready. Returns their number.
    pub fn reported(&self, task: usize) -> usize {
        let followers = self.followers.get(task).map_or(&[][..], Vec::as_slice);
        let mut state = self.lock();
        state.ready.extend(followers.iter().copied().map(Reverse));
        drop(state);
        self.changed.notify_all();
        followers.len()
    }

    /// Hands out no more tasks.
    pub fn stop(&self) {
        self.lock().is_stopped = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Option<usize> {
        if self.is_stopped {
            return None;
        }
        let Reverse(task) = self.ready.pop()?;
        self.left -= 1;
        Some(task)
    }
}
