//! A seeded shuffle that is the same in all versions.

use luthier_core::scramble;

/// Puts items into a random order determined by a seed, for splitters: the order never changes between versions.
///
/// Fisher–Yates shuffle with SplitMix64 (Steele, Lea and Flood 2014). It defines the meaning of a seed, so a test pins it.
///
/// The index below `bound` is the high word of `random · bound`, whose bias is below `bound / 2⁶⁴`.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        let index = (u128::from(scramble(state)) * (last as u128 + 1)) >> 64;
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        items.swap(last, index as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permutation(n: u32, seed: u64) -> Vec<u32> {
        let mut items: Vec<u32> = (0..n).collect();
        shuffle(&mut items, seed);
        items
    }

    /// The values come from an independent implementation (Python integers): whoever has to change them changes
    /// the folds of every seed that anyone has written down.
    #[test]
    fn a_seed_means_the_same_for_ever() {
        assert_eq!(permutation(12, 0), [5, 11, 6, 7, 3, 1, 2, 9, 8, 0, 4, 10]);
        assert_eq!(permutation(12, 1), [7, 0, 4, 1, 2, 11, 5, 10, 3, 9, 8, 6]);
        assert_eq!(permutation(12, 42), [9, 7, 11, 5, 4, 10, 6, 0, 3, 2, 1, 8]);
        assert_eq!(permutation(12, u64::MAX), [4, 9, 0, 8, 1, 6, 7, 5, 3, 2, 11, 10]);
    }

    #[test]
    fn every_permutation_is_about_as_likely() {
        let mut counts = std::collections::HashMap::new();
        for seed in 0..24_000 {
            *counts.entry(permutation(4, seed)).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        let chi_squared: f64 = counts.values().map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0).sum();
        // 99.99 % quantile with 23 degrees of freedom.
        assert!(chi_squared < 58.6, "{chi_squared}");
    }
}
