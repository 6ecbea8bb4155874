//! The records of a text, one after the other.

use std::sync::Arc;

use super::text::{Stop, Text, TextReader};
use super::tokens::{Cell, Found, QuoteError, Record, Tokens, line_ends};
use crate::{Error, Result};

/// Bytes of text in memory at a time, unless a record is longer.
const PIECE: usize = 256 << 10;

/// A place between two records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Bytes of text (in UTF-8) before it.
    pub(crate) offset: u64,
    /// The line that begins there, from 1.
    pub(crate) line: u64,
}

impl Position {
    /// The beginning of the text.
    pub(crate) const START: Self = Self { offset: 0, line: 1 };
}

/// Reads records from a position on.
pub(crate) struct Records {
    text: Arc<Text>,
    reader: TextReader,
    tokens: Tokens,
    /// How many cells a record must have, if that is known.
    expected: Option<usize>,
    buffer: String,
    /// Where the next record begins, in the buffer and in the text.
    at: usize,
    position: Position,
    whole: bool,
    record: Record,
}

impl Records {
    pub(crate) fn new(
        text: Arc<Text>,
        tokens: Tokens,
        expected: Option<usize>,
        position: Position,
    ) -> Result<Self> {
        let reader = text.from(position.offset)?;
        let (buffer, record) = (String::new(), Record::default());
        Ok(Self { text, reader, tokens, expected, buffer, at: 0, position, whole: false, record })
    }

    /// The position of the next record.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Goes to the next record; `false` at the end. Comments are skipped, and so are blank lines, unless there is only
    /// one column.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        while self.next()? {
            if self.record.is_blank(&self.buffer) && self.expected != Some(1) {
                continue;
            }
            return match self.expected {
                Some(expected) if expected != self.record.len() => Err(Error::CsvFields {
                    path: self.path(),
                    line: self.record.line,
                    expected,
                    found: self.record.len(),
                    hint: None,
                }),
                _ => Ok(true),
            };
        }
        Ok(false)
    }

    /// The line at which the record begins.
    pub(crate) fn line(&self) -> u64 {
        self.record.line
    }

    /// The cells of the record.
    pub(crate) fn cells(&self) -> impl ExactSizeIterator<Item = Cell<'_>> + Clone {
        self.record.cells(&self.buffer)
    }

    /// A cell of the record.
    pub(crate) fn cell(&self, index: usize) -> Option<Cell<'_>> {
        self.record.cell(index, &self.buffer)
    }

    /// Skips lines, whatever they contain.
    pub(crate) fn skip_lines(&mut self, lines: u64) -> Result<()> {
        for _ in 0..lines {
            loop {
                let rest = &self.buffer[self.at..];
                // More text may be needed to see whether a CR is followed by an LF.
                let end = rest.find(['\n', '\r']).filter(|end| end + 1 < rest.len() || self.whole);
                let Some(end) = end else {
                    if self.whole {
                        return Ok(());
                    }
                    self.refill()?;
                    continue;
                };
                let length = if rest[end..].starts_with("\r\n") { end + 2 } else { end + 1 };
                self.at += length;
                self.position.offset += length as u64;
                self.position.line += 1;
                break;
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<bool> {
        loop {
            let found =
                self.tokens.next(&self.buffer, self.at, self.position.line, self.whole, &mut self.record);
            match found.map_err(|QuoteError { line, problem }| Error::CsvQuote {
                path: self.path(),
                line,
                problem,
            })? {
                Found::Record => {
                    let length = self.record.end - self.at;
                    self.at = self.record.end;
                    self.position.offset += length as u64;
                    self.position.line = self.record.next_line;
                    return Ok(true);
                }
                Found::Nothing => return Ok(false),
                Found::Incomplete => self.refill()?,
            }
        }
    }

    /// Fetches more text: as much as the record has so far, so that a long one is not cut again and again.
    fn refill(&mut self) -> Result<()> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let wanted = self.buffer.len().max(PIECE);
        let filled = self.reader.fill(&mut self.buffer, wanted);
        self.whole = !filled.map_err(|stop| match stop {
            Stop::Malformed => Error::CsvEncoding {
                path: self.path(),
                line: self.position.line + line_ends(&self.buffer),
                encoding: self.text.encoding(),
            },
            Stop::TooLong => Error::CsvTooLong { path: self.path(), limit: self.text.max_bytes() },
            Stop::Io(cause) => Error::Io { path: self.path(), cause },
        })?;
        Ok(())
    }

    fn path(&self) -> std::path::PathBuf {
        self.text.input().path().to_owned()
    }
}
