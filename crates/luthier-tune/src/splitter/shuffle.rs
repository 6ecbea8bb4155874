//! A seeded shuffle that never changes.

/// Fisher–Yates by SplitMix64 (Steele, Lea and Flood 2014): part of the meaning of a seed, so a test pins it.
///
/// The index below `bound` is the high word of `random · bound`, whose bias is below `bound / 2⁶⁴`.
pub(super) fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let index = (u128::from(z) * (last as u128 + 1)) >> 64;
        items.swap(last, index as usize);
    }
}
