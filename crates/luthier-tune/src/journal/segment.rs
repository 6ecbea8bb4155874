//! The file of one writer.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::{Error, Result};

/// How often what was written is made to reach the disk.
const SYNC: Duration = Duration::from_secs(1);

/// The largest number of segments.
const MOST: u32 = 1_000_000;

/// A file to which one process appends, and which it has locked while it lives.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    /// The file, and whether nothing has been written to it.
    file: Mutex<(File, bool)>,
    header: String,
    /// Ends the thread that makes the file reach the disk.
    stop: Option<Sender<()>>,
    syncing: Option<JoinHandle<()>>,
}

/// The segments of a journal, in the order of their numbers.
pub(super) fn paths(directory: &Path) -> Result<Vec<PathBuf>> {
    let io = |source| Error::journal(directory, source);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with("cells-") && name.ends_with(".jsonl") {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

/// Whether a living process writes to a segment.
pub(super) fn is_live(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

impl Segment {
    /// A new segment of a journal. `header` is its first line, which is written with the first cell.
    pub(super) fn create(directory: &Path, header: String) -> Result<Self> {
        for number in 1..MOST {
            let path = directory.join(format!("cells-{number:04}.jsonl"));
            let file = match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(Error::journal(&path, error)),
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(Error::journal(&path, error)),
            }
            let for_sync = file.try_clone().map_err(|e| Error::journal(&path, e))?;
            let (stop, stopped) = channel();
            let syncing = thread::Builder::new().name("luthier-journal".to_owned()).spawn(move || {
                while stopped.recv_timeout(SYNC) == Err(RecvTimeoutError::Timeout) {
                    // A disk that does not take it says so when something is written.
                    let _ = for_sync.sync_data();
                }
            });
            let syncing = syncing.map_err(|e| Error::journal(&path, e))?;
            return Ok(Self {
                path,
                file: Mutex::new((file, true)),
                header,
                stop: Some(stop),
                syncing: Some(syncing),
            });
        }
        Err(Error::journal(directory, ErrorKind::AlreadyExists.into()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends whole lines at once.
    pub(super) fn append(&self, lines: &str) -> Result<()> {
        let mut open = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, is_empty) = &mut *open;
        let first = if *is_empty { self.header.as_str() } else { "" };
        file.write_all(format!("{first}{lines}").as_bytes()).map_err(|e| Error::journal(&self.path, e))?;
        *is_empty = false;
        Ok(())
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(syncing) = self.syncing.take() {
            // It holds nothing that could fail.
            let _ = syncing.join();
        }
        let (file, is_empty) = &*self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing is lost with an empty file, and what is written is in the hands of the system: a failure does no harm.
        let _ = if *is_empty { std::fs::remove_file(&self.path) } else { file.sync_data() };
    }
}
