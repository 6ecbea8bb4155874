use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// A file that appears as a whole or not at all: it is written under another name beside its place, and renamed when it is
/// complete. So a frame can be written to the file it is scanned from.
#[derive(Debug)]
pub(crate) struct WholeFile {
    path: PathBuf,
    /// Where it is written; `None` for what cannot be renamed, such as a pipe, and once it is done.
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

    /// Puts the file in its place.
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
            // Whatever went wrong before is the error to tell.
            let _ = std::fs::remove_file(beside);
        }
    }
}
