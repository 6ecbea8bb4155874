//! How much memory a search may take for what it keeps.

use std::fmt;
use std::str::FromStr;

use luthier_core::Value;
use luthier_core::memory::{self, in_words};
use luthier_core::params::ParamType;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Error, Result};

/// Where the system does not tell how much memory is free.
const UNKNOWN_SHARE: u64 = 1 << 30;

/// The memory that the summaries and models kept by a search may take. The frame itself is not counted.
///
/// With less memory, rows are read more often and fewer units run at the same time. The results stay the same up to
/// rounding.
///
/// ```
/// use luthier_tune::MemoryBudget;
///
/// assert_eq!("512 MB".parse::<MemoryBudget>()?, MemoryBudget::Bytes(512_000_000));
/// assert_eq!("2GiB".parse::<MemoryBudget>()?, MemoryBudget::Bytes(2 << 30));
/// assert_eq!("auto".parse::<MemoryBudget>()?, MemoryBudget::Auto);
/// # Ok::<(), luthier_tune::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemoryBudget {
    /// A quarter of the memory that is free when the search starts; 1 GiB where the system does not tell.
    #[default]
    Auto,
    /// A fixed number of bytes.
    Bytes(u64),
}

const UNITS: [(&str, u64); 8] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("b", 1),
];

impl MemoryBudget {
    /// The number of bytes now.
    pub fn bytes(self) -> u64 {
        match self {
            Self::Auto => memory::free().map_or(UNKNOWN_SHARE, |free| free / 4),
            Self::Bytes(bytes) => bytes,
        }
    }
}

fn wrong(found: &str) -> Error {
    Error::invalid(format!(
        "memory_budget is {found}, expected \"auto\" or a size such as \"512 MB\" or \"2 GiB\""
    ))
}

impl FromStr for MemoryBudget {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let lower = text.trim().to_ascii_lowercase();
        if lower == "auto" {
            return Ok(Self::Auto);
        }
        let (number, factor) = UNITS
            .iter()
            .find_map(|(unit, factor)| Some((lower.strip_suffix(unit)?, *factor)))
            .unwrap_or((lower.as_str(), 1));
        let whole = number.trim().parse::<u64>().ok().and_then(|n| n.checked_mul(factor));
        let rounded = || {
            let bytes = number.trim().parse::<f64>().ok()? * factor as f64;
            (bytes >= 1.0 && bytes < u64::MAX as f64).then_some(bytes as u64)
        };
        let bytes = whole.or_else(rounded).filter(|&bytes| bytes > 0);
        bytes.map(Self::Bytes).ok_or_else(|| wrong(&format!("{text:?}")))
    }
}

/// `auto`, or the number of bytes in a unit that fits.
impl fmt::Display for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Bytes(bytes) => f.pad(&in_words(*bytes)),
        }
    }
}

impl ParamType for MemoryBudget {
    fn type_name() -> String {
        "size such as \"512 MB\" or \"auto\"".to_owned()
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Auto => Value::Str("auto".to_owned()),
            Self::Bytes(bytes) => {
                i64::try_from(*bytes).map_or_else(|_| Value::Str(format!("{bytes} B")), Value::Int)
            }
        }
    }

    fn from_value(value: &Value) -> std::result::Result<Self, String> {
        match value {
            Value::Str(text) => text.parse().map_err(|e: Error| e.to_string()),
            Value::Int(bytes) if *bytes > 0 => Ok(Self::Bytes(bytes.unsigned_abs())),
            other => Err(wrong(&other.to_string()).to_string()),
        }
    }
}

impl Serialize for MemoryBudget {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MemoryBudget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes) in
            [("1", 1), ("20 b", 20), ("1.5 kB", 1500), ("3MiB", 3 << 20), ("1 TB", 1_000_000_000_000)]
        {
            assert_eq!(text.parse::<MemoryBudget>().unwrap(), MemoryBudget::Bytes(bytes), "{text}");
        }
        for budget in [MemoryBudget::Auto, MemoryBudget::Bytes(1), MemoryBudget::Bytes(u64::MAX)] {
            assert_eq!(MemoryBudget::from_value(&budget.to_value()), Ok(budget));
        }
        assert_eq!(MemoryBudget::Bytes(400_000_000).to_string(), "400 MB");
        assert_eq!(MemoryBudget::Bytes(2 << 30).to_string(), "2 GiB");
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for text in ["", "0", "-1 MB", "many", "5 parsecs", "nan", "1e30 GB"] {
            let message = text.parse::<MemoryBudget>().unwrap_err().to_string();
            assert!(message.contains(&format!("{text:?}")) && message.contains("512 MB"), "{message}");
        }
    }

    #[test]
    fn a_share_of_the_free_memory_is_something() {
        assert!(MemoryBudget::Auto.bytes() >= 1 << 20);
    }
}
