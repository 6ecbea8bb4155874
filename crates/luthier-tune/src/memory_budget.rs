//! How much memory a search may take for what it keeps.

use std::fmt;
use std::str::FromStr;

use luthier_core::Value;
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
            Self::Auto => free_memory().map_or(UNKNOWN_SHARE, |free| free / 4),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// What Linux says is available without swapping, and what is left of the process's own limit.
fn free_memory() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let free = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)?;
    let number = |file: &str| std::fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
    let limit = number("/sys/fs/cgroup/memory.max")
        .map(|limit| limit.saturating_sub(number("/sys/fs/cgroup/memory.current").unwrap_or(0)));
    Some(limit.map_or(free, |limit| limit.min(free)))
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

/// A number of bytes for people: exact where it is a whole number of units, else three digits.
pub(crate) fn in_words(bytes: u64) -> String {
    let units =
        [("GiB", 1u64 << 30), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("MB", 1_000_000), ("kB", 1_000)];
    if let Some((unit, size)) = units.iter().find(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size)) {
        return format!("{} {unit}", bytes / size);
    }
    match units.iter().filter(|(unit, _)| !unit.contains('i')).find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => {
            let value = bytes as f64 / *size as f64;
            let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
            format!("{value:.digits$} {unit}")
        }
        None => format!("{bytes} B"),
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
        assert_eq!(in_words(8_160_800), "8.16 MB");
        assert_eq!(in_words(81_608), "81.6 kB");
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
