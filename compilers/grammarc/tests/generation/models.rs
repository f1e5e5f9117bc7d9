//! Models, grammars, and a loop that runs an engine until it is idle.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use compilers::{json_schema, regex};
use gpu_runtime::engine::{Engine, EngineOptions, Finish, Request, SequenceId};
use gpu_runtime::{CpuDevice, Llama, LlamaOptions, ModelFiles, SamplingParameters};
use grammar_ir::Limits;
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer};
use serde_json::{Map, Value, json};

pub(crate) fn engine_with(files: &ModelFiles, options: EngineOptions) -> Engine<CpuDevice> {
    let device = CpuDevice::new(1).expect("no threads are needed");
    let config = files.config().expect("a supported model");
    let sizes = LlamaOptions { max_rows: 64, max_logits: 16, max_positions: 512, pages: 512, page_length: 16 };
    let model = Llama::load(device, config, files.checkpoint(), sizes).expect("a whole checkpoint");
    let tokenizer = Tokenizer::new(files.vocabulary().expect("a vocabulary"));
    Engine::new(model, tokenizer, files.encoder().expect("an encoder"), options).expect("threads start")
}

/// An engine with `tiny-tools`.
pub(crate) fn tiny() -> Engine<CpuDevice> {
    engine_with(&ModelFiles::embedded_tiny().expect("it is embedded"), EngineOptions::default())
}

/// A model with the tokenizer of `tiny-tools` and random weights: it writes anything that the grammar lets it.
pub(crate) fn random_weights() -> ModelFiles {
    let (vocabulary, hidden, intermediate, layers, query, kv) = (1024, 32, 48, 2, 32, 16);
    let mut shapes = vec![
        ("model.embed_tokens.weight".to_owned(), vec![vocabulary, hidden]),
        ("model.norm.weight".to_owned(), vec![hidden]),
    ];
    for layer in 0..layers {
        for (part, shape) in [
            ("input_layernorm", vec![hidden]),
            ("post_attention_layernorm", vec![hidden]),
            ("self_attn.q_proj", vec![query, hidden]),
            ("self_attn.k_proj", vec![kv, hidden]),
            ("self_attn.v_proj", vec![kv, hidden]),
            ("self_attn.o_proj", vec![hidden, query]),
            ("mlp.gate_proj", vec![intermediate, hidden]),
            ("mlp.up_proj", vec![intermediate, hidden]),
            ("mlp.down_proj", vec![hidden, intermediate]),
        ] {
            shapes.push((format!("model.layers.{layer}.{part}.weight"), shape));
        }
    }
    let mut random = oorandom::Rand64::new(7);
    let mut header = Map::new();
    let mut data = Vec::new();
    for (name, shape) in shapes {
        let start = data.len();
        for _ in 0..shape.iter().product() {
            let value = if shape.len() == 1 { 1.0 } else { random.rand_float() as f32 - 0.5 };
            data.extend(value.to_le_bytes());
        }
        header.insert(name, json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]}));
    }
    let header = Value::Object(header).to_string();
    let checkpoint = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat();

    let embedded = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../gpu-runtime/data/tiny-tools");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("random-weights-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for name in ["tokenizer.json", "tokenizer_config.json", "generation_config.json"] {
        std::fs::copy(embedded.join(name), folder.join(name)).expect("the file can be copied");
    }
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "vocab_size": vocabulary, "hidden_size": hidden,
        "intermediate_size": intermediate, "num_hidden_layers": layers, "num_attention_heads": 4,
        "num_key_value_heads": 2, "tie_word_embeddings": true, "rope_theta": 500000.0, "max_position_embeddings": 4096,
        "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 512},
    });
    std::fs::write(folder.join("config.json"), config.to_string()).expect("the file can be written");
    std::fs::write(folder.join("model.safetensors"), checkpoint).expect("the file can be written");
    ModelFiles::open(&folder).expect("a model")
}

pub(crate) fn of_schema(engine: &Engine<CpuDevice>, schema: &str) -> Arc<CompiledGrammar> {
    let limits = Limits::default();
    let compiled = json_schema::compile(schema, &Default::default(), &limits).expect("a supported schema");
    CompiledGrammar::new(&compiled.grammar, engine.tokenizer().clone(), &limits).expect("it fits the vocabulary")
}

pub(crate) fn of_regex(engine: &Engine<CpuDevice>, pattern: &str) -> Arc<CompiledGrammar> {
    let limits = Limits::default();
    let options = regex::Options::new(regex::Syntax::Rust);
    let grammar = regex::compile(pattern, &options, &limits).expect("a supported pattern");
    CompiledGrammar::new(&grammar, engine.tokenizer().clone(), &limits).expect("it fits the vocabulary")
}

pub(crate) const GREEDY: SamplingParameters =
    SamplingParameters { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, seed: 0 };

/// A user turn for `tiny-tools`, greedy.
pub(crate) fn ask(engine: &Engine<CpuDevice>, question: &str, grammar: Option<&Arc<CompiledGrammar>>) -> Request {
    let prompt = format!(
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{question}<|eot_id|>\
         <|start_header_id|>assistant<|end_header_id|>\n\n"
    );
    Request {
        matcher: grammar.cloned().map(|grammar| Box::new(Matcher::new(grammar)) as _),
        sampling: GREEDY,
        ..Request::new(engine.encoder().encode(&prompt).expect("it encodes"), 200)
    }
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
    let mut begun: BTreeMap<SequenceId, (Vec<u32>, usize)> = BTreeMap::new();
    let mut answers = BTreeMap::new();
    while !engine.is_idle() {
        for event in engine.step().expect("the device works").events {
            let (tokens, forced) = begun.entry(event.sequence).or_default();
            tokens.extend(&event.tokens);
            *forced += event.forced;
            if let Some(finish) = event.finish {
                let (tokens, forced) = begun.remove(&event.sequence).expect("just added");
                answers.insert(event.sequence, Answer { tokens, forced, finish });
            }
        }
    }
    answers
}

/// The answer to one request.
pub(crate) fn answer(request: Request, engine: &mut Engine<CpuDevice>) -> Answer {
    let id = engine.submit(request).expect("a request that can be served");
    run(engine).remove(&id).expect("it ends")
}

pub(crate) fn text(engine: &Engine<CpuDevice>, tokens: &[u32]) -> String {
    let vocabulary = engine.tokenizer().vocabulary();
    let bytes: Vec<u8> = tokens.iter().flat_map(|&token| vocabulary.bytes(token)).copied().collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
