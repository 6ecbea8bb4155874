use std::cmp::Ordering;
use std::fmt;

use super::Value;

/// Which values of a parameter make a simpler model, declared by `#[param(simpler = larger)]`.
///
/// It is declared for parameters that control how closely a model can follow its training rows while everything else stays
/// the same: the strength of a penalty, the number of components or the degree of a polynomial. Parameters that control how
/// long or how exactly something is computed, such as a maximum number of iterations, have no such order.
///
/// [`DynEstimator::compare_complexity`](crate::DynEstimator#method.compare_complexity) compares whole configurations with it.
///
/// ```
/// use luthier_core::params::{Params, Simpler};
///
/// /// A model with a penalty.
/// #[derive(Debug, Clone, Params)]
/// struct Ridge {
///     /// Strength of the penalty.
///     #[param(default = 1.0, simpler = larger)]
///     penalty: f64,
/// }
///
/// assert_eq!(Ridge::param_infos()[0].simpler, Some(Simpler::Larger));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Simpler {
    /// The larger of two values makes the simpler model.
    Larger,
    /// The smaller of two values makes the simpler model.
    Smaller,
}

impl Simpler {
    /// Compares two numbers by complexity: `Less` if `a` makes the simpler model. `None` if one is NaN or not a number.
    #[must_use]
    pub fn compare(self, a: &Value, b: &Value) -> Option<Ordering> {
        let ascending = match (a, b) {
            (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
            _ => integer(a).zip(integer(b)).map(|(a, b)| a.cmp(&b)),
        };
        match self {
            Self::Smaller => ascending,
            Self::Larger => ascending.map(Ordering::reverse),
        }
    }
}

/// An integer; above `i64::MAX`, a `Value` has its digits.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(v) => Some((*v).into()),
        Value::Str(v) => v.parse::<u64>().ok().map(i128::from),
        _ => None,
    }
}

impl fmt::Display for Simpler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Larger => "larger is simpler",
            Self::Smaller => "smaller is simpler",
        })
    }
}
