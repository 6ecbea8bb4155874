//! Lines that tell whether they are whole.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// What comes before the checksum in a line, and behind it.
const BEFORE: &str = "{\"crc\":\"";
const BEHIND: &str = "\",";

/// The number of hexadecimal digits of a checksum.
const DIGITS: usize = 8;

/// An object as a line of JSON, whose first entry is the CRC-32C (Castagnoli) of everything behind that entry.
pub(super) fn write(object: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(object).map_err(|error| Error::invalid(error.to_string()))?;
    let rest = text.strip_prefix('{').unwrap_or(&text);
    Ok(format!("{BEFORE}{:08x}{BEHIND}{rest}\n", crc32c::crc32c(rest.as_bytes())))
}

/// The object of a line without its end; `None` if the line is not as it was written.
pub(super) fn read<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let rest = line.strip_prefix(BEFORE.as_bytes())?;
    let (digits, rest) = rest.split_at_checked(DIGITS)?;
    let crc = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    let rest = rest.strip_prefix(BEHIND.as_bytes())?;
    if crc32c::crc32c(rest) != crc {
        return None;
    }
    let text = std::str::from_utf8(rest).ok()?;
    serde_json::from_str(&format!("{{{text}")).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_line_comes_back_and_is_json_with_its_checksum() {
        let object = json!({"key": "a", "text": "line\nend \"quoted\" ü", "metric": 0.1});
        let line = write(&object).unwrap();
        assert_eq!(read::<Value>(line.trim_end().as_bytes()), Some(object.clone()));
        let mut whole: Value = serde_json::from_str(&line).unwrap();
        assert!(whole.as_object_mut().unwrap().remove("crc").is_some());
        assert_eq!(whole, object);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let line = write(&json!({"key": "0123", "metric": 57.25, "error": null})).unwrap();
        let line = line.trim_end().as_bytes();
        for bit in 0..8 * line.len() {
            let mut damaged = line.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // Digits in upper case are the same number.
            let is_same = damaged.to_ascii_lowercase() == line;
            assert!(is_same || read::<Value>(&damaged).is_none(), "bit {bit}");
        }
        (0..line.len()).for_each(|end| assert_eq!(read::<Value>(&line[..end]), None));
    }
}
