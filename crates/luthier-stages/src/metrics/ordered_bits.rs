//! Floats as integers of the same order: they sort fast, are keys of maps, and are written without loss.

const SIGN: u64 = 1 << 63;

/// Larger for larger numbers; `-0.0` is `0.0`. NaN has no place in the order.
pub(super) fn ordered_bits(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// The number of these [`ordered_bits`].
pub(super) fn of_ordered_bits(bits: u64) -> f64 {
    f64::from_bits(if bits & SIGN == 0 { !bits } else { bits & !SIGN })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn order_and_value_are_kept(a in prop::num::f64::ANY, b in prop::num::f64::ANY) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(ordered_bits(a).cmp(&ordered_bits(b)), a.partial_cmp(&b).unwrap());
            prop_assert_eq!(of_ordered_bits(ordered_bits(a)), a);
        }
    }

    #[test]
    fn zeros_are_one_number_and_infinities_have_a_place() {
        assert_eq!(ordered_bits(-0.0), ordered_bits(0.0));
        assert!(ordered_bits(f64::NEG_INFINITY) < ordered_bits(f64::MIN));
        assert!(ordered_bits(f64::MAX) < ordered_bits(f64::INFINITY));
    }
}
