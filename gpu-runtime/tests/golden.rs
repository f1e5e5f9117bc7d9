//! Logits and greedy tokens of the committed models, compared with those of a numpy implementation.

mod common;

use common::{Answer, OPTIONS, answer, data, engine, engine_with, text};
use gpu_runtime::engine::{Finish, Request};
use gpu_runtime::{CpuDevice, Device, Llama, ModelFiles, RowPlacement, SamplingParameters};
use safetensors::SafeTensors;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    prompt: String,
    prompt_ids: Vec<u32>,
    /// With the stop token, if one came.
    greedy_ids: Vec<u32>,
    stop_ids: Vec<u32>,
}

fn golden(folder: &str) -> Vec<Case> {
    let json = std::fs::read(data(folder).join("golden.json")).expect("it is committed");
    serde_json::from_slice::<Golden>(&json).expect("it is of this form").cases
}

/// The logits of the first three steps of a case, `[3, vocabulary]`.
fn golden_logits(folder: &str, case: usize) -> Vec<f32> {
    let bytes = std::fs::read(data(folder).join("golden_logits.safetensors")).expect("it is committed");
    let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
    let tensor = tensors.tensor(&format!("case.{case}")).expect("one for each case");
    tensor.data().chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four bytes"))).collect()
}

/// The logits after each of the last three tokens of `tokens`, computed in one step.
fn last_logits(model: &mut Llama<CpuDevice>, tokens: &[u32]) -> Vec<f32> {
    let positions: Vec<u32> = (0..tokens.len() as u32).collect();
    let selected: Vec<u32> = positions[tokens.len() - 3..].to_vec();
    let placement = RowPlacement {
        positions: &positions,
        sequences: &vec![0; tokens.len()],
        // In no order, so that pages are found through the table.
        page_table: &[3, 1, 0, 2, 5, 4],
        pages_per_sequence: 6,
    };
    model.forward(tokens, placement, &selected).expect("the device works");
    let (device, logits) = model.device_and_logits();
    device.read(3, logits).expect("the device works")
}

fn compare_logits(folder: &str, threads: usize) {
    let files = ModelFiles::open(data(folder)).expect("a model");
    let device = CpuDevice::new(threads).expect("threads start");
    let options = gpu_runtime::LlamaOptions { max_rows: 96, ..OPTIONS };
    let config = files.config().expect("supported");
    let mut model = Llama::load(device, config, files.checkpoint(), options).expect("whole");
    for (index, case) in golden(folder).iter().enumerate() {
        let tokens = [&case.prompt_ids[..], &case.greedy_ids[..2]].concat();
        let found = last_logits(&mut model, &tokens);
        let expected = golden_logits(folder, index);
        assert_eq!(found.len(), expected.len());
        let worst = found.iter().zip(&expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-4, "{folder}, case {index}: logits differ by {worst}");
    }
}

#[test]
fn logits_of_tiny_tools() {
    compare_logits("tiny-tools", 1);
}

#[test]
fn logits_of_stories260k() {
    compare_logits("stories260K", 1);
}

#[test]
fn greedy_tokens() {
    for folder in ["tiny-tools", "stories260K"] {
        let files = ModelFiles::open(data(folder)).expect("a model");
        let mut engine = engine(&files);
        for case in golden(folder) {
            let sampling = SamplingParameters { temperature: 0.0, ..SamplingParameters::default() };
            let stop = case.greedy_ids.last().copied().filter(|last| case.stop_ids.contains(last));
            let expected = &case.greedy_ids[..case.greedy_ids.len() - stop.iter().len()];
            // One more where a stop token has to come, none where the reference was cut off.
            let max_tokens = expected.len() + stop.iter().len();
            let request = Request { sampling, ..Request::new(case.prompt_ids.clone(), max_tokens) };
            let Answer { tokens, finish, .. } = answer(&mut engine, request);
            assert_eq!(tokens, expected, "{folder}: {}, {}", case.prompt, text(&engine, &tokens));
            match stop {
                Some(stop) => assert_eq!(finish, Finish::StopToken(stop)),
                None => assert_eq!(finish, Finish::MaxTokens { complete: false }),
            }
        }
    }
}

#[test]
fn prompts_are_encoded_as_the_reference_encodes_them() {
    let files = ModelFiles::open(data("tiny-tools")).expect("a model");
    let encoder = files.encoder().expect("an encoder");
    for case in golden("tiny-tools") {
        assert_eq!(encoder.encode(&case.prompt).expect("it encodes"), case.prompt_ids);
    }
}

#[test]
fn greedy_tokens_do_not_depend_on_company_or_pieces() {
    let files = ModelFiles::open(data("tiny-tools")).expect("a model");
    let cases = golden("tiny-tools");
    // Eight rows a step: prompts of 17 to 49 tokens come in pieces, with others decoding beside them.
    for (max_rows, max_logits, threads) in [(8, 8, 1), (8, 3, 2), (200, 8, 2)] {
        let mut engine = engine_with(&files, threads, gpu_runtime::LlamaOptions { max_rows, max_logits, ..OPTIONS });
        let sampling = SamplingParameters { temperature: 0.0, ..SamplingParameters::default() };
        let ids: Vec<_> = cases
            .iter()
            .map(|case| {
                let request = Request { sampling, ..Request::new(case.prompt_ids.clone(), 100) };
                engine.submit(request).expect("it can be served")
            })
            .collect();
        let answers = common::run(&mut engine);
        for (case, id) in cases.iter().zip(ids) {
            assert_eq!(answers[&id].tokens, case.greedy_ids[..case.greedy_ids.len() - 1]);
        }
    }
}

/// The embedded model is the committed folder, and its tokenizer the one that `mask-runtime` embeds.
#[test]
fn the_embedded_model_is_the_committed_one() {
    let embedded = ModelFiles::embedded_tiny().expect("it is embedded");
    let folder = ModelFiles::open(data("tiny-tools")).expect("a model");
    assert_eq!(embedded.config().expect("supported"), folder.config().expect("supported"));
    let vocabulary = embedded.vocabulary().expect("a vocabulary");
    assert_eq!(vocabulary.fingerprint(), folder.vocabulary().expect("a vocabulary").fingerprint());
    assert_eq!(vocabulary.fingerprint(), mask_runtime::embedded_tiny().fingerprint());
}
