//! Threads that run closures from a channel.

use std::cell::Cell;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A piece of work; it must not panic.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// Whether the current thread is a worker.
pub(crate) fn is_worker() -> bool {
    IS_WORKER.get()
}

/// Starts threads that run the closures that are sent, until the sender and all its clones are dropped.
///
/// # Errors
/// If no thread can be started. If only some can be started, they do all the work.
pub(crate) fn start(threads: usize) -> io::Result<Sender<Work>> {
    let (sender, receiver) = channel();
    let receiver = Arc::new(Mutex::new(receiver));
    for index in 0..threads {
        let receiver = Arc::clone(&receiver);
        let worker = thread::Builder::new().name(format!("acme-crew-{index}"));
        match worker.spawn(move || run(&receiver)) {
            Ok(_) => {}
            Err(_) if index > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(sender)
}

fn run(receiver: &Mutex<Receiver<Work>>) {
    IS_WORKER.set(true);
    // The lock is held while waiting, not while working.
    let next = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(work) = next() {
        work();
    }
}
