//! Checks the sizes that a Parquet file claims before a decoder allocates memory for them.
//!
//! The footer and the headers of pages are written in Thrift's compact protocol. They are not decoded here: a walk over
//! the bytes shows whether lists and strings can be as long as they claim.

/// A position in bytes of the compact protocol.
#[derive(Debug)]
struct Walk<'a> {
    bytes: &'a [u8],
}

const LIST: u8 = 9;
const STRUCT: u8 = 12;
/// The deepest nesting of structs; the format has fewer than 10 levels.
const DEEPEST: usize = 64;

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*byte)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Length of a list and type of its items, each of which takes at least one byte.
    fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            few => u64::from(few),
        };
        (count <= self.bytes.len() as u64).then_some((count, head & 0x0f))
    }

    /// Visits the fields of a struct with number and type.
    fn fields(&mut self, mut visit: impl FnMut(&mut Self, i64, u8) -> Option<()>) -> Option<()> {
        let mut number = 0;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            number = match head >> 4 {
                0 => self.integer()?,
                step => number + i64::from(step),
            };
            visit(self, number, head & 0x0f)?;
        }
    }

    fn skip(&mut self, of_type: u8, depth: usize) -> Option<()> {
        if depth == DEEPEST {
            return None;
        }
        match of_type {
            1 | 2 => Some(()),
            3 => self.pass(1),
            4..=6 => self.varint().map(drop),
            7 => self.pass(8),
            8 => {
                let length = self.varint()?;
                self.pass(length)
            }
            LIST | 10 => {
                let (count, item) = self.list()?;
                (0..count).try_for_each(|_| self.skip_item(item, depth + 1))
            }
            11 => {
                let count = self.varint()?;
                let types = if count == 0 { 0 } else { self.byte()? };
                (0..count).try_for_each(|_| {
                    self.skip_item(types >> 4, depth + 1)?;
                    self.skip_item(types & 0x0f, depth + 1)
                })
            }
            STRUCT => self.fields(|walk, _, of_type| walk.skip(of_type, depth + 1)),
            13 => self.pass(16),
            _ => None,
        }
    }

    /// As [`skip`](Self::skip); booleans in lists take a byte.
    fn skip_item(&mut self, of_type: u8, depth: usize) -> Option<()> {
        if matches!(of_type, 1 | 2) { self.pass(1) } else { self.skip(of_type, depth) }
    }
}

/// Whether the lists, strings and nested columns of a footer can be as large as they claim.
pub(super) fn footer_is_plausible(footer: &[u8]) -> bool {
    let mut walk = Walk { bytes: footer };
    let walked = walk.fields(|walk, number, of_type| match (number, of_type) {
        // The schema: columns, each with the number of columns within it.
        (2, LIST) => {
            let (columns, item) = walk.list()?;
            (0..columns).try_for_each(|_| {
                if item != STRUCT {
                    return walk.skip_item(item, 0);
                }
                walk.fields(|walk, number, of_type| match (number, of_type) {
                    (5, 5) => {
                        u64::try_from(walk.integer()?).is_ok_and(|within| within <= columns).then_some(())
                    }
                    _ => walk.skip(of_type, 0),
                })
            })
        }
        _ => walk.skip(of_type, 0),
    });
    walked.is_some()
}

/// The claims in the header of a page.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageClaims {
    /// Bytes of the decompressed page.
    pub(super) unpacked: u64,
    /// Values in the page.
    pub(super) values: u64,
    /// Whether the values are those of a dictionary.
    pub(super) dictionary: bool,
    /// The number of the encoding of the values.
    pub(super) encoding: i64,
}

/// The claims in the header of a page; `None` if it is not valid or does not end within `bytes`.
pub(super) fn page_claims(bytes: &[u8]) -> Option<PageClaims> {
    let mut claims = PageClaims::default();
    let mut walk = Walk { bytes };
    walk.fields(|walk, number, of_type| match (number, of_type) {
        (2, 5) => {
            claims.unpacked = u64::try_from(walk.integer()?).ok()?;
            Some(())
        }
        (5 | 7 | 8, STRUCT) => {
            claims.dictionary = number == 7;
            let encoding = if number == 8 { 4 } else { 2 };
            walk.fields(|walk, number, of_type| match (number, of_type) {
                (place, 5) if place == encoding => {
                    claims.encoding = walk.integer()?;
                    Some(())
                }
                (1, 5) => {
                    claims.values = u64::try_from(walk.integer()?).ok()?;
                    Some(())
                }
                _ => walk.skip(of_type, 0),
            })
        }
        _ => walk.skip(of_type, 0),
    })?;
    Some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_compared_with_the_bytes_there_are() {
        // A struct with version = 1 and a schema of one column with a name and no columns within.
        let footer = [0x15, 0x02, 0x19, 0x1c, 0x48, 1, b'x', 0x15, 0x00, 0x00, 0x00];
        assert!(footer_is_plausible(&footer));
        let with = |at: usize, byte: u8| {
            let mut other = footer;
            other[at] = byte;
            footer_is_plausible(&other)
        };
        assert!(with(8, 0x02), "one column within");
        assert!(!with(8, 0x04), "two columns within, of one");
        assert!(!with(3, 0xec), "14 columns");
        assert!(!with(5, 9), "a name of 9 bytes");
        assert!(!footer_is_plausible(&footer[..footer.len() - 1]));
        assert!(!footer_is_plausible(&[0x1c; 200]), "structs within structs");
    }

    #[test]
    fn a_page_claims_bytes_and_values() {
        let dictionary = [0x15, 0x04, 0x15, 0x80, 0x01, 0x15, 0x10, 0x4c, 0x15, 0x0e, 0x15, 0x00, 0x00, 0x00];
        let expected = PageClaims { unpacked: 64, values: 7, dictionary: true, encoding: 0 };
        assert_eq!(page_claims(&dictionary), Some(expected));
        assert_eq!(page_claims(&dictionary[..10]), None);
    }
}
