//! The operations of the GPU and of the CPU on the same numbers, at the shapes of real models.

use gpu_runtime::{
    CpuDevice, Device, Draw, HeadShape, HostTensor, KvCacheShape, MaskRows, RowPlacement, Sampler, SamplingParameters,
    WeightType,
};

use super::report::{Failure, Report};

/// The shapes that operations are compared at.
#[derive(Debug, Clone, Copy)]
pub struct Shapes {
    /// Rows, outputs and inputs of products.
    products: &'static [(usize, usize, usize)],
    /// Rows and width of what is done element by element.
    elementwise: &'static [(usize, usize)],
    /// Query heads, key/value heads and their length.
    heads: &'static [(usize, usize, usize)],
    /// Positions of the sequences of an attention.
    lengths: &'static [u32],
    /// Rows and width of logits.
    logits: &'static [(usize, usize)],
}

impl Shapes {
    /// Those of real models, and some that fit no tile.
    pub const REAL: Self = Self {
        products: &[
            (1, 4096, 4096),
            (1, 1001, 333),
            (4, 6144, 2048),
            (7, 128, 14_336),
            (16, 4096, 4096),
            (100, 1024, 2048),
            (65, 77, 99),
        ],
        elementwise: &[(1, 4096), (64, 14_336), (3, 1)],
        heads: &[(32, 8, 128), (32, 8, 64), (4, 2, 32), (3, 1, 256)],
        lengths: &[200, 1, 33, 64],
        logits: &[(64, 128_256), (5, 1000), (7, 32_001)],
    };

    /// Those that an interpreter gets through in seconds.
    pub const SMALL: Self = Self {
        products: &[(1, 24, 40), (5, 17, 33), (65, 9, 12)],
        elementwise: &[(1, 64), (3, 1)],
        heads: &[(4, 2, 8), (3, 1, 16)],
        lengths: &[20, 1, 17],
        logits: &[(5, 300), (2, 1003)],
    };
}

/// Deterministic numbers in [-1, 1) that bfloat16 holds exactly.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 56) as i32 - 128) as f32 / 128.0
    };
    (0..count).map(|_| next()).collect()
}

