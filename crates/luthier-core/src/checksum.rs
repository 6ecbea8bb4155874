//! Checksums of saved documents.
//!
//! The entry `checksum` of a document is the CRC-32C (Castagnoli) of all other entries, as text of one form: without spaces, keys in
//! the order of their bytes, and integral numbers up to 2^53 as integers. So it stays right when a tool indents the document
//! differently, sorts its keys, or writes `1` for `1.0`.

use serde_json::{Map, Number, Value as Json};

use crate::Result;
use crate::document::wrong;

/// The key of the checksum.
pub(crate) const KEY: &str = "checksum";

/// What comes before the digits.
const METHOD: &str = "crc32c:";

/// All integers up to it are floats.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// The checksum of a document: of all its entries but the checksum.
pub(crate) fn of(document: &Map<String, Json>) -> String {
    let mut crc = Crc(0);
    crc.object(document.iter().filter(|(key, _)| *key != KEY));
    format!("{METHOD}{:08x}", crc.0)
}

/// Checks the checksum of a document, if it has one.
///
/// # Errors
/// Another checksum than that of the other entries.
pub(crate) fn check(document: &Json, kind: &str) -> Result<()> {
    let Some((document, found)) = document.as_object().and_then(|all| Some((all, all.get(KEY)?))) else {
        return Ok(());
    };
    let advice = format!("to load it as it is, delete the entry `{KEY}`");
    let failed = |reason: String| -> Result<()> { Err(wrong(kind, &reason)) };
    match found.as_str() {
        Some(text) if text == of(document) => Ok(()),
        Some(text) if text.starts_with(METHOD) && text.len() == METHOD.len() + 8 => failed(format!(
            "the file was changed after it was written: its contents have the checksum {}, but its `{KEY}` is {text}. If \
             somebody edited it on purpose, {advice}; otherwise it is damaged, and should be copied or written again",
            of(document)
        )),
        _ => failed(format!("its `{KEY}` is not \"{METHOD}\" and eight hexadecimal digits; {advice}")),
    }
}

/// A checksum to which text is added.
struct Crc(u32);

impl Crc {
    fn text(&mut self, text: &str) {
        self.0 = crc32c::crc32c_append(self.0, text.as_bytes());
    }

    fn value(&mut self, value: &Json) {
        match value {
            Json::Array(items) => {
                self.text("[");
                for (i, item) in items.iter().enumerate() {
                    self.text(if i == 0 { "" } else { "," });
                    self.value(item);
                }
                self.text("]");
            }
            Json::Object(entries) => self.object(entries.iter()),
            Json::Number(number) => self.number(number),
            scalar => self.text(&scalar.to_string()),
        }
    }

    fn object<'a>(&mut self, entries: impl Iterator<Item = (&'a String, &'a Json)>) {
        let mut entries: Vec<_> = entries.collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        self.text("{");
        for (i, (key, value)) in entries.into_iter().enumerate() {
            self.text(if i == 0 { "" } else { "," });
            self.value(&Json::from(key.as_str()));
            self.text(":");
            self.value(value);
        }
        self.text("}");
    }

    fn number(&mut self, number: &Number) {
        let integral =
            number.as_f64().filter(|x| number.is_f64() && x.fract() == 0.0 && x.abs() <= LARGEST_EXACT);
        match integral {
            // A negative zero keeps its sign.
            Some(x) if x != 0.0 || x.is_sign_positive() => self.text(&(x as i64).to_string()),
            _ => self.text(&number.to_string()),
        }
    }
}

/// The document with its checksum at this place among its entries.
pub(crate) fn added(mut document: Json, place: usize) -> Json {
    if let Some(entries) = document.as_object_mut() {
        entries.shift_remove(KEY);
        let checksum = of(entries);
        entries.shift_insert(place.min(entries.len()), KEY.to_owned(), Json::from(checksum));
    }
    document
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(text: &str) -> std::result::Result<(), String> {
        check(&serde_json::from_str(text).unwrap(), "model").map_err(|error| error.to_string())
    }

    #[test]
    fn it_does_not_depend_on_spaces_order_or_the_form_of_numbers() {
        let document = added(json!({"a": 1.0, "b": {"y": [0.5, -0.0, 1e300], "x": "ü\n"}, "c": null}), 1);
        let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["a", KEY, "b", "c"]);
        let checksum = document[KEY].as_str().unwrap();
        for text in [
            document.to_string(),
            serde_json::to_string_pretty(&document).unwrap(),
            format!(
                r#"{{"checksum":"{checksum}", "c":null, "b":{{"x":"\u00fc\u000a","y":[5e-1,-0.0,1E300]}}, "a":1}}"#
            ),
        ] {
            assert_eq!(checked(&text), Ok(()), "{text}");
        }
    }

    #[test]
    fn it_is_the_crc_of_the_text_of_one_form() {
        let document = json!({"b": [1.0, 0.1], "a": "x", KEY: "crc32c:00000000"});
        let expected = crc32c::crc32c(br#"{"a":"x","b":[1,0.1]}"#);
        assert_eq!(of(document.as_object().unwrap()), format!("crc32c:{expected:08x}"));
    }

    #[test]
    fn every_changed_bit_of_the_contents_is_found() {
        let text =
            added(json!({"type": "pca", "state": {"mean": [0.25, 3.0, -1e-7], "k": 2}, "on": true}), 0)
                .to_string();
        let mut found = 0;
        for bit in 0..8 * text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(changed) = serde_json::from_slice::<Json>(&bytes) else { continue };
            // Without its key, the checksum is not one; `1E-7` is the number that it was.
            if changed.get(KEY).is_none() || changed == serde_json::from_str::<Json>(&text).unwrap() {
                continue;
            }
            assert!(check(&changed, "model").is_err(), "{changed}");
            found += 1;
        }
        assert!(found > 100, "{found}");
    }

    #[test]
    fn what_is_no_checksum_is_said() {
        assert_eq!(checked(r#"{"a": 1}"#), Ok(()));
        for text in [r#"{"a": 1, "checksum": 7}"#, r#"{"a": 1, "checksum": "md5:00"}"#] {
            let reason = checked(text).unwrap_err();
            assert!(
                reason.contains("is not \"crc32c:\"") && reason.contains("delete the entry `checksum`"),
                "{reason}"
            );
        }
    }
}
