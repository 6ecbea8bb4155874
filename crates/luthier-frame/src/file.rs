use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// A file that is written completely or not at all: it is written under a temporary name in the same folder and renamed when
/// it is complete. So a frame can be written to the file from which it is scanned.
#[derive(Debug)]
pub(crate) struct WholeFile {
    path: PathBuf,
    /// The temporary path; `None` for a target that cannot be renamed to, such as a pipe, and after completion.
    beside: Option<PathBuf>,
    file: BufWriter<File>,
}

impl WholeFile {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let io = |cause| Error::Io { path: path.to_owned(), cause };
        if path.file_name().is_none() {
            return Err(io(io::Error::new(ErrorKind::InvalidInput, "the path names no file")));
        }
        let is_special = path.metadata().is_ok_and(|metadata| !metadata.is_file());
        let (file, beside) = match is_special {
            true => (File::create(path).map_err(io)?, None),
            false => create_beside(path).map(|(file, beside)| (file, Some(beside))).map_err(io)?,
        };
        Ok(Self { path: path.to_owned(), beside, file: BufWriter::new(file) })
    }

    /// A file with these bytes, which have reached the disk, but not their path.
    pub(crate) fn written(path: &Path, bytes: &[u8]) -> Result<Self> {
        let mut whole = Self::create(path)?;
        let written = whole.file.write_all(bytes).and_then(|()| whole.file.flush());
        written.and_then(|()| whole.file.get_ref().sync_all()).map_err(|cause| whole.error(cause))?;
        Ok(whole)
    }

    /// The temporary path.
    pub(crate) fn beside(&self) -> Option<&Path> {
        self.beside.as_deref()
    }

    /// Leaves the file under its temporary path.
    pub(crate) fn keep(&mut self) {
        self.beside = None;
    }

    pub(crate) fn error(&self, cause: io::Error) -> Error {
        Error::Io { path: self.path.clone(), cause }
    }

    /// Moves the file to its path.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.file.flush().map_err(|cause| self.error(cause))?;
        if let Some(beside) = &self.beside {
            std::fs::rename(beside, &self.path).map_err(|cause| self.error(cause))?;
        }
        self.beside = None;
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // The earlier error is the one to report.
            let _ = std::fs::remove_file(beside);
        }
    }
}

/// A new file in the folder of `path`, under a name that nobody else has.
fn create_beside(path: &Path) -> io::Result<(File, PathBuf)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let beside = path.with_file_name(format!(".luthier-{}-{number}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Ok(file) => {
                // Others see by the lock that it is being written. Where there are no locks, it is taken for left over.
                let _ = file.try_lock();
                return Ok((file, beside));
            }
            Err(taken) if taken.kind() == ErrorKind::AlreadyExists => {}
            Err(other) => return Err(other),
        }
    }
}

/// Writes files, each completely or not at all: whoever reads one, even after a crash, finds what was there before or all
/// of its bytes, never a part. Where one of them cannot be written, none is replaced.
///
/// # Errors
/// [`Error::Io`] with the path.
pub fn write_files(files: &[(impl AsRef<Path>, &[u8])]) -> Result<()> {
    let write = |(path, bytes): &(_, &[u8])| WholeFile::written(AsRef::<Path>::as_ref(path), bytes);
    let written = files.iter().map(write).collect::<Result<Vec<_>>>()?;
    written.into_iter().try_for_each(WholeFile::finish)
}
