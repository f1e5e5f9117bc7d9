//! Whole models: the committed ones against their golden tokens, random ones of real shapes against the clock.

use std::path::Path;
use std::time::Instant;

use gpu_runtime::{
    Checkpoint, CudaDevice, Device, Draw, Llama, LlamaConfig, LlamaOptions, MaskRows, ModelFiles, RowPlacement,
    Sampler, SamplingParameters,
};
use serde_json::{Value, json};

use super::{Failure, Report, measure};

fn greedy(step: u64) -> Result<Draw, Failure> {
    let parameters = SamplingParameters { temperature: 0.0, ..SamplingParameters::default() };
    Ok(Draw { sampler: Sampler::new(parameters)?, step })
}

/// One sequence that goes on: its model, and how long it is.
struct Sequence {
    model: Llama<CudaDevice>,
    page_table: Vec<u32>,
    length: u32,
}

impl Sequence {
    fn new(config: LlamaConfig, checkpoint: &Checkpoint, max_positions: usize) -> Result<Self, Failure> {
        const PAGE_LENGTH: usize = 16;
        let pages = max_positions.div_ceil(PAGE_LENGTH);
        let options =
            LlamaOptions { max_rows: max_positions, max_logits: 1, max_positions, pages, page_length: PAGE_LENGTH };
        let model = Llama::load(CudaDevice::open()?, config, checkpoint, options)?;
        Ok(Self { model, page_table: (0..pages as u32).rev().collect(), length: 0 })
    }

    /// The greedy token after `tokens`; under a mask row, if there is one.
    fn next(&mut self, tokens: &[u32], mask: Option<&[u32]>) -> Result<u32, Failure> {
        let positions: Vec<u32> = (self.length..).take(tokens.len()).collect();
        self.length += tokens.len() as u32;
        let placement = RowPlacement {
            positions: &positions,
            sequences: &vec![0; tokens.len()],
            page_table: &self.page_table,
            pages_per_sequence: self.page_table.len(),
        };
        self.model.forward(tokens, placement, &[tokens.len() as u32 - 1])?;
        let (device, logits) = self.model.device_and_logits();
        let draws = [greedy(u64::from(self.length))?];
        let answers = match mask {
            Some(words) => {
                let masks = MaskRows { words, words_per_row: words.len(), row_indices: &[0] };
                device.mask_and_sample(logits, masks, &draws)?
            }
            None => device.sample(logits, &draws)?,
        };
        Ok(answers.into_iter().next().ok_or("no row was sampled")??)
    }
}

/// The greedy tokens of the committed models are those of the reference.
pub(super) fn golden(report: &mut Report, data: &Path) -> Result<(), Failure> {
    for folder in ["tiny-tools", "stories260K"] {
        let files = ModelFiles::open(data.join(folder))?;
        let golden: Value = serde_json::from_slice(&std::fs::read(data.join(folder).join("golden.json"))?)?;
        for case in golden["cases"].as_array().ok_or("golden.json has no cases")? {
            let tokens = |name: &str| -> Vec<u32> {
                let list = case[name].as_array().into_iter().flatten();
                list.filter_map(Value::as_u64).map(|token| token as u32).collect()
            };
            let (prompt, expected) = (tokens("prompt_ids"), tokens("greedy_ids"));
            let mut sequence = Sequence::new(files.config()?, files.checkpoint(), 512)?;
            let mut found = vec![sequence.next(&prompt, None)?];
            while found.len() < expected.len() {
                let last = found[found.len() - 1];
                found.push(sequence.next(&[last], None)?);
            }
            let same = found.iter().zip(&expected).take_while(|(found, expected)| found == expected).count();
            let prompt = case["prompt"].as_str().unwrap_or_default().chars().take(40).collect::<String>();
            let what = format!("{folder}: {same} of {} greedy tokens, {:?}", expected.len(), prompt);
            report.check(found == expected, &what);
        }
    }
    Ok(())
}

/// The shape of a model with random weights.
pub(super) struct Shape {
    hidden: usize,
    intermediate: usize,
    layers: usize,
    heads: usize,
    head_dim: usize,
    vocabulary: usize,
    tied: bool,
}

/// Llama 3.2 1B.
pub(super) const ONE_BILLION: Shape =
    Shape { hidden: 2048, intermediate: 8192, layers: 16, heads: 32, head_dim: 64, vocabulary: 128_256, tied: true };
/// Llama 3.1 8B.
pub(super) const EIGHT_BILLION: Shape = Shape {
    hidden: 4096,
    intermediate: 14_336,
    layers: 32,
    heads: 32,
    head_dim: 128,
    vocabulary: 128_256,
    tied: false,
};
const KV_HEADS: usize = 8;

