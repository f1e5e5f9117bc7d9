//! `config.json` of a Llama checkpoint, checked.

use serde::Deserialize;
use serde_json::Value;

use crate::device::HeadShape;

/// The greatest value of any one dimension. Products of three then fit into 64 bits.
const MAX_DIMENSION: usize = 1 << 20;

/// The shape of a Llama model.
#[derive(Debug, Clone, PartialEq)]
pub struct LlamaConfig {
    /// The number of token ids that have an embedding and a logit.
    pub vocabulary: usize,
    /// The width of the residual stream.
    pub hidden: usize,
    /// The width of the feed-forward layer.
    pub intermediate: usize,
    /// The number of layers.
    pub layers: usize,
    /// The attention heads.
    pub heads: HeadShape,
    /// What RMS norms add to the mean square.
    pub norm_epsilon: f32,
    /// How positions become angles.
    pub rope: Rope,
    /// The number of positions the model was trained for.
    pub max_positions: usize,
    /// Whether the output projection is the embedding table.
    pub tied_embeddings: bool,
}

/// Rotary position embedding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rope {
    /// The base of the frequencies.
    pub theta: f32,
    /// How the frequencies are stretched for long contexts.
    pub scaling: RopeScaling,
}

/// How rotary frequencies are stretched for contexts longer than those of the first training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All frequencies are divided by `factor`.
    Linear {
        /// The factor.
        factor: f32,
    },
    /// Low frequencies are divided by `factor`, high ones are kept, those between are interpolated (Llama 3.1).
    Llama3 {
        /// The factor of low frequencies.
        factor: f32,
        /// Wavelengths above `original_positions / low` are low frequencies.
        low: f32,
        /// Wavelengths below `original_positions / high` are high frequencies.
        high: f32,
        /// The context length before stretching.
        original_positions: f32,
    },
}

/// A `config.json` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not JSON, or a field that is missing or of another type.
    #[error("config.json: {0}")]
    Json(#[from] serde_json::Error),
    /// Something that this runtime does not do.
    #[error("config.json: {field} is {found}, which is not supported; supported: {supported}")]
    Unsupported {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// What is supported.
        supported: &'static str,
    },
    /// A value that makes no sense.
    #[error("config.json: {field} is {found}, but has to be {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// What it has to be.
        expected: String,
    },
}

/// The fields of the file that matter, with the defaults of Hugging Face's `LlamaConfig`.
#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    architectures: Vec<String>,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    #[serde(default = "default_norm_epsilon")]
    rms_norm_eps: f32,
    rope_theta: Option<f32>,
    rope_scaling: Option<RopeFields>,
    /// Where newer files keep both of the above.
    rope_parameters: Option<RopeFields>,
    #[serde(default = "default_max_positions")]
    max_position_embeddings: usize,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default = "default_activation")]
    hidden_act: String,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    quantization_config: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct RopeFields {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f32>,
    factor: Option<f32>,
    low_freq_factor: Option<f32>,
    high_freq_factor: Option<f32>,
    original_max_position_embeddings: Option<f32>,
}

fn default_norm_epsilon() -> f32 {
    1e-6
}

fn default_max_positions() -> usize {
    2048
}

fn default_activation() -> String {
    "silu".to_owned()
}

