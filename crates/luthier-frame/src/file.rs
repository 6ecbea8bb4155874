use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

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
        let is_special = path.metadata().is_ok_and(|metadata| !metadata.is_file());
        let name = path.file_name().ok_or_else(|| io(io::Error::from(io::ErrorKind::InvalidInput)))?;
        let beside = path.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
        let beside = Some(beside).filter(|_| !is_special);
        let file = File::create(beside.as_deref().unwrap_or(path)).map_err(io)?;
        Ok(Self { path: path.to_owned(), beside, file: BufWriter::new(file) })
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
