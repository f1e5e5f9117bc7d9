//! Models of real shapes with random weights, made in memory.

use gpu_runtime::{Checkpoint, LlamaConfig};
use serde_json::{Value, json};

use super::report::Failure;

/// The shape of a model with random weights.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    hidden: usize,
    intermediate: usize,
    layers: usize,
    heads: usize,
    head_dim: usize,
    pub(super) vocabulary: usize,
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
    /// One that a CPU, or an interpreter of kernels, gets through.
    pub const SMALL: Self =
        Self { hidden: 32, intermediate: 64, layers: 2, heads: 8, head_dim: 8, vocabulary: 2_000, tied: true };

    pub(super) fn config(&self) -> Result<LlamaConfig, Failure> {
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
    pub(super) fn checkpoint(&self) -> Result<Checkpoint, Failure> {
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
    pub(super) fn bytes_per_token(&self) -> usize {
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
