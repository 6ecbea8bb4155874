//! The names of the floats that JSON has no numbers for: the only ones that are known.

const NAN: &str = "NaN";
const INFINITY: &str = "Inf";
const NEG_INFINITY: &str = "-Inf";

/// The name of a float that is not finite.
pub(crate) fn float_name(value: f64) -> Option<&'static str> {
    match value {
        f64::INFINITY => Some(INFINITY),
        f64::NEG_INFINITY => Some(NEG_INFINITY),
        value if value.is_nan() => Some(NAN),
        _ => None,
    }
}

/// The float that has this name.
pub(crate) fn named_float(name: &str) -> Option<f64> {
    match name {
        NAN => Some(f64::NAN),
        INFINITY => Some(f64::INFINITY),
        NEG_INFINITY => Some(f64::NEG_INFINITY),
        _ => None,
    }
}
