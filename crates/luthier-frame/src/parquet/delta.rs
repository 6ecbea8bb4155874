//! Checks how many values pages with delta encodings of bytes claim: the decoder takes memory for all of them before it reads one.

use std::sync::Arc;

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::file::{CheckedFile, HARMLESS};
use super::guard::damaged;

/// The numbers of these encodings in the header of a page.
pub(super) const NUMBERS: [i64; 2] = [6, 7];

/// Whether pages of an encoding hold lengths whose number is claimed.
pub(super) fn has_lengths(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY)
}

/// Checks the pages of a column in a row group, if there are such among them. They are unpacked once more for it.
///
/// # Errors
/// A page that claims more lengths than it has values; one that cannot be read.
pub(super) fn check(file: &Arc<CheckedFile>, chunk: &ColumnChunkMetaData, rows: usize) -> Result<()> {
    if !chunk.encodings().any(has_lengths) {
        return Ok(());
    }
    let mut pages = SerializedPageReader::new(Arc::clone(file), chunk, rows, None)?;
    while let Some(page) = pages.get_next_page()? {
        if !has_lengths(page.encoding()) {
            continue;
        }
        let most = u64::from(page.num_values()).max(HARMLESS);
        let blocks = if page.encoding() == Encoding::DELTA_BYTE_ARRAY { 2 } else { 1 };
        // What ends too early is an error of the decoder, which stops there as well.
        let mut lengths = values_of(&page, chunk).map(Lengths);
        for _ in 0..blocks {
            let Some(claimed) = lengths.as_mut().and_then(Lengths::skip) else { break };
            if claimed > most {
                return Err(damaged(format!(
                    "a page of column `{}` with {} values claims {claimed} lengths",
                    chunk.column_path().string(),
                    page.num_values()
                )));
            }
        }
    }
    Ok(())
}

/// The bytes of a page behind its levels.
fn values_of<'a>(page: &'a Page, chunk: &ColumnChunkMetaData) -> Option<&'a [u8]> {
    match page {
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
            buf.get((*def_levels_byte_len as usize).checked_add(*rep_levels_byte_len as usize)?..)
        }
        Page::DataPage { buf, num_values, def_level_encoding, rep_level_encoding, .. } => {
            let column = chunk.column_descr();
            let levels = [
                (column.max_rep_level(), *rep_level_encoding),
                (column.max_def_level(), *def_level_encoding),
            ];
            let mut rest: &[u8] = buf;
            for (most, encoding) in levels.into_iter().filter(|(most, _)| *most > 0) {
                let (start, bytes) = match encoding {
                    Encoding::RLE => {
                        let (length, _) = rest.split_first_chunk::<4>()?;
                        (4, u32::from_le_bytes(*length) as usize)
                    }
                    _ => (0, (*num_values as usize * (16 - most.leading_zeros() as usize)).div_ceil(8)),
                };
                rest = rest.get(start..)?.get(bytes..)?;
            }
            Some(rest)
        }
        Page::DictionaryPage { buf, .. } => Some(buf),
    }
}

/// Integers in the encoding `DELTA_BINARY_PACKED`.
struct Lengths<'a>(&'a [u8]);

impl Lengths<'_> {
    /// Skips them, and returns how many they claim to be; `None` if they end too early.
    fn skip(&mut self) -> Option<u64> {
        let (block, parts, claimed) = (self.number()?, self.number()?, self.number()?);
        self.number()?;
        let values = block.checked_div(parts)?;
        let mut left = claimed.saturating_sub(1);
        // Whoever claims too much is found by the caller, and need not be followed.
        while left > 0 && !self.0.is_empty() {
            self.number()?;
            let (widths, rest) = self.0.split_at_checked(usize::try_from(parts).ok()?)?;
            let mut bytes = 0u64;
            for &width in widths {
                if left > 0 {
                    bytes = bytes.checked_add(u64::from(width).checked_mul(values)? / 8)?;
                }
                left = left.saturating_sub(values);
            }
            self.0 = rest.get(usize::try_from(bytes).ok()?..).unwrap_or_default();
        }
        Some(claimed)
    }

    /// An integer of seven bits to a byte.
    fn number(&mut self) -> Option<u64> {
        let end = self.0.iter().position(|byte| byte & 0x80 == 0)? + 1;
        let (bytes, rest) = self.0.split_at_checked(end.min(10))?;
        self.0 = rest;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_skipped_and_their_claims_returned() {
        // Blocks of 128 in 4 parts: 3 lengths, of which the first is 5, with differences of at least 0 in 1 bit each.
        let one = [0x80, 0x01, 4, 3, 10, 0, 1, 0, 0, 0, 0b11, 0, 0, 0];
        let two = [&one[..], &[0x80, 0x01, 4, 1, 10][..], &[7][..]].concat();
        let mut lengths = Lengths(&two);
        assert_eq!(lengths.skip(), Some(3));
        assert_eq!(lengths.skip(), Some(1));
        assert_eq!(lengths.0, [7]);
        let claim = [0x80, 0x01, 4, 0xff, 0xff, 0xff, 0xff, 0x0f, 10, 0, 1, 0, 0, 0];
        assert_eq!(Lengths(&claim).skip(), Some(u64::from(u32::MAX)));
        assert_eq!(Lengths(&claim[..4]).skip(), None);
        assert_eq!(Lengths(&[0x80, 0x01, 0, 3, 10, 0]).skip(), None, "no parts");
    }
}
