//! Ranges from which a random search draws.

use std::fmt;

use luthier_core::Value;

use crate::{Error, Result};

/// A range of a numeric parameter, from which a random search draws: see [`ParamGrid::draw`](crate::ParamGrid::draw).
///
/// ```
/// use luthier_tune::ParamRange;
///
/// let range = ParamRange::log(1e-4, 1.0)?;
/// assert_eq!(range.to_string(), "log 0.0001 to 1.0");
/// assert!(ParamRange::log(0.0, 1.0).is_err());
/// # Ok::<(), luthier_tune::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParamRange {
    ends: Ends,
    is_log: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ends {
    Floats(f64, f64),
    Integers(i64, i64),
}

impl ParamRange {
    /// Any number between `low` and `high` is equally likely.
    ///
    /// # Errors
    /// If `low` is not below `high`, or one of them is not finite.
    pub fn uniform(low: f64, high: f64) -> Result<Self> {
        Self { ends: Ends::Floats(low, high), is_log: false }.checked()
    }

    /// The logarithm of the number is equally likely anywhere between those of `low` and `high`, so that 0.001 to 0.01 is as
    /// likely as 0.1 to 1: for parameters such as `reg_param`, whose size is unknown.
    ///
    /// # Errors
    /// If `low` is not above 0 or not below `high`, or `high` is not finite.
    pub fn log(low: f64, high: f64) -> Result<Self> {
        Self { ends: Ends::Floats(low, high), is_log: true }.checked()
    }

    /// Any whole number from `low` to `high`, both included, is equally likely.
    ///
    /// # Errors
    /// If `low` is not below `high`.
    pub fn integers(low: i64, high: i64) -> Result<Self> {
        Self { ends: Ends::Integers(low, high), is_log: false }.checked()
    }

    /// Whole numbers from `low` to `high`, both included, with small ones as likely as in [`log`](Self::log).
    ///
    /// # Errors
    /// If `low` is not above 0 or not below `high`.
    pub fn log_integers(low: i64, high: i64) -> Result<Self> {
        Self { ends: Ends::Integers(low, high), is_log: true }.checked()
    }

    fn checked(self) -> Result<Self> {
        let (low, high) = match self.ends {
            Ends::Floats(low, high) => (low, high),
            Ends::Integers(low, high) => (low as f64, high as f64),
        };
        if !(low < high && (high - low).is_finite()) {
            return Err(Error::invalid(format!("the range from {low} to {high} is empty or not finite")));
        }
        if self.is_log && low <= 0.0 {
            return Err(Error::invalid(format!(
                "the logarithmic range from {low} to {high} must begin above 0: use a small number, or a uniform range"
            )));
        }
        Ok(self)
    }

    /// The smallest and the largest value.
    pub fn ends(&self) -> [Value; 2] {
        match self.ends {
            Ends::Floats(low, high) => [Value::Float(low), Value::Float(high)],
            Ends::Integers(low, high) => [Value::Int(low), Value::Int(high)],
        }
    }

    /// How far a value is on the way from the smallest to the largest, from 0 to 1: the inverse of drawing. `None` for a value
    /// outside the range, or of another kind.
    pub fn share_of(&self, value: &Value) -> Option<f64> {
        let (low, high, value) = match (self.ends, value) {
            (Ends::Floats(low, high), Value::Float(value)) => (low, high, *value),
            (Ends::Floats(low, high), Value::Int(value)) => (low, high, *value as f64),
            // A whole number stands for the numbers half a step around it.
            (Ends::Integers(low, high), Value::Int(value)) => {
                (low as f64, high as f64 + 1.0, *value as f64 + 0.5)
            }
            _ => return None,
        };
        let share = match self.is_log {
            true => (value / low).ln() / (high / low).ln(),
            false => (value - low) / (high - low),
        };
        (0.0..=1.0).contains(&share).then_some(share)
    }

    /// The value at a share of the way, from 0 to just below 1.
    pub fn at(&self, share: f64) -> Value {
        let between = |low: f64, high: f64| match self.is_log {
            true => (low.ln() + share * (high.ln() - low.ln())).exp().clamp(low, high),
            false => (low + share * (high - low)).clamp(low, high),
        };
        match self.ends {
            Ends::Floats(low, high) => Value::Float(between(low, high)),
            // Each whole number stands for the numbers from it to the next.
            Ends::Integers(low, high) => {
                Value::Int((between(low as f64, high as f64 + 1.0).floor() as i64).clamp(low, high))
            }
        }
    }
}

/// `log 0.0001 to 1.0`, `integers 2 to 20`.
impl fmt::Display for ParamRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, high] = self.ends();
        let kind = match (self.is_log, self.ends) {
            (false, Ends::Floats(..)) => "",
            (true, Ends::Floats(..)) => "log ",
            (false, Ends::Integers(..)) => "integers ",
            (true, Ends::Integers(..)) => "log integers ",
        };
        write!(f, "{kind}{low} to {high}")
    }
}