impl LlamaConfig {
    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// Another architecture, a feature that is not supported, dimensions that do not fit together.
    pub fn parse(json: &[u8]) -> Result<Self, ConfigError> {
        let file: File = serde_json::from_slice(json)?;
        refuse_unsupported(&file)?;
        for (field, value) in [
            ("vocab_size", file.vocab_size),
            ("hidden_size", file.hidden_size),
            ("intermediate_size", file.intermediate_size),
            ("num_hidden_layers", file.num_hidden_layers),
            ("num_attention_heads", file.num_attention_heads),
            ("max_position_embeddings", file.max_position_embeddings),
        ] {
            dimension(field, value)?;
        }
        let query_heads = file.num_attention_heads;
        let kv_heads = dimension("num_key_value_heads", file.num_key_value_heads.unwrap_or(query_heads))?;
        if !query_heads.is_multiple_of(kv_heads) {
            let expected = format!("a divisor of num_attention_heads, {query_heads}");
            return Err(ConfigError::Value { field: "num_key_value_heads", found: kv_heads.to_string(), expected });
        }
        let head_dim = match file.head_dim {
            Some(head_dim) => head_dim,
            None if file.hidden_size.is_multiple_of(query_heads) => file.hidden_size / query_heads,
            None => {
                let expected = format!("a multiple of num_attention_heads, {query_heads}, or head_dim be given");
                return Err(ConfigError::Value { field: "hidden_size", found: file.hidden_size.to_string(), expected });
            }
        };
        if !dimension("head_dim", head_dim)?.is_multiple_of(2) {
            let expected = "even, as pairs of values are rotated".to_owned();
            return Err(ConfigError::Value { field: "head_dim", found: head_dim.to_string(), expected });
        }
        let rope = rope(&file)?;
        Ok(Self {
            vocabulary: file.vocab_size,
            hidden: file.hidden_size,
            intermediate: file.intermediate_size,
            layers: file.num_hidden_layers,
            heads: HeadShape { query_heads, kv_heads, head_dim },
            norm_epsilon: positive("rms_norm_eps", file.rms_norm_eps)?,
            rope,
            max_positions: file.max_position_embeddings,
            tied_embeddings: file.tie_word_embeddings,
        })
    }
}

fn refuse_unsupported(file: &File) -> Result<(), ConfigError> {
    let unsupported = |field, found: String, supported| Err(ConfigError::Unsupported { field, found, supported });
    if !file.architectures.iter().any(|name| name == "LlamaForCausalLM") {
        return unsupported("architectures", format!("{:?}", file.architectures), "LlamaForCausalLM");
    }
    if file.hidden_act != "silu" {
        return unsupported("hidden_act", format!("{:?}", file.hidden_act), "silu");
    }
    if file.attention_bias {
        return unsupported("attention_bias", "true".to_owned(), "false");
    }
    if file.mlp_bias {
        return unsupported("mlp_bias", "true".to_owned(), "false");
    }
    if let Some(quantization) = &file.quantization_config {
        let method = quantization["quant_method"].as_str().unwrap_or("present");
        return unsupported("quantization_config", method.to_owned(), "weights of type f32, f16 and bf16");
    }
    Ok(())
}

fn dimension(field: &'static str, value: usize) -> Result<usize, ConfigError> {
    if (1..=MAX_DIMENSION).contains(&value) || (field == "max_position_embeddings" && value > 0) {
        return Ok(value);
    }
    Err(ConfigError::Value { field, found: value.to_string(), expected: format!("from 1 to {MAX_DIMENSION}") })
}

fn positive(field: &'static str, value: f32) -> Result<f32, ConfigError> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(ConfigError::Value { field, found: value.to_string(), expected: "a positive number".to_owned() })
}

fn rope(file: &File) -> Result<Rope, ConfigError> {
    let none = RopeFields::default();
    let fields = file.rope_parameters.as_ref().or(file.rope_scaling.as_ref()).unwrap_or(&none);
    let theta = positive("rope_theta", file.rope_theta.or(fields.rope_theta).unwrap_or(10_000.0))?;
    let required = |field, value: Option<f32>| match value {
        Some(value) => positive(field, value),
        None => Err(ConfigError::Value { field, found: "missing".to_owned(), expected: "a number".to_owned() }),
    };
    let scaling = match fields.rope_type.as_deref() {
        None | Some("default") => RopeScaling::None,
        Some("linear") => RopeScaling::Linear { factor: required("rope_scaling.factor", fields.factor)? },
        Some("llama3") => {
            let low = required("rope_scaling.low_freq_factor", fields.low_freq_factor)?;
            let high = required("rope_scaling.high_freq_factor", fields.high_freq_factor)?;
            if high <= low {
                let expected = format!("greater than low_freq_factor, {low}");
                let field = "rope_scaling.high_freq_factor";
                return Err(ConfigError::Value { field, found: high.to_string(), expected });
            }
            RopeScaling::Llama3 {
                factor: required("rope_scaling.factor", fields.factor)?,
                low,
                high,
                original_positions: required(
                    "rope_scaling.original_max_position_embeddings",
                    fields.original_max_position_embeddings,
                )?,
            }
        }
        Some(other) => {
            return Err(ConfigError::Unsupported {
                field: "rope_scaling.rope_type",
                found: format!("{other:?}"),
                supported: "default, linear, llama3",
            });
        }
    };
    Ok(Rope { theta, scaling })
}
