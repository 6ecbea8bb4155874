use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::{Error, Result};

/// Writes a file as a whole or not at all: under another name beside it, renamed when complete. So a frame can
/// be written to the file it is scanned from.
pub(crate) fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let io = |cause| Error::Io { path: path.to_owned(), cause };
    let is_special = path.metadata().is_ok_and(|metadata| !metadata.is_file());
    let name = path.file_name().ok_or_else(|| io(std::io::Error::from(std::io::ErrorKind::InvalidInput)))?;
    let beside = if is_special {
        path.to_owned()
    } else {
        path.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()))
    };
    let mut file = BufWriter::new(File::create(&beside).map_err(io)?);
    let written = write(&mut file).and_then(|()| file.flush().map_err(io));
    drop(file);
    if is_special {
        return written;
    }
    let renamed = written.and_then(|()| std::fs::rename(&beside, path).map_err(io));
    if renamed.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&beside);
    }
    renamed
}