/// The finalizer of SplitMix64: every bit of the answer depends on every bit of `index`.
fn mixed(index: u64) -> u64 {
    let mut mixed = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn matrix<D: Device>(device: &mut D, seed: u64, rows: usize, columns: usize) -> Result<D::Matrix, Failure> {
    let bytes = bytes(&numbers(seed, rows * columns));
    Ok(device.matrix(&[HostTensor { element: WeightType::F32, rows, columns, bytes: &bytes }])?)
}

fn activations<D: Device>(device: &mut D, seed: u64, rows: usize, width: usize) -> Result<D::Activations, Failure> {
    let table = matrix(device, seed, rows, width)?;
    let mut output = device.activations(rows, width)?;
    let tokens: Vec<u32> = (0..rows as u32).collect();
    device.embed(&table, &tokens, &mut output)?;
    Ok(output)
}

fn products<D: Device>(device: &mut D, rows: usize, outputs: usize, inputs: usize) -> Result<Vec<f32>, Failure> {
    let weight = matrix(device, 1, outputs, inputs)?;
    let input = activations(device, 2, rows, inputs)?;
    let mut output = activations(device, 3, rows, outputs)?;
    device.multiply_add(rows, &input, &weight, &mut output)?;
    Ok(device.read(rows, &output)?)
}

fn elementwise<D: Device>(device: &mut D, rows: usize, width: usize) -> Result<Vec<f32>, Failure> {
    let input = activations(device, 4, rows, width)?;
    let weight = device.vector(&numbers(5, width))?;
    let mut output = device.activations(rows, width)?;
    device.rms_norm(rows, &input, &weight, 1e-5, &mut output)?;
    let mut found = device.read(rows, &output)?;
    let gate_up = activations(device, 6, rows, 2 * width)?;
    device.swiglu(rows, &gate_up, &mut output)?;
    found.extend(device.read(rows, &output)?);
    let chosen: Vec<u32> = (0..rows as u32).rev().collect();
    device.select_rows(&chosen, &input, &mut output)?;
    found.extend(device.read(rows, &output)?);
    Ok(found)
}

fn attention<D: Device>(device: &mut D, heads: HeadShape, lengths: &[u32]) -> Result<Vec<f32>, Failure> {
    const PAGE_LENGTH: usize = 16;
    let pages_per_sequence = lengths.iter().max().map_or(0, |length| (*length as usize).div_ceil(PAGE_LENGTH));
    let pages = pages_per_sequence * lengths.len();
    let mut cache = device.kv_cache(KvCacheShape { layers: 2, pages, page_length: PAGE_LENGTH, heads })?;
    let longest = lengths.iter().max().map_or(0, |length| *length as usize);
    let rotations = device.vector(&numbers(7, longest * heads.head_dim))?;
    let page_table: Vec<u32> = (0..pages as u32).rev().collect();
    let (sequences, positions): (Vec<u32>, Vec<u32>) = lengths
        .iter()
        .zip(0..)
        .flat_map(|(length, sequence)| (0..*length).map(move |position| (sequence, position)))
        .unzip();
    let rows = positions.len();
    let placement = device.place(RowPlacement {
        positions: &positions,
        sequences: &sequences,
        page_table: &page_table,
        pages_per_sequence,
    })?;
    let mut qkv = activations(device, 8, rows, heads.qkv_width())?;
    let mut output = device.activations(rows, heads.query_width())?;
    device.rotate_and_store(&mut qkv, &rotations, &placement, 1, &mut cache)?;
    device.attention(&qkv, &placement, 1, &cache, &mut output)?;
    Ok(device.read(rows, &output)?)
}

/// Tokens sampled from masked and unmasked rows, as numbers, and the masked logits.
fn sampling<D: Device>(device: &mut D, rows: usize, width: usize) -> Result<Vec<f32>, Failure> {
    let words_per_row = width.div_ceil(32);
    let mut words: Vec<u32> = (0..(rows * words_per_row) as u64).map(|index| (mixed(index) >> 32) as u32).collect();
    // Bits beyond the logits are 0 in every row that a matcher fills, and the first row has the tokens of one word only.
    let beyond = words_per_row * 32 - width;
    words.chunks_mut(words_per_row).for_each(|row| row[words_per_row - 1] &= u32::MAX >> beyond);
    words[..words_per_row].fill(0);
    words[words_per_row / 2] = 0x0001_0100;
    let row_indices: Vec<i32> = (0..rows as i32).map(|row| if row % 5 == 4 { -1 } else { row }).collect();
    let masks = MaskRows { words: &words, words_per_row, row_indices: &row_indices };
    let draws: Vec<Draw> = (0..rows)
        .map(|row| {
            let parameters = SamplingParameters {
                temperature: [1.0, 0.7, 0.0, 1.5][row % 4],
                top_k: [0, 50, 0][row % 3],
                top_p: [1.0, 0.9][row % 2],
                min_p: [0.0, 0.0, 0.0, 0.1, 0.0][row % 5],
                seed: 10,
            };
            Ok(Draw { sampler: Sampler::new(parameters)?, step: row as u64 })
        })
        .collect::<Result<_, Failure>>()?;
    let mut logits = activations(device, 11, rows, width)?;
    let mut answers = device.sample(&logits, &draws)?;
    answers.extend(device.mask_and_sample(&mut logits, masks, &draws)?);
    device.apply_bitmask(&mut logits, masks)?;
    let mut found: Vec<f32> = answers.into_iter().map(|answer| answer.map_or(-1.0, |token| token as f32)).collect();
    found.extend(device.read(rows, &logits)?);
    Ok(found)
}

/// Compares a device with the CPU device.
///
/// # Errors
/// When a device fails.
pub fn compare<D: Device>(report: &mut Report<'_>, device: &mut D, shapes: &Shapes) -> Result<(), Failure> {
    let mut cpu = CpuDevice::new(0)?;
    let mut compare = |what: String, found: Vec<f32>, expected: Vec<f32>, tolerance: f32| {
        let worst = found.iter().zip(&expected).map(|(found, expected)| {
            // Equal infinities are no distance apart.
            if found == expected { 0.0 } else { (found - expected).abs() / expected.abs().max(1.0) }
        });
        let worst =
            worst.fold(0.0, |worst: f32, distance| if distance.is_nan() { f32::INFINITY } else { worst.max(distance) });
        report.check(found.len() == expected.len() && worst <= tolerance, &format!("{what}: differs by {worst:.1e}"));
    };
    for &(rows, outputs, inputs) in shapes.products {
        let (found, expected) = (products(device, rows, outputs, inputs)?, products(&mut cpu, rows, outputs, inputs)?);
        // Sums of thousands of terms, in another order.
        compare(format!("product of {rows} × {inputs} with {outputs} × {inputs}"), found, expected, 1e-4);
    }
    for &(rows, width) in shapes.elementwise {
        let (found, expected) = (elementwise(device, rows, width)?, elementwise(&mut cpu, rows, width)?);
        compare(format!("norm, activation, selection of {rows} × {width}"), found, expected, 1e-5);
    }
    for &(query_heads, kv_heads, head_dim) in shapes.heads {
        let heads = HeadShape { query_heads, kv_heads, head_dim };
        let (found, expected) =
            (attention(device, heads, shapes.lengths)?, attention(&mut cpu, heads, shapes.lengths)?);
        // The cache is bfloat16 on the GPU and f32 on the CPU.
        compare(format!("attention of {query_heads} heads of {head_dim}"), found, expected, 2e-2);
    }
    for &(rows, width) in shapes.logits {
        let (found, expected) = (sampling(device, rows, width)?, sampling(&mut cpu, rows, width)?);
        // Masked logits are copies. So are the logits that tokens are drawn from, and both devices add weights up in double
        // precision: a draw would have to fall within 1e-13 of the border between two tokens for another one to come.
        compare(format!("masks and sampling of {rows} × {width}"), found, expected, 0.0);
    }
    Ok(())
}
