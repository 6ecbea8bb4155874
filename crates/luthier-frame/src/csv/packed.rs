//! Text files that are compressed according to their names.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use flate2::write::GzEncoder;

use crate::Result;
use crate::file::WholeFile;

/// A text file that appears once it is complete. It is compressed by gzip if its name ends in `.gz`, and by zstd if it ends in
/// `.zst`.
pub(crate) enum PackedFile {
    Plain(WholeFile),
    Gzip(GzEncoder<WholeFile>),
    Zstd(zstd::Encoder<'static, WholeFile>),
}

impl PackedFile {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = WholeFile::create(path)?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        Ok(match ending.to_ascii_lowercase().as_str() {
            "gz" => Self::Gzip(GzEncoder::new(file, flate2::Compression::default())),
            "zst" => {
                let io = |cause| crate::Error::Io { path: path.to_owned(), cause };
                Self::Zstd(zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(io)?)
            }
            _ => Self::Plain(file),
        })
    }

    /// Completes the file and moves it to its path.
    pub(crate) fn finish(self, path: &Path) -> Result<()> {
        let io = |cause| crate::Error::Io { path: path.to_owned(), cause };
        match self {
            Self::Plain(file) => file,
            Self::Gzip(encoder) => encoder.finish().map_err(io)?,
            Self::Zstd(encoder) => encoder.finish().map_err(io)?,
        }
        .finish()
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(file) => file,
            Self::Gzip(encoder) => encoder,
            Self::Zstd(encoder) => encoder,
        }
    }
}

impl Write for PackedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

impl fmt::Debug for PackedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Gzip(_) => "Gzip",
            Self::Zstd(_) => "Zstd",
        })
    }
}
