//! From bytes to text, piece by piece.

use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, DecoderResult};

use super::input::Input;
use crate::{Error, Result};

/// An encoding other than UTF-8, or UTF-8 itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Other(&'static encoding_rs::Encoding),
}

impl Encoding {
    /// The encoding of this name, if there is one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        // Common names that are not in the list of the standard.
        let name = match name.to_ascii_lowercase().as_str() {
            "latin-1" | "latin_1" | "iso8859-1" => "latin1".to_owned(),
            "latin-9" | "latin9" => "iso-8859-15".to_owned(),
            "utf_8" | "utf-8-sig" | "utf8-sig" => "utf-8".to_owned(),
            "utf16" | "utf_16" => "utf-16".to_owned(),
            "utf16le" | "utf_16_le" => "utf-16le".to_owned(),
            "utf16be" | "utf_16_be" => "utf-16be".to_owned(),
            other => other.to_owned(),
        };
        let encoding = encoding_rs::Encoding::for_label(name.as_bytes())?;
        Some(if encoding == encoding_rs::UTF_8 { Self::Utf8 } else { Self::Other(encoding) })
    }
}

/// The text of an input, which can be read from any position on.
#[derive(Debug)]
pub(crate) struct Text {
    input: Input,
    encoding: Encoding,
    /// Bytes before a text in UTF-8.
    mark: u64,
    max_bytes: u64,
}

/// Why there is no more text.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The bytes are not valid in the encoding.
    Malformed,
    /// There is more text than is allowed.
    TooLong,
    /// They cannot be read.
    Io(io::Error),
}

impl Text {
    /// The text of an input; without an encoding, the first bytes determine it.
    pub(crate) fn new(input: Input, encoding: Option<Encoding>, max_bytes: Option<u64>) -> Result<Self> {
        let unreadable = |cause| Error::Io { path: input.path().to_owned(), cause };
        let mut start = Vec::new();
        input.reader()?.take(4096).read_to_end(&mut start).map_err(unreadable)?;
        let has_mark = start.starts_with(b"\xef\xbb\xbf");
        let encoding = match encoding {
            Some(encoding) => encoding,
            None if start.starts_with(b"\xff\xfe") => Encoding::Other(encoding_rs::UTF_16LE),
            None if start.starts_with(b"\xfe\xff") => Encoding::Other(encoding_rs::UTF_16BE),
            None => {
                if start.iter().filter(|&&byte| byte == 0).count() > start.len() / 4 {
                    let found =
                        "binary data, or text in UTF-16: then name its encoding, utf-16le or utf-16be";
                    return Err(Error::CsvNoText { path: input.path().to_owned(), found: found.to_owned() });
                }
                Encoding::Utf8
            }
        };
        let mark = if encoding == Encoding::Utf8 && has_mark { 3 } else { 0 };
        Ok(Self { input, encoding, mark, max_bytes: max_bytes.unwrap_or(u64::MAX) })
    }

    pub(crate) fn input(&self) -> &Input {
        &self.input
    }

    pub(crate) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// The name of the encoding.
    pub(crate) fn encoding(&self) -> &'static str {
        match self.encoding {
            Encoding::Utf8 => "UTF-8",
            Encoding::Other(encoding) => encoding.name(),
        }
    }

    /// The text from a position on, which counts its bytes in UTF-8.
    pub(crate) fn from(&self, position: u64) -> Result<TextReader> {
        let can_seek = self.encoding == Encoding::Utf8 && self.input.is_plain();
        let decoder = match self.encoding {
            Encoding::Utf8 => None,
            Encoding::Other(encoding) => Some(encoding.new_decoder()),
        };
        let start = if can_seek { position } else { 0 };
        let mut bytes = match can_seek {
            true => self.input.reader_from(self.mark + position)?,
            false => self.input.reader()?,
        };
        if !can_seek && self.mark > 0 {
            let io = |cause| Error::Io { path: self.input.path().to_owned(), cause };
            io::copy(&mut bytes.by_ref().take(self.mark), &mut io::sink()).map_err(io)?;
        }
        Ok(TextReader {
            bytes,
            decoder,
            rest: Vec::new(),
            position: start,
            left: self.max_bytes.saturating_sub(start),
            skip: position - start,
        })
    }
}

/// A reader of text.
pub(crate) struct TextReader {
    bytes: Box<dyn BufRead + Send>,
    /// `None` for UTF-8.
    decoder: Option<Decoder>,
    /// The first bytes of an incomplete character.
    rest: Vec<u8>,
    position: u64,
    left: u64,
    /// Bytes of text that are still to be skipped.
    skip: u64,
}

impl TextReader {
    /// Appends about `wanted` bytes of text; `false` if there is no more.
    pub(crate) fn fill(&mut self, out: &mut String, wanted: usize) -> Result<bool, Stop> {
        let start = out.len();
        let mut more = true;
        while more && out.len() - start < wanted {
            let before = out.len();
            more = self.decode(out)?;
            let new = (out.len() - before) as u64;
            self.position += new;
            self.left = self.left.checked_sub(new).ok_or(Stop::TooLong)?;
            if self.skip > 0 {
                let skipped = self.skip.min(new);
                self.skip -= skipped;
                out.drain(before..before + skipped as usize);
            }
        }
        Ok(more)
    }

    /// Decodes what is buffered; `false` at the end.
    fn decode(&mut self, out: &mut String) -> Result<bool, Stop> {
        let bytes = self.bytes.fill_buf().map_err(Stop::Io)?;
        let (length, last) = (bytes.len(), bytes.is_empty());
        match &mut self.decoder {
            Some(decoder) => {
                let mut from = bytes;
                loop {
                    let room =
                        decoder.max_utf8_buffer_length_without_replacement(from.len()).unwrap_or(1 << 16);
                    out.reserve(room);
                    let (result, read) = decoder.decode_to_string_without_replacement(from, out, last);
                    from = from.get(read..).unwrap_or_default();
                    match result {
                        DecoderResult::InputEmpty => break,
                        DecoderResult::OutputFull => {}
                        DecoderResult::Malformed(..) => return Err(Stop::Malformed),
                    }
                }
            }
            None if self.rest.is_empty() => append(bytes, out, &mut self.rest)?,
            None => {
                // A character that was cut by the end of the previous buffer.
                let mut joined = std::mem::take(&mut self.rest);
                joined.extend_from_slice(bytes);
                append(&joined, out, &mut self.rest)?;
            }
        }
        self.bytes.consume(length);
        if last && !self.rest.is_empty() {
            return Err(Stop::Malformed);
        }
        Ok(!last)
    }
}

/// Appends the characters; the bytes of one that is not complete go to `rest`.
fn append(bytes: &[u8], out: &mut String, rest: &mut Vec<u8>) -> Result<(), Stop> {
    let (valid, error) = match std::str::from_utf8(bytes) {
        Ok(text) => (text.len(), None),
        Err(error) => (error.valid_up_to(), Some(error)),
    };
    out.push_str(std::str::from_utf8(&bytes[..valid]).unwrap_or_default());
    match error {
        None => Ok(()),
        Some(error) if error.error_len().is_none() => {
            rest.extend_from_slice(&bytes[valid..]);
            Ok(())
        }
        Some(_) => Err(Stop::Malformed),
    }
}
