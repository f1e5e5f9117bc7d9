//! Masks and sampling: the kernels against a sampler written from the definition, over the same random numbers.

use ptx::Kernel;

use crate::device::{Pass, Random, launch};

const ALL_MASKED: u32 = u32::MAX;
const INVALID_LOGIT: u32 = u32::MAX - 1;

/// How a row is sampled.
#[derive(Debug, Clone, Copy)]
struct Parameters {
    temperature: f32,
    top_k: u32,
    top_p: f32,
    min_p: f32,
    seed: u64,
    step: u64,
}

const PLAIN: Parameters = Parameters { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, seed: 1, step: 2 };

impl Parameters {
    fn words(&self) -> [u32; 8] {
        [
            self.temperature.to_bits(),
            self.top_k,
            self.top_p.to_bits(),
            self.min_p.to_bits(),
            self.seed as u32,
            (self.seed >> 32) as u32,
            self.step as u32,
            (self.step >> 32) as u32,
        ]
    }
}

/// Philox4x32-10, the first two words together.
fn philox(seed: u64, step: u64) -> u64 {
    let mut words = [step as u32, (step >> 32) as u32, 0, 0];
    let mut keys = [seed as u32, (seed >> 32) as u32];
    for _ in 0..10 {
        let first = u64::from(words[0]) * 0xD251_1F53;
        let second = u64::from(words[2]) * 0xCD9E_8D57;
        words = [
            (second >> 32) as u32 ^ words[1] ^ keys[0],
            second as u32,
            (first >> 32) as u32 ^ words[3] ^ keys[1],
            first as u32,
        ];
        keys = [keys[0].wrapping_add(0x9E37_79B9), keys[1].wrapping_add(0xBB67_AE85)];
    }
    u64::from(words[1]) << 32 | u64::from(words[0])
}

/// What is to be sampled, from the definition: sort, cut, draw. `None` when a cut or the draw is so close to a token's
/// bound that rounding decides.
fn sample(logits: &[f32], parameters: &Parameters) -> Option<u32> {
    if logits.iter().any(|logit| logit.is_nan() || *logit == f32::INFINITY) {
        return Some(INVALID_LOGIT);
    }
    let mut ranked: Vec<(f32, u32)> =
        logits.iter().copied().zip(0..).filter(|(logit, _)| *logit != f32::NEG_INFINITY).collect();
    ranked.sort_by(|left, right| right.0.partial_cmp(&left.0).unwrap().then(left.1.cmp(&right.1)));
    let Some(&(largest, likeliest)) = ranked.first() else { return Some(ALL_MASKED) };
    if parameters.temperature == 0.0 {
        return Some(likeliest);
    }
    if parameters.top_k > 0 {
        ranked.truncate(parameters.top_k as usize);
    }
    let mut weighed: Vec<(f64, u32)> = ranked
        .iter()
        .map(|(logit, token)| {
            (((f64::from(*logit) - f64::from(largest)) / f64::from(parameters.temperature)).exp(), *token)
        })
        .collect();
    const TOLERANCE: f64 = 1e-9;
    if parameters.top_p < 1.0 {
        let enough = f64::from(parameters.top_p) * weighed.iter().map(|(weight, _)| weight).sum::<f64>();
        let mut sum = 0.0;
        let mut kept = 0;
        while sum < enough {
            sum += weighed[kept].0;
            kept += 1;
            if (sum - enough).abs() < TOLERANCE {
                return None;
            }
        }
        weighed.truncate(kept);
    }
    weighed.retain(|(weight, _)| *weight >= f64::from(parameters.min_p));
    weighed.sort_by_key(|(_, token)| *token);
    let total: f64 = weighed.iter().map(|(weight, _)| weight).sum();
    let target = philox(parameters.seed, parameters.step) as f64 / 2_f64.powi(64) * total;
    let mut sum = 0.0;
    for (weight, token) in weighed {
        sum += weight;
        if (sum - target).abs() < TOLERANCE {
            return None;
        }
        if sum > target {
            return Some(token);
        }
    }
    None
}

fn run_sample(logits: &[f32], width: usize, parameters: &[Parameters], grid: u32) -> Vec<u32> {
    let mut tokens = vec![0; parameters.len()];
    let mut words: Vec<u32> = parameters.iter().flat_map(Parameters::words).collect();
    let mut passed = [
        Pass::U32s(&mut tokens),
        Pass::F32s(&mut logits.to_vec()),
        Pass::U32s(&mut words),
        Pass::U32(parameters.len() as u32),
        Pass::U32(width as u32),
    ];
    launch(Kernel::Sample, [grid, 1, 1], &mut passed).unwrap();
    tokens
}

