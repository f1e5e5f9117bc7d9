//! Philox4x32-10: random numbers as a function of a key and a counter.
//!
//! Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
//! A counter-based generator has no state, so a draw depends on nothing but the seed and the step: a step that is
//! rolled back and sampled again, or sampled in another batch, draws the same number. GPUs compute it as they are.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_INCREMENTS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// The four 32-bit random words of `counter` under `key`.
fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut word0, mut word1, mut word2, mut word3] = counter;
    let [mut key0, mut key1] = key;
    for _ in 0..ROUNDS {
        let (high0, low0) = multiply(MULTIPLIERS[0], word0);
        let (high1, low1) = multiply(MULTIPLIERS[1], word2);
        [word0, word1, word2, word3] = [high1 ^ word1 ^ key0, low1, high0 ^ word3 ^ key1, low0];
        key0 = key0.wrapping_add(KEY_INCREMENTS[0]);
        key1 = key1.wrapping_add(KEY_INCREMENTS[1]);
    }
    [word0, word1, word2, word3]
}

/// The upper and lower half of a product.
fn multiply(left: u32, right: u32) -> (u32, u32) {
    let product = u64::from(left) * u64::from(right);
    ((product >> 32) as u32, product as u32)
}

/// The random number of `step` under `seed`: uniform on the multiples of 2⁻⁵³ in [0, 1).
pub(crate) fn uniform(seed: u64, step: u64) -> f64 {
    let [word0, word1, ..] = philox4x32([step as u32, (step >> 32) as u32, 0, 0], [seed as u32, (seed >> 32) as u32]);
    let bits = u64::from(word1) << 32 | u64::from(word0);
    (bits >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors publish with their library (Random123, `kat_vectors`).
    #[test]
    fn known_answers() {
        let answers = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in answers {
            assert_eq!(philox4x32(counter, key), expected);
        }
    }

    #[test]
    fn uniform_takes_its_bits_from_the_first_two_words() {
        let bits = 0xe169_c58d_6627_e8d5_u64 >> 11;
        assert_eq!(uniform(0, 0), bits as f64 / 2_f64.powi(53));
    }

    #[test]
    fn every_bit_of_seed_and_step_counts() {
        let zero = uniform(0, 0);
        for bit in 0..64 {
            assert_ne!(uniform(1 << bit, 0), zero, "seed bit {bit}");
            assert_ne!(uniform(0, 1 << bit), zero, "step bit {bit}");
        }
    }

    #[test]
    fn uniform_has_the_mean_and_variance_of_its_name() {
        let draws: Vec<_> = (0..100_000).map(|step| uniform(7, step)).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert!((variance - 1.0 / 12.0).abs() < 0.002, "{variance}");
    }
}