impl Shape {
    fn config(&self) -> Result<LlamaConfig, Failure> {
        let config = json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_act": "silu",
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": KV_HEADS,
            "head_dim": self.head_dim,
            "vocab_size": self.vocabulary,
            "rms_norm_eps": 1e-5,
            "rope_theta": 500_000.0,
            "max_position_embeddings": 4096,
            "tie_word_embeddings": self.tied,
        });
        Ok(LlamaConfig::parse(config.to_string().as_bytes())?)
    }

    /// A checkpoint in memory: the tensors' names and shapes, and random bfloat16.
    fn checkpoint(&self) -> Result<Checkpoint, Failure> {
        let (query, kv) = (self.heads * self.head_dim, KV_HEADS * self.head_dim);
        let mut tensors = vec![("model.embed_tokens.weight".to_owned(), vec![self.vocabulary, self.hidden])];
        for layer in 0..self.layers {
            let matrices = [
                ("self_attn.q_proj", query, self.hidden),
                ("self_attn.k_proj", kv, self.hidden),
                ("self_attn.v_proj", kv, self.hidden),
                ("self_attn.o_proj", self.hidden, query),
                ("mlp.gate_proj", self.intermediate, self.hidden),
                ("mlp.up_proj", self.intermediate, self.hidden),
                ("mlp.down_proj", self.hidden, self.intermediate),
            ];
            let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
            tensors.extend(matrices.map(|(part, rows, columns)| (name(part), vec![rows, columns])));
            tensors.extend(["input_layernorm", "post_attention_layernorm"].map(|part| (name(part), vec![self.hidden])));
        }
        tensors.push(("model.norm.weight".to_owned(), vec![self.hidden]));
        if !self.tied {
            tensors.push(("lm_head.weight".to_owned(), vec![self.vocabulary, self.hidden]));
        }
        let mut header = serde_json::Map::new();
        let mut offset = 0;
        for (name, shape) in &tensors {
            let end = offset + 2 * shape.iter().product::<usize>();
            header.insert(name.clone(), json!({"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}));
            offset = end;
        }
        let header = Value::Object(header).to_string();
        let mut bytes = Vec::with_capacity(8 + header.len() + offset);
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header.as_bytes());
        // A block of random numbers, over and over: its length is odd in elements, so that no two rows are alike.
        let block = random_block(1_000_003);
        let total = bytes.len() + offset;
        while bytes.len() < total {
            let length = block.len().min(total - bytes.len());
            bytes.extend_from_slice(&block[..length]);
        }
        Ok(Checkpoint::from_bytes(bytes)?)
    }

    /// The bytes of weights that a token reads.
    fn bytes_per_token(&self) -> usize {
        let attention = 2 * self.hidden * (self.heads + KV_HEADS) * self.head_dim;
        let layer = attention + 3 * self.hidden * self.intermediate;
        2 * (self.layers * layer + self.vocabulary * self.hidden)
    }
}

/// bfloat16 numbers of about ±0.02.
fn random_block(count: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * 0.035).to_bits() >> 16
    };
    (0..count).flat_map(|_| (next() as u16).to_le_bytes()).collect()
}

/// How long a token takes, constrained and not, against the time that reading the weights takes.
pub(super) fn decode(report: &mut Report, shape: &Shape) -> Result<(), Failure> {
    const PROMPT: u32 = 64;
    const STEPS: usize = 200;
    let bandwidth = measure::memory_bandwidth()?;
    let start = Instant::now();
    let mut sequence = Sequence::new(shape.config()?, &shape.checkpoint()?, 512)?;
    let loading = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let mut token = sequence.next(&(0..PROMPT).collect::<Vec<_>>(), None)?;
    let prompt = start.elapsed().as_secs_f64();
    // About half of the tokens, as inside a text.
    let mask: Vec<u32> = (0..shape.vocabulary.div_ceil(32) as u32).map(|word| word.wrapping_mul(0x9E37_79B9)).collect();
    let mut times = [Vec::new(), Vec::new()];
    for step in 0..STEPS {
        // In turns, so that both see the same clocks and the same lengths.
        let constrained = step % 2;
        let start = Instant::now();
        token = sequence.next(&[token], (constrained == 1).then_some(&*mask))?;
        times[constrained].push(start.elapsed().as_secs_f64());
    }
    let [free, constrained] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    let bound = shape.bytes_per_token() as f64 / bandwidth;
    report.check(
        true,
        &format!("loaded in {loading:.1} s; a prompt of {PROMPT} tokens, kernels compiled, in {prompt:.2} s"),
    );
    let what = format!(
        "{:.3} ms a token, {:.0} tokens/s; reading {:.2} GB of weights at {:.0} GB/s (a copy of 1 GiB) takes {:.3} ms: {:.0} % of the \
         bound; the bar is 50 %",
        free * 1e3,
        1.0 / free,
        shape.bytes_per_token() as f64 / 1e9,
        bandwidth / 1e9,
        bound * 1e3,
        bound / free * 100.0
    );
    report.check(bound / free >= 0.5, &what);
    let ratio = constrained / free;
    let what =
        format!("constrained: {:.3} ms a token, {ratio:.3} of unconstrained; the bar is 1.02", constrained * 1e3);
    report.check(ratio <= 1.02, &what);
    Ok(())
}
