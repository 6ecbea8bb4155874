//! How many units of a search run at the same time.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use luthier_core::Value;
use luthier_core::params::ParamType;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Error, Executor, Result};

/// The largest number of units that run at the same time: an upper bound, not a number of threads.
///
/// ```
/// use luthier_tune::Parallelism;
///
/// assert_eq!("3".parse::<Parallelism>()?, Parallelism::fixed(3)?);
/// assert_eq!("auto".parse::<Parallelism>()?, Parallelism::Auto);
/// assert!(Parallelism::try_from(0).is_err());
/// # Ok::<(), luthier_tune::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parallelism {
    /// At most this many.
    Fixed(NonZeroUsize),
    /// As many as the executor can run at once and fit into memory.
    Auto,
}

impl Parallelism {
    /// At most `n` units.
    ///
    /// # Errors
    /// If `n` is 0.
    pub fn fixed(n: usize) -> Result<Self> {
        NonZeroUsize::new(n).map(Self::Fixed).ok_or_else(|| wrong("0"))
    }

    /// The limit for `units` units on this executor, where `room` of them fit into memory at a time; never more
    /// than there are units, never 0.
    ///
    /// `Auto` is the smaller of the executor's capacity and the number that fits into memory. The frame's partitions do not
    /// lower it, because an idle thread takes blocks of a running unit through rayon.
    pub fn limit(self, executor: &dyn Executor, units: usize, room: usize) -> NonZeroUsize {
        let wanted = match self {
            Self::Fixed(n) => n,
            Self::Auto => executor.capacity().min(NonZeroUsize::new(room).unwrap_or(NonZeroUsize::MIN)),
        };
        NonZeroUsize::new(units).map_or(NonZeroUsize::MIN, |units| wanted.min(units))
    }
}

fn wrong(found: &str) -> Error {
    Error::invalid(format!("parallelism is {found}, expected an integer of at least 1, or \"auto\""))
}

/// One unit at a time.
impl Default for Parallelism {
    fn default() -> Self {
        Self::Fixed(NonZeroUsize::MIN)
    }
}

impl From<NonZeroUsize> for Parallelism {
    fn from(n: NonZeroUsize) -> Self {
        Self::Fixed(n)
    }
}

impl TryFrom<usize> for Parallelism {
    type Error = Error;

    fn try_from(n: usize) -> Result<Self> {
        Self::fixed(n)
    }
}

impl FromStr for Parallelism {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim() {
            auto if auto.eq_ignore_ascii_case("auto") => Ok(Self::Auto),
            number => number.parse().map(Self::Fixed).map_err(|_| wrong(&format!("{text:?}"))),
        }
    }
}

/// `auto`, or the number.
impl fmt::Display for Parallelism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(n) => n.fmt(f),
            Self::Auto => f.pad("auto"),
        }
    }
}

impl ParamType for Parallelism {
    fn type_name() -> String {
        "positive integer or \"auto\"".to_owned()
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Fixed(n) => n.get().to_value(),
            Self::Auto => Value::Str("auto".to_owned()),
        }
    }

    fn from_value(value: &Value) -> std::result::Result<Self, String> {
        match value {
            Value::Str(text) => text.parse().map_err(|e: Error| e.to_string()),
            Value::Int(n) => usize::try_from(*n)
                .map_err(|_| wrong(&n.to_string()))
                .and_then(Self::fixed)
                .map_err(|e| e.to_string()),
            other => Err(wrong(&other.to_string()).to_string()),
        }
    }
}

impl Serialize for Parallelism {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Parallelism {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Serial, ThreadPool};

    #[test]
    fn text_and_value_round_trip() {
        for parallelism in [Parallelism::default(), Parallelism::fixed(12).unwrap(), Parallelism::Auto] {
            assert_eq!(parallelism.to_string().parse::<Parallelism>().unwrap(), parallelism);
            assert_eq!(Parallelism::from_value(&parallelism.to_value()), Ok(parallelism));
            let json = serde_json::to_string(&parallelism).unwrap();
            assert_eq!(serde_json::from_str::<Parallelism>(&json).unwrap(), parallelism);
        }
        assert_eq!(Parallelism::default(), Parallelism::fixed(1).unwrap());
        assert_eq!("AUTO".parse::<Parallelism>().unwrap(), Parallelism::Auto);
    }

    #[test]
    fn nothing_below_one_is_accepted() {
        for text in ["0", "-1", "1.5", "", "many"] {
            let message = text.parse::<Parallelism>().unwrap_err().to_string();
            assert!(message.contains(&format!("{text:?}")) && message.contains("at least 1"), "{message}");
        }
        for json in ["0", "-1", "1.5", "null", "true", "\"0\""] {
            let message = serde_json::from_str::<Parallelism>(json).unwrap_err().to_string();
            assert!(message.contains("at least 1"), "{message}");
        }
    }

    #[test]
    fn the_limit_is_bounded_by_the_units() {
        let limit = |p: Parallelism, executor: &dyn Executor, units| p.limit(executor, units, 4).get();
        let three = Parallelism::fixed(3).unwrap();
        assert_eq!(limit(three, &Serial::new(), 10), 3);
        assert_eq!(limit(three, &Serial::new(), 2), 2);
        assert_eq!(limit(three, &Serial::new(), 0), 1);
        assert_eq!(limit(Parallelism::Auto, &Serial::new(), 10), 1);
        let room = |room| Parallelism::Auto.limit(&ThreadPool::new(), 1000, room).get();
        assert_eq!((room(0), room(1)), (1, 1), "memory lowers it");
        let cores = std::thread::available_parallelism().unwrap().get();
        assert_eq!(limit(Parallelism::Auto, &ThreadPool::new(), 1000), cores.min(1000));
        assert_eq!(limit(Parallelism::Auto, &ThreadPool::new(), 1), 1);
    }
}
