//! Every operation, on random shapes, on the CPU and by kernels.

use half::bf16;
use proptest::prelude::*;

use super::kernel_device;
use crate::device::{
    Device, DeviceError, Draw, HeadShape, HostTensor, KvCacheShape, MaskRows, RowPlacement, WeightType,
};
use crate::sampler::{SampleError, Sampler, SamplingParameters};
use crate::{CpuDevice, philox};

/// Deterministic numbers in [-1, 1).
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    (0..count as u64).map(|step| (philox::uniform(seed, step) * 2.0 - 1.0) as f32).collect()
}

/// A weight matrix of bfloat16, so that both devices have the same.
fn matrix<D: Device>(device: &mut D, seed: u64, rows: usize, columns: usize) -> D::Matrix {
    let values = numbers(seed, rows * columns);
    let bytes: Vec<u8> = values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect();
    device.matrix(&[HostTensor { element: WeightType::Bf16, rows, columns, bytes: &bytes }]).expect("it fits")
}

/// Activations with numbers in them, by way of an embedding: there is no other way in.
fn activations<D: Device>(device: &mut D, seed: u64, rows: usize, width: usize) -> D::Activations {
    let table = matrix(device, seed, rows, width);
    let mut output = device.activations(rows, width).expect("there is room");
    let tokens: Vec<u32> = (0..rows as u32).collect();
    device.embed(&table, &tokens, &mut output).expect("the tokens are in the table");
    output
}

fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let close = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
        assert!(close, "element {index}: {found}, not {expected}");
    }
}

