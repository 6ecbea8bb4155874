//! Names of contents.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use twox_hash::XxHash3_128;

use crate::{Error, Result};

/// How much of a file is read at a time.
const CHUNK: usize = 1 << 20;

/// A hash of contents, which is the same on every machine: XXH3 with 128 bits, displayed as 32 hexadecimal digits.
///
/// It tells whether contents are the same; it does not protect against somebody who makes other contents with the same hash.
///
/// ```
/// use luthier_frame::ContentHash;
///
/// let mut hash = ContentHash::new();
/// hash.write(b"Lu");
/// hash.write(b"thier");
/// assert_eq!(hash.finish(), ContentHash::of(b"Luthier"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(u128);

impl ContentHash {
    /// A hash of bytes that come piece by piece.
    #[expect(clippy::new_ret_no_self, reason = "what is being hashed has no hash yet")]
    pub fn new() -> ContentHasher {
        ContentHasher(XxHash3_128::new())
    }

    /// The hash of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(XxHash3_128::oneshot(bytes))
    }

    /// The hash of the bytes of a file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn of_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unread = |cause| Error::Io { path: path.to_owned(), cause };
        let mut file = File::open(path).map_err(unread)?;
        let (mut hash, mut chunk) = (Self::new(), vec![0; CHUNK]);
        loop {
            match file.read(&mut chunk) {
                Ok(0) => return Ok(hash.finish()),
                Ok(read) => hash.write(chunk.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unread(error)),
            }
        }
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Contents that are being hashed: see [`ContentHash::new`].
#[derive(Clone)]
pub struct ContentHasher(XxHash3_128);

impl ContentHasher {
    /// Adds bytes to those before them. Where pieces end does not matter.
    pub fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The hash of all bytes so far.
    #[must_use]
    pub fn finish(&self) -> ContentHash {
        ContentHash(self.0.finish_128())
    }
}

impl fmt::Debug for ContentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHasher({})", self.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_hash_of_its_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let bytes: Vec<u8> = (0..3 * CHUNK as u32 + 17).map(|i| (i % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(ContentHash::of_file(&path).unwrap(), ContentHash::of(&bytes));
        assert!(ContentHash::of_file(directory.path().join("b")).is_err());
    }

    #[test]
    fn the_hash_is_that_of_other_implementations() {
        // xxhsum -H2 of an empty file.
        assert_eq!(ContentHash::of(b"").to_string(), "99aa06d3014798d86001c324468d497f");
    }
}
