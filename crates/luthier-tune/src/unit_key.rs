//! Names of units that mean the same in another process and another run.

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};

/// The name of a unit of work: a round, a place in the pipeline and the configurations that were fitted there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnitKey {
    /// The number of the round.
    pub round: u32,
    /// The names of the stages up to the one that is fitted, such as `scaler/lr`.
    pub stage: String,
    /// A hash of the configurations of the stage that are fitted together, and of the stages before it.
    pub hash: Fingerprint,
}

impl UnitKey {
    pub(crate) fn new(round: u32, stage: impl Into<String>, hash: Fingerprint) -> Self {
        Self { round, stage: stage.into(), hash }
    }
}

/// `round 3, scaler/lr, 9f86d081884c7d65`
impl fmt::Display for UnitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "round {}, {}, {}", self.round, self.stage, self.hash)
    }
}

/// A 64-bit hash by FNV-1a (Fowler, Noll and Vo), which is the same on every machine and for every version of Rust. In a
/// document it is 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u64);

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The hash of nothing.
impl Default for Fingerprint {
    fn default() -> Self {
        Self(OFFSET)
    }
}

impl Fingerprint {
    /// The hash of what was hashed before, followed by a value as it is displayed. The end of the value is hashed as well, so
    /// that "ab", "c" differs from "a", "bc".
    #[must_use]
    pub fn with(self, value: &(impl fmt::Display + ?Sized)) -> Self {
        let mut hash = self;
        // Nothing that is written here fails.
        let _ = write!(hash, "{value}\u{0}");
        hash
    }
}

impl Write for Fingerprint {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = text.bytes().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        Ok(())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("{text:?}, expected 16 hexadecimal digits"));
        u64::from_str_radix(&text, 16).map(Self).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_definition() {
        let hash = |text: &str| {
            let mut hash = Fingerprint::default();
            hash.write_str(text).unwrap();
            hash.to_string()
        };
        // From the reference code of the authors.
        assert_eq!(hash(""), "cbf29ce484222325");
        assert_eq!(hash("a"), "af63dc4c8601ec8c");
        assert_eq!(hash("foobar"), "85944171f73967e8");
    }

    #[test]
    fn where_a_value_ends_matters() {
        let hash = |values: [&str; 2]| values.iter().fold(Fingerprint::default(), |hash, v| hash.with(*v));
        assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
    }

    #[test]
    fn keys_are_read_back() {
        let key = UnitKey::new(3, "scaler/lr", Fingerprint::default().with("x"));
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<UnitKey>(&json).unwrap(), key);
    }
}