/// Runs the same steps on both devices and compares what they answer.
macro_rules! on_both {
    ($tolerance:expr, $steps:expr) => {{
        let expected: Vec<f32> = $steps(&mut CpuDevice::new(1).expect("one thread"));
        let found: Vec<f32> = $steps(&mut kernel_device());
        assert_close(&found, &expected, $tolerance);
    }};
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn products(rows in 1_usize..40, outputs in 1_usize..80, inputs in 1_usize..70, seed: u64, eight: bool) {
        fn steps<D: Device>(device: &mut D, [rows, outputs, inputs]: [usize; 3], seed: u64) -> Vec<f32> {
            let weight = matrix(device, seed, outputs, inputs);
            let input = activations(device, seed + 1, rows, inputs);
            let mut output = activations(device, seed + 2, rows, outputs);
            device.multiply_add(rows, &input, &weight, &mut output).expect("it fits");
            let mut found = device.read(rows, &output).expect("it reads");
            device.multiply(rows, &input, &weight, &mut output).expect("it fits");
            found.extend(device.read(rows, &output).expect("it reads"));
            found
        }
        let (seed, inputs) = (seed >> 2, if eight { inputs.next_multiple_of(8) } else { inputs });
        on_both!(1e-5, |device: &mut _| steps(device, [rows, outputs, inputs], seed));
    }

    #[test]
    fn elementwise(rows in 1_usize..6, width in 1_usize..300, seed: u64) {
        fn steps<D: Device>(device: &mut D, rows: usize, width: usize, seed: u64) -> Vec<f32> {
            let input = activations(device, seed, rows, width);
            let weight = device.vector(&numbers(seed + 1, width)).expect("there is room");
            let mut output = device.activations(rows, width).expect("there is room");
            device.rms_norm(rows, &input, &weight, 1e-5, &mut output).expect("it fits");
            let mut found = device.read(rows, &output).expect("it reads");
            let gate_up = activations(device, seed + 2, rows, 2 * width);
            device.swiglu(rows, &gate_up, &mut output).expect("it fits");
            found.extend(device.read(rows, &output).expect("it reads"));
            let chosen: Vec<u32> = (0..rows as u32).rev().collect();
            device.select_rows(&chosen, &input, &mut output).expect("it fits");
            found.extend(device.read(rows, &output).expect("it reads"));
            found
        }
        on_both!(1e-5, |device: &mut _| steps(device, rows, width, seed >> 2));
    }

    #[test]
    fn attention(
        lengths in prop::collection::vec(1_usize..30, 1..4),
        kv_heads in 1_usize..3,
        group in 1_usize..4,
        half_dim in 1_usize..40,
        page_length in 1_usize..9,
        seed: u64,
    ) {
        fn steps<D: Device>(device: &mut D, lengths: &[usize], heads: HeadShape, page_length: usize, seed: u64) -> Vec<f32> {
            let most = lengths.iter().max().map_or(0, |length| length.div_ceil(page_length));
            let pages = most * lengths.len();
            let mut cache = device.kv_cache(KvCacheShape { layers: 2, pages, page_length, heads }).expect("it fits");
            let rotations = device.vector(&numbers(seed, 30 * heads.head_dim)).expect("there is room");
            let page_table: Vec<u32> = (0..pages as u32).rev().collect();
            // Every position of every sequence in one step, as a prompt is.
            let (sequences, positions): (Vec<u32>, Vec<u32>) = lengths
                .iter()
                .zip(0_u32..)
                .flat_map(|(length, sequence)| (0..*length as u32).map(move |position| (sequence, position)))
                .unzip();
            let placement = RowPlacement {
                positions: &positions, sequences: &sequences, page_table: &page_table, pages_per_sequence: most,
            };
            let placement = device.place(placement).expect("it fits");
            let rows = positions.len();
            let mut qkv = activations(device, seed + 1, rows, heads.qkv_width());
            let mut output = device.activations(rows, heads.query_width()).expect("there is room");
            device.rotate_and_store(&mut qkv, &rotations, &placement, 1, &mut cache).expect("it fits");
            let mut found = device.read(rows, &qkv).expect("it reads");
            device.attention(&qkv, &placement, 1, &cache, &mut output).expect("it fits");
            found.extend(device.read(rows, &output).expect("it reads"));
            found
        }
        let heads = HeadShape { query_heads: kv_heads * group, kv_heads, head_dim: 2 * half_dim };
        // Keys and values are rounded to bfloat16 by the kernels and not by the CPU.
        on_both!(2e-2, |device: &mut _| steps(device, &lengths, heads, page_length, seed >> 2));
    }

    #[test]
    fn masks_and_samples(
        rows in 1_usize..5,
        width in 1_usize..700,
        words_per_row in 1_usize..24,
        temperature in prop::sample::select(vec![0.0_f32, 0.7, 1.5]),
        top_k in prop::sample::select(vec![0_u32, 1, 20]),
        top_p in prop::sample::select(vec![1.0_f32, 0.9]),
        min_p in prop::sample::select(vec![0.0_f32, 0.1]),
        seed: u64,
    ) {
        let seed = seed >> 2;
        let words: Vec<u32> =
            numbers(seed + 1, 2 * words_per_row).iter().map(|number| number.to_bits().wrapping_mul(0x9E37_79B9)).collect();
        let row_indices: Vec<i32> = (0..rows as i32).map(|row| row % 3 - 1).collect();
        let masks = MaskRows { words: &words, words_per_row, row_indices: &row_indices };
        let parameters = SamplingParameters { temperature, top_k, top_p, min_p, seed };
        let sampler = Sampler::new(parameters).expect("they are in range");
        let draws: Vec<_> = (0..rows as u64).map(|step| Draw { sampler, step }).collect();

        let mut cpu = CpuDevice::new(1).expect("one thread");
        let mut kernels = kernel_device();
        let mut expected = activations(&mut cpu, seed, rows, width);
        let mut found = activations(&mut kernels, seed, rows, width);
        let unmasked = cpu.sample(&expected, &draws).expect("it samples");
        prop_assert_eq!(&kernels.sample(&found, &draws).expect("it samples"), &unmasked);
        let masked = cpu.mask_and_sample(&mut expected, masks, &draws).expect("it samples");
        prop_assert_eq!(&kernels.mask_and_sample(&mut found, masks, &draws).expect("it samples"), &masked);
        kernels.apply_bitmask(&mut found, masks).expect("it fits");
        prop_assert_eq!(kernels.read(rows, &found).expect("it reads"), cpu.read(rows, &expected).expect("it reads"));
        prop_assert_eq!(kernels.sample(&found, &draws).expect("it samples"), masked);
    }
}