/// Logits of several kinds: spread out, nearly equal, with many equals, with masked ones.
fn logits(random: &mut Random, width: usize) -> Vec<f32> {
    let scale = [20.0, 1.0, 1e-3][random.below(3) as usize];
    let steps = [0.0, 4.0][random.below(2) as usize];
    let masked = [0, 3, 9][random.below(3) as usize];
    (0..width)
        .map(|_| {
            let mut logit = random.float() * scale;
            if steps > 0.0 {
                logit = (logit / scale * steps).round() / steps * scale;
            }
            if random.below(10) < masked { f32::NEG_INFINITY } else { logit }
        })
        .collect()
}

#[test]
fn sample_is_its_definition() {
    let mut random = Random(11);
    let mut decided = 0;
    for width in [1, 2, 31, 33, 511, 513, 1024, 1500] {
        let parameters: Vec<_> = (0..10)
            .map(|_| Parameters {
                temperature: [0.0, 0.3, 1.0, 1.5][random.below(4) as usize],
                top_k: [0, 1, 5, 40, 100_000][random.below(5) as usize],
                top_p: [1.0, 0.95, 0.5, 1e-6][random.below(4) as usize],
                min_p: [0.0, 0.05, 1.0][random.below(3) as usize],
                seed: random.bits(),
                step: random.bits() >> random.below(64),
            })
            .collect();
        let rows: Vec<Vec<f32>> = parameters.iter().map(|_| logits(&mut random, width)).collect();
        let found = run_sample(&rows.concat(), width, &parameters, 3);
        for ((row, parameters), found) in rows.iter().zip(&parameters).zip(&found) {
            if let Some(expected) = sample(row, parameters) {
                assert_eq!(*found, expected, "width {width}, {parameters:?}");
                decided += 1;
            }
        }
    }
    assert!(decided > 70, "only {decided} of 80 rows were decided by more than rounding");
}

#[test]
fn a_row_without_a_token_says_so() {
    let masked = vec![f32::NEG_INFINITY; 40];
    let mut broken = masked.clone();
    broken[33] = f32::NAN;
    let mut infinite = vec![0.5; 40];
    infinite[39] = f32::INFINITY;
    let rows = [masked, broken, infinite].concat();
    let greedy = Parameters { temperature: 0.0, ..PLAIN };
    for parameters in [PLAIN, greedy] {
        let found = run_sample(&rows, 40, &[parameters; 3], 1);
        assert_eq!(found, [ALL_MASKED, INVALID_LOGIT, INVALID_LOGIT]);
    }
    let mut tokens = [0; 3];
    let mut passed = [Pass::U32s(&mut tokens), Pass::F32s(&mut rows.clone()), Pass::U32(3), Pass::U32(40)];
    launch(Kernel::Argmax, [2, 1, 1], &mut passed).unwrap();
    assert_eq!(tokens, [ALL_MASKED, INVALID_LOGIT, INVALID_LOGIT]);
}

#[test]
fn argmax_takes_the_smallest_of_equals() {
    let mut random = Random(12);
    for width in [1, 32, 700, 1025] {
        let rows: Vec<Vec<f32>> = (0..4).map(|_| logits(&mut random, width)).collect();
        let mut zeros = vec![-1.0; width];
        zeros[width / 2..].fill(-0.0);
        zeros[width - 1] = 0.0;
        let rows = [rows, vec![zeros]].concat();
        let mut tokens = vec![0; rows.len()];
        let mut passed = [
            Pass::U32s(&mut tokens),
            Pass::F32s(&mut rows.concat()),
            Pass::U32(rows.len() as u32),
            Pass::U32(width as u32),
        ];
        launch(Kernel::Argmax, [2, 1, 1], &mut passed).unwrap();
        for (row, token) in rows.iter().zip(&tokens) {
            assert_eq!(Some(*token), sample(row, &Parameters { temperature: 0.0, ..PLAIN }), "width {width}");
        }
    }
}

/// Draws from a skewed distribution come out in proportion: a draw that is off by a bin, or a generator that is not
/// uniform, would show.
#[test]
fn draws_are_in_proportion() {
    let probabilities = [0.5_f32, 0.25, 0.125, 0.0625, 0.0625];
    let mut row = vec![f32::NEG_INFINITY; 600];
    let places = [3, 31, 32, 300, 599];
    for (place, probability) in places.iter().zip(probabilities) {
        row[*place] = probability.ln();
    }
    const DRAWS: usize = 400;
    let parameters: Vec<_> = (0..DRAWS as u64).map(|step| Parameters { step, ..PLAIN }).collect();
    let found = run_sample(&row.repeat(DRAWS), row.len(), &parameters, 8);
    for (place, probability) in places.iter().zip(probabilities) {
        let share = found.iter().filter(|token| **token == *place as u32).count() as f32 / DRAWS as f32;
        // Four standard deviations of a share of 400 draws.
        let deviation = (probability * (1.0 - probability) / DRAWS as f32).sqrt();
        assert!((share - probability).abs() < 4.0 * deviation, "token {place}: {share}, not {probability}");
    }
}

/// Mask rows, and which row of logits takes which: unconstrained, shared, beyond the end.
struct Masks {
    words: Vec<u32>,
    words_per_row: usize,
    row_indices: Vec<i32>,
}

