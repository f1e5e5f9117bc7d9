//! Models for tests, and a loop that runs an engine until it is idle.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gpu_runtime::engine::{Engine, EngineOptions, Finish, Request, SequenceId, Step};
use gpu_runtime::{CpuDevice, Llama, LlamaOptions, ModelFiles};
use mask_runtime::Tokenizer;

/// A folder under `data/`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

pub(crate) const OPTIONS: LlamaOptions =
    LlamaOptions { max_rows: 64, max_logits: 16, max_positions: 512, pages: 256, page_length: 16 };

pub(crate) fn engine_with(files: &ModelFiles, threads: usize, options: LlamaOptions) -> Engine<CpuDevice> {
    let device = CpuDevice::new(threads).expect("threads start");
    let config = files.config().expect("a supported model");
    let model = Llama::load(device, config, files.checkpoint(), options).expect("a whole checkpoint");
    let tokenizer = Tokenizer::new(files.vocabulary().expect("a vocabulary"));
    let encoder = files.encoder().expect("an encoder");
    Engine::new(model, tokenizer, encoder, EngineOptions::default()).expect("threads start")
}

/// [`engine`] with other options of the loop.
pub(crate) fn engine_of(files: &ModelFiles, options: EngineOptions) -> Engine<CpuDevice> {
    let device = CpuDevice::new(1).expect("threads start");
    let config = files.config().expect("a supported model");
    let model = Llama::load(device, config, files.checkpoint(), OPTIONS).expect("a whole checkpoint");
    let tokenizer = Tokenizer::new(files.vocabulary().expect("a vocabulary"));
    Engine::new(model, tokenizer, files.encoder().expect("an encoder"), options).expect("threads start")
}

pub(crate) fn engine(files: &ModelFiles) -> Engine<CpuDevice> {
    engine_with(files, 1, OPTIONS)
}

/// What came of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) tokens: Vec<u32>,
    pub(crate) forced: usize,
    pub(crate) finish: Finish,
}

/// Steps until nothing is left to do.
pub(crate) fn run(engine: &mut Engine<CpuDevice>) -> BTreeMap<SequenceId, Answer> {
    let mut tokens: BTreeMap<SequenceId, (Vec<u32>, usize)> = BTreeMap::new();
    let mut answers = BTreeMap::new();
    let take = |step: Step| {
        for event in step.events {
            let entry = tokens.entry(event.sequence).or_default();
            entry.0.extend(&event.tokens);
            entry.1 += event.forced;
            if let Some(finish) = event.finish {
                let (tokens, forced) = tokens.remove(&event.sequence).expect("just added");
                answers.insert(event.sequence, Answer { tokens, forced, finish });
            }
        }
    };
    engine.run(take).expect("the device works");
    assert_eq!(tokens, BTreeMap::new(), "every sequence ends");
    answers
}

/// The answer to one request.
pub(crate) fn answer(engine: &mut Engine<CpuDevice>, request: Request) -> Answer {
    let id = engine.submit(request).expect("a request that can be served");
    run(engine).remove(&id).expect("it ends")
}

/// The text of tokens.
pub(crate) fn text(engine: &Engine<CpuDevice>, tokens: &[u32]) -> String {
    let vocabulary = engine.tokenizer().vocabulary();
    let bytes: Vec<u8> = tokens.iter().flat_map(|&token| vocabulary.bytes(token)).copied().collect();
    String::from_utf8(bytes).expect("the model writes UTF-8")
}
