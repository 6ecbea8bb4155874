//! What the targets share.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A file in a folder of its own, which is removed with it.
pub struct Scratch {
    path: PathBuf,
    _folder: TempDir,
}

impl Scratch {
    /// A file of this name with these bytes, in memory where the system has a folder for that.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Self { path, _folder: folder }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
