//! A whole model by kernels.

use std::path::Path;

use super::kernel_device;
use crate::device::{Device, Draw, RowPlacement};
use crate::sampler::{Sampler, SamplingParameters};
use crate::{CpuDevice, Llama, LlamaOptions, ModelFiles};

const OPTIONS: LlamaOptions =
    LlamaOptions { max_rows: 32, max_logits: 2, max_positions: 64, pages: 8, page_length: 16 };
const SEQUENCES: usize = 2;
const PAGES_PER_SEQUENCE: usize = 4;

/// Prompts of two sequences in one step, then a few steps of decoding: the greedy tokens, and all logits.
fn generate<D: Device>(device: D, folder: &str, prompts: [&[u32]; SEQUENCES]) -> (Vec<u32>, Vec<f32>) {
    let files = ModelFiles::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(folder)).expect("a model");
    let config = files.config().expect("a supported model");
    let mut model = Llama::load(device, config, files.checkpoint(), OPTIONS).expect("a whole checkpoint");
    let sampler = Sampler::new(SamplingParameters { temperature: 0.0, ..SamplingParameters::default() });
    let draws = [Draw { sampler: sampler.expect("in range"), step: 0 }; SEQUENCES];
    let page_table: Vec<u32> = (0..(SEQUENCES * PAGES_PER_SEQUENCE) as u32).rev().collect();

    let mut lengths = [0_u32; SEQUENCES];
    let mut rows: [Vec<u32>; SEQUENCES] = prompts.map(<[u32]>::to_vec);
    let (mut tokens, mut logits) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let (mut positions, mut sequences, mut selected) = (Vec::new(), Vec::new(), Vec::new());
        for (sequence, rows) in rows.iter().enumerate() {
            for _ in rows {
                positions.push(lengths[sequence]);
                sequences.push(sequence as u32);
                lengths[sequence] += 1;
            }
            selected.push(positions.len() as u32 - 1);
        }
        let placement = RowPlacement {
            positions: &positions,
            sequences: &sequences,
            page_table: &page_table,
            pages_per_sequence: PAGES_PER_SEQUENCE,
        };
        model.forward(&rows.concat(), placement, &selected).expect("the device works");
        let (device, output) = model.device_and_logits();
        logits.extend(device.read(SEQUENCES, output).expect("the device works"));
        let sampled = device.sample(output, &draws).expect("the device works");
        rows = [0, 1].map(|sequence| vec![*sampled[sequence].as_ref().expect("a token")]);
        tokens.extend(rows.concat());
    }
    (tokens, logits)
}

/// Greedy tokens are those of the CPU, and logits as near as a cache of bfloat16 leaves them.
fn compare(folder: &str, prompts: [&[u32]; SEQUENCES]) {
    let (expected_tokens, expected) = generate(CpuDevice::new(1).expect("one thread"), folder, prompts);
    let (tokens, found) = generate(kernel_device(), folder, prompts);
    assert_eq!(tokens, expected_tokens);
    let worst = found.iter().zip(&expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max);
    assert!(worst < 0.25, "{folder}: logits differ by {worst}");
}

#[test]
fn tiny_tools() {
    compare("tiny-tools", [&[1008, 87, 108, 269, 300, 12, 81, 500, 40, 41, 42, 43], &[1008, 33, 44, 55, 66, 77]]);
}

#[test]
fn stories260k() {
    compare("stories260K", [&[1, 403, 407, 261, 378, 12, 81, 250, 40], &[1, 403, 44, 55, 66, 77, 78, 79, 80, 81, 82]]);
}