impl Masks {
    const ROWS: usize = 3;

    fn new(random: &mut Random, rows: usize, words_per_row: usize) -> Self {
        let density = random.below(3);
        let words = (0..Self::ROWS * words_per_row)
            .map(|_| match density {
                0 => u32::MAX,
                1 => random.bits() as u32,
                _ => (random.bits() & random.bits() & random.bits()) as u32 & random.below(2).wrapping_neg(),
            })
            .collect();
        let row_indices = (0..rows).map(|_| random.below(Self::ROWS as u32 + 3) as i32 - 2).collect();
        Self { words, words_per_row, row_indices }
    }

    fn allows(&self, row: usize, token: usize) -> bool {
        let Ok(index) = usize::try_from(self.row_indices[row]) else { return true };
        let in_range = index < Self::ROWS && token / 32 < self.words_per_row;
        in_range && self.words[index * self.words_per_row + token / 32] >> (token % 32) & 1 == 1
    }
}

#[test]
fn apply_bitmask_masks_in_place() {
    let mut random = Random(13);
    // Rows of odd widths start anywhere, and masks are narrower, wider and as wide as the logits.
    for (rows, width, words_per_row) in
        [(1, 1, 1), (4, 64, 2), (3, 1000, 31), (5, 333, 11), (2, 2100, 66), (3, 40, 1), (2, 100, 9)]
    {
        let mut masks = Masks::new(&mut random, rows, words_per_row);
        let before = random.floats(rows * width);
        let halves = random.brains(rows * width);
        for grid in [[1, 1, 1], [2, 2, 1], [5, 7, 1]] {
            let (mut floats, mut brains) = (before.clone(), halves.clone());
            for kernel in [Kernel::ApplyBitmaskF32, Kernel::ApplyBitmaskBf16] {
                let logits = match kernel {
                    Kernel::ApplyBitmaskF32 => Pass::F32s(&mut floats),
                    _ => Pass::Bf16s(&mut brains),
                };
                let mut passed = [
                    logits,
                    Pass::U32s(&mut masks.words),
                    Pass::I32s(&mut masks.row_indices),
                    Pass::U32(rows as u32),
                    Pass::U32(width as u32),
                    Pass::U32(Masks::ROWS as u32),
                    Pass::U32(words_per_row as u32),
                ];
                launch(kernel, grid, &mut passed).unwrap();
            }
            for index in 0..rows * width {
                let allowed = masks.allows(index / width, index % width);
                assert_eq!(floats[index], if allowed { before[index] } else { f32::NEG_INFINITY });
                assert_eq!(brains[index], if allowed { halves[index] } else { 0xFF80 });
            }
        }
    }
}

#[test]
fn masked_sample_is_masking_and_sampling() {
    let mut random = Random(14);
    let mut allowed_rows = 0;
    for (width, words_per_row) in [(1, 1), (64, 2), (1000, 32), (333, 10), (700, 40)] {
        const ROWS: usize = 8;
        let mut masks = Masks::new(&mut random, ROWS, words_per_row);
        let rows: Vec<Vec<f32>> = (0..ROWS).map(|_| logits(&mut random, width)).collect();
        let parameters: Vec<_> = (0..ROWS as u64)
            .map(|step| Parameters { top_k: [0, 7][random.below(2) as usize], top_p: 0.9, step, ..PLAIN })
            .collect();
        let mut tokens = vec![0; ROWS];
        let mut passed = [
            Pass::U32s(&mut tokens),
            Pass::F32s(&mut rows.concat()),
            Pass::U32s(&mut parameters.iter().flat_map(Parameters::words).collect::<Vec<_>>()),
            Pass::U32s(&mut masks.words),
            Pass::I32s(&mut masks.row_indices),
            Pass::U32(ROWS as u32),
            Pass::U32(width as u32),
            Pass::U32(Masks::ROWS as u32),
            Pass::U32(words_per_row as u32),
        ];
        launch(Kernel::MaskedSample, [3, 1, 1], &mut passed).unwrap();
        for (row, logits) in rows.iter().enumerate() {
            let masked: Vec<f32> = logits
                .iter()
                .enumerate()
                .map(|(token, logit)| if masks.allows(row, token) { *logit } else { f32::NEG_INFINITY })
                .collect();
            if let Some(expected) = sample(&masked, &parameters[row]) {
                assert_eq!(tokens[row], expected, "row {row} of width {width}");
                allowed_rows += usize::from(expected != ALL_MASKED);
            }
        }
    }
    assert!(allowed_rows > 15, "only {allowed_rows} rows had a token");
}

#[test]
fn top_k_keeps_the_smaller_ids_of_equals() {
    let row = vec![2.0; 1000];
    let parameters: Vec<_> = (0..20).map(|step| Parameters { top_k: 3, step, ..PLAIN }).collect();
    let found = run_sample(&row.repeat(parameters.len()), row.len(), &parameters, 4);
    let mut distinct = found.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct, [0, 1, 2]);
}
