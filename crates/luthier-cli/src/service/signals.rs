//! The signals that ask the process to end.

use std::io;

use tokio::sync::Mutex;

/// Ctrl-C, and on Unix the signal by which systems end a program.
#[derive(Debug)]
pub(crate) struct Signals(Mutex<Listeners>);

#[cfg(unix)]
#[derive(Debug)]
struct Listeners {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(not(unix))]
#[derive(Debug)]
struct Listeners;

impl Signals {
    /// From now on, they do not end the process.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Mutex::new(Listeners::new()?)))
    }

    /// The next one.
    pub(crate) async fn next(&self) {
        self.0.lock().await.next().await;
    }
}

#[cfg(unix)]
impl Listeners {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Listeners {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