#[test]
fn a_row_without_a_token_is_explained() {
    let mut device = kernel_device();
    let mut logits = activations(&mut device, 5, 2, 64);
    let sampler = Sampler::new(SamplingParameters::default()).expect("the defaults are in range");
    let draws = [Draw { sampler, step: 0 }; 2];
    let masks = MaskRows { words: &[0, 0, 4, 0], words_per_row: 2, row_indices: &[0, 1] };
    let answers = device.mask_and_sample(&mut logits, masks, &draws).expect("it samples");
    assert_eq!(answers, [Err(SampleError::AllMasked { width: 64 }), Ok(2)]);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let mut device = kernel_device();
    let heads = HeadShape { query_heads: 2, kv_heads: 1, head_dim: 4 };
    let shape = KvCacheShape { layers: 1, pages: 2, page_length: 4, heads };
    let is_shape = |result: Result<(), DeviceError>| assert!(matches!(result, Err(DeviceError::Shape { .. })));

    for head_dim in [0, 3, 258] {
        let heads = HeadShape { head_dim, ..heads };
        is_shape(device.kv_cache(KvCacheShape { heads, ..shape }).map(drop));
    }
    is_shape(device.kv_cache(KvCacheShape { page_length: 0, ..shape }).map(drop));
    is_shape(device.kv_cache(KvCacheShape { heads: HeadShape { kv_heads: 0, ..heads }, ..shape }).map(drop));

    let table = matrix(&mut device, 1, 3, 4);
    let mut output = device.activations(2, 4).expect("there is room");
    is_shape(device.embed(&table, &[3], &mut output));
    is_shape(device.embed(&table, &[0, 1, 2], &mut output));
    is_shape(device.multiply(1, &output, &table, &mut device_activations(5)));
    is_shape(device.select_rows(&[2], &device_activations(4), &mut output));

    fn placement<'a>(positions: &'a [u32], sequences: &'a [u32], page_table: &'a [u32]) -> RowPlacement<'a> {
        RowPlacement { positions, sequences, page_table, pages_per_sequence: 2 }
    }
    is_shape(device.place(placement(&[0], &[], &[0, 1])).map(drop));
    is_shape(device.place(placement(&[0], &[1], &[0, 1])).map(drop));
    is_shape(device.place(placement(&[0], &[0], &[0, 1, 2])).map(drop));

    let mut cache = device.kv_cache(shape).expect("it fits");
    let mut qkv = device.activations(1, heads.qkv_width()).expect("there is room");
    let rotations = device.vector(&[0.0; 32]).expect("there is room");
    for (position, page) in [(8, 1), (4, 2)] {
        let placement = device.place(placement(&[position], &[0], &[0, page])).expect("it fits itself");
        is_shape(device.rotate_and_store(&mut qkv, &rotations, &placement, 0, &mut cache));
    }
    let placement = device.place(placement(&[7], &[0], &[0, 1])).expect("it fits itself");
    is_shape(device.rotate_and_store(&mut qkv, &rotations, &placement, 1, &mut cache));
    device.rotate_and_store(&mut qkv, &rotations, &placement, 0, &mut cache).expect("it fits");
    let short = device.vector(&[0.0; 28]).expect("there is room");
    is_shape(device.rotate_and_store(&mut qkv, &short, &placement, 0, &mut cache));

    let masks = |row_indices| MaskRows { words: &[0, 0], words_per_row: 1, row_indices };
    is_shape(device.apply_bitmask(&mut output, masks(&[2])));
    is_shape(device.apply_bitmask(&mut output, MaskRows { words_per_row: 3, ..masks(&[0]) }));
}

/// Activations of a device of its own: operations refuse them by their shape alone.
fn device_activations(width: usize) -> <super::KernelDevice<super::Interpreted> as Device>::Activations {
    kernel_device().activations(2, width).expect("there is room")
}
