//! Seeded draws without state: the same question gets the same answer, in whatever order questions are asked.

/// Draws a well-spread number from a seed and whatever tells this draw from others (splitmix64's finisher, chained).
pub(super) fn draw(seed: u64, question: &[u64]) -> u64 {
    question.iter().fold(mix(seed), |state, part| mix(state ^ part))
}

/// Draws from `low..=high`.
pub(super) fn between(low: u64, high: u64, seed: u64, question: &[u64]) -> u64 {
    low + draw(seed, question) % (high - low + 1)
}

/// A number for a name (FNV-1a), so that a name can be part of a question.
pub(super) fn fingerprint(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
