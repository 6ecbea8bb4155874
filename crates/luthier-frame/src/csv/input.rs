//! The bytes of a file: plain or compressed, or of a pipe, which can be read only once.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::{CsvOptions, Error, Result};

/// Bytes of a pipe that are kept in memory; the rest goes to a temporary file.
const KEPT_IN_MEMORY: u64 = 64 << 20;

/// Bytes that are read at once.
const BUFFER: usize = 256 << 10;

/// A source of bytes that can be read any number of times.
#[derive(Debug)]
pub(crate) struct Input {
    path: PathBuf,
    store: Store,
    codec: Codec,
}

enum Store {
    File { stamp: Stamp },
    Memory(Arc<[u8]>),
    Temporary(Arc<Mutex<File>>),
}

/// Shows whether a file is still the one that was opened.
type Stamp = (u64, Option<SystemTime>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Plain,
    Gzip,
    Zstd,
}

impl Input {
    /// Opens a file; `-` is standard input. Anything that is not a regular file is read to its end and kept.
    pub(crate) fn open(path: &Path, max_bytes: Option<u64>) -> Result<Self> {
        let io = |cause| Error::Io { path: path.to_owned(), cause };
        let store = if path == Path::new("-") {
            keep(io::stdin().lock(), path, max_bytes)?
        } else {
            let file = File::open(path).map_err(io)?;
            let metadata = file.metadata().map_err(io)?;
            if metadata.is_dir() {
                return Err(io(io::ErrorKind::IsADirectory.into()));
            }
            match metadata.is_file() {
                true => Store::File { stamp: (metadata.len(), metadata.modified().ok()) },
                false => keep(file, path, max_bytes)?,
            }
        };
        let mut input = Self { path: path.to_owned(), store, codec: Codec::Plain };
        let mut reader = input.raw(0)?;
        let start = reader.fill_buf().map_err(io)?;
        let packed_as = |magic: &[u8]| start.starts_with(magic);
        input.codec = match () {
            () if packed_as(b"\x1f\x8b") => Codec::Gzip,
            () if packed_as(b"\x28\xb5\x2f\xfd") => Codec::Zstd,
            () => Codec::Plain,
        };
        let other = [
            (&b"PK\x03\x04"[..], "a zip archive (or a spreadsheet)"),
            (b"BZh", "a bzip2 file"),
            (b"\xfd7zXZ\0", "an xz file"),
            (b"PAR1", "a Parquet file"),
            (b"ARROW1", "an Arrow file"),
        ];
        if let Some((_, what)) = other.iter().find(|(magic, _)| packed_as(magic)) {
            return Err(Error::CsvNoText { path: path.to_owned(), found: (*what).to_owned() });
        }
        Ok(input)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a position in the text is a position in the file.
    pub(crate) fn is_plain(&self) -> bool {
        self.codec == Codec::Plain
    }

    /// The bytes from the start, decompressed.
    pub(crate) fn reader(&self) -> Result<Box<dyn BufRead + Send>> {
        let raw = self.raw(0)?;
        Ok(match self.codec {
            Codec::Plain => raw,
            Codec::Gzip => buffered(flate2::bufread::MultiGzDecoder::new(raw)),
            Codec::Zstd => {
                let decoder = zstd::Decoder::with_buffer(raw);
                buffered(decoder.map_err(|cause| Error::Io { path: self.path.clone(), cause })?)
            }
        })
    }

    /// The bytes of a plain file from a position on.
    pub(crate) fn reader_from(&self, position: u64) -> Result<Box<dyn BufRead + Send>> {
        self.raw(position)
    }

    fn raw(&self, position: u64) -> Result<Box<dyn BufRead + Send>> {
        let io = |cause| Error::Io { path: self.path.clone(), cause };
        Ok(match &self.store {
            Store::File { stamp } => {
                let mut file = File::open(&self.path).map_err(io)?;
                let metadata = file.metadata().map_err(io)?;
                if *stamp != (metadata.len(), metadata.modified().ok()) {
                    return Err(Error::FileChanged { path: self.path.clone() });
                }
                file.seek(SeekFrom::Start(position)).map_err(io)?;
                buffered(file)
            }
            Store::Memory(bytes) => {
                let mut cursor = Cursor::new(Arc::clone(bytes));
                cursor.set_position(position);
                Box::new(cursor)
            }
            Store::Temporary(file) => buffered(Shared { file: Arc::clone(file), position }),
        })
    }
}

fn buffered(reader: impl Read + Send + 'static) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(BUFFER, reader))
}

/// Reads to the end, but not more than is allowed.
fn keep(mut pipe: impl Read, path: &Path, max_bytes: Option<u64>) -> Result<Store> {
    let io = |cause| Error::Io { path: path.to_owned(), cause };
    let limit = max_bytes.unwrap_or(CsvOptions::MAX_PIPED_BYTES);
    let mut bytes = Vec::new();
    let kept = pipe.by_ref().take(KEPT_IN_MEMORY.min(limit)).read_to_end(&mut bytes).map_err(io)? as u64;
    let too_long = |pipe: &mut dyn Read| match pipe.take(1).read_to_end(&mut Vec::new()) {
        Ok(0) => Ok(()),
        Ok(_) => Err(Error::CsvTooLong { path: path.to_owned(), limit }),
        Err(cause) => Err(io(cause)),
    };
    if kept < KEPT_IN_MEMORY.min(limit) {
        return Ok(Store::Memory(bytes.into()));
    }
    if kept == limit {
        too_long(&mut pipe)?;
        return Ok(Store::Memory(bytes.into()));
    }
    let mut file = tempfile::tempfile().map_err(io)?;
    file.write_all(&bytes).map_err(io)?;
    drop(bytes);
    io::copy(&mut pipe.by_ref().take(limit - kept), &mut file).map_err(io)?;
    too_long(&mut pipe)?;
    Ok(Store::Temporary(Arc::new(Mutex::new(file))))
}

/// An independent reader of a shared file.
struct Shared {
    file: Arc<Mutex<File>>,
    position: u64,
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.position))?;
        let read = file.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File { .. } => "File",
            Self::Memory(_) => "Memory",
            Self::Temporary(_) => "Temporary",
        })
    }
}
