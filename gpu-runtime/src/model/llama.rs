//! The forward pass.

use half::{bf16, f16};

use super::checkpoint::{Checkpoint, CheckpointError};
use super::config::LlamaConfig;
use crate::device::{Device, DeviceError, HostTensor, KvCacheShape, RowPlacement, WeightType};

/// How large a step, a batch and a sequence may be. Memory is set aside for them when the model is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LlamaOptions {
    /// The greatest number of positions computed in one step, all sequences together.
    pub max_rows: usize,
    /// The greatest number of rows of logits of one step.
    pub max_logits: usize,
    /// The greatest number of positions of a sequence.
    pub max_positions: usize,
    /// The number of pages of the key/value cache.
    pub pages: usize,
    /// The number of positions in a page.
    pub page_length: usize,
}

/// A model that cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The checkpoint is at fault.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The device is.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

struct Layer<D: Device> {
    attention_norm: D::Vector,
    qkv: D::Matrix,
    attention_output: D::Matrix,
    feed_forward_norm: D::Vector,
    gate_up: D::Matrix,
    down: D::Matrix,
}

/// Activations, made once and used by every step.
struct Buffers<D: Device> {
    residual: D::Activations,
    normed: D::Activations,
    qkv: D::Activations,
    attended: D::Activations,
    gate_up: D::Activations,
    hidden: D::Activations,
    last: D::Activations,
    last_normed: D::Activations,
    logits: D::Activations,
}

/// A Llama model on a device, with its key/value cache.
pub struct Llama<D: Device> {
    device: D,
    config: LlamaConfig,
    options: LlamaOptions,
    embedding: D::Matrix,
    layers: Vec<Layer<D>>,
    norm: D::Vector,
    /// `None` if it is the embedding.
    head: Option<D::Matrix>,
    rotations: D::Vector,
    cache: D::KvCache,
    buffers: Buffers<D>,
}

impl<D: Device> Llama<D> {
    /// Copies the weights of `checkpoint` to `device` and sets memory aside.
    ///
    /// # Errors
    /// Tensors that are missing, of the wrong shape or not supported; not enough memory.
    pub fn load(
        mut device: D,
        config: LlamaConfig,
        checkpoint: &Checkpoint,
        options: LlamaOptions,
    ) -> Result<Self, LoadError> {
        checkpoint.check_biases()?;
        let (hidden, intermediate, heads) = (config.hidden, config.intermediate, config.heads);
        let embedding = checkpoint.matrix("model.embed_tokens.weight", config.vocabulary, hidden)?;
        let embedding = device.matrix(&[embedding])?;
        let layers = (0..config.layers)
            .map(|layer| {
                let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
                let matrix = |part: &str, rows, columns| checkpoint.matrix(&name(part), rows, columns);
                let norm = |part: &str| checkpoint.vector(&name(part), hidden).map(|tensor| to_f32(&tensor));
                let (query, kv) = (heads.query_width(), heads.kv_width());
                Ok(Layer {
                    attention_norm: device.vector(&norm("input_layernorm")?)?,
                    qkv: device.matrix(&[
                        matrix("self_attn.q_proj", query, hidden)?,
                        matrix("self_attn.k_proj", kv, hidden)?,
                        matrix("self_attn.v_proj", kv, hidden)?,
                    ])?,
                    attention_output: device.matrix(&[matrix("self_attn.o_proj", hidden, query)?])?,
                    feed_forward_norm: device.vector(&norm("post_attention_layernorm")?)?,
                    gate_up: device.matrix(&[
                        matrix("mlp.gate_proj", intermediate, hidden)?,
                        matrix("mlp.up_proj", intermediate, hidden)?,
                    ])?,
                    down: device.matrix(&[matrix("mlp.down_proj", hidden, intermediate)?])?,
                })
            })
            .collect::<Result<Vec<_>, LoadError>>()?;
        let norm = device.vector(&to_f32(&checkpoint.vector("model.norm.weight", hidden)?))?;
        let head = match config.tied_embeddings {
            true => None,
            false => Some(device.matrix(&[checkpoint.matrix("lm_head.weight", config.vocabulary, hidden)?])?),
        };
        let rotations =
            config.rope.table(options.max_positions, heads.head_dim).ok_or_else(|| DeviceError::OutOfMemory {
                device: "host".to_owned(),
                what: "the table of rotations",
                bytes: options.max_positions.saturating_mul(heads.head_dim).saturating_mul(size_of::<f32>()),
            })?;
        let rotations = device.vector(&rotations)?;
        let cache = device.kv_cache(KvCacheShape {
            layers: config.layers,
            pages: options.pages,
            page_length: options.page_length,
            heads,
        })?;
        let (rows, logits) = (options.max_rows, options.max_logits);
        let buffers = Buffers {
            residual: device.activations(rows, hidden)?,
            normed: device.activations(rows, hidden)?,
            qkv: device.activations(rows, heads.qkv_width())?,
            attended: device.activations(rows, heads.query_width())?,
            gate_up: device.activations(rows, 2 * intermediate)?,
            hidden: device.activations(rows, intermediate)?,
            last: device.activations(logits, hidden)?,
            last_normed: device.activations(logits, hidden)?,
            logits: device.logits(logits, config.vocabulary)?,
        };
        Ok(Self { device, config, options, embedding, layers, norm, head, rotations, cache, buffers })
    }

    /// The model's shape.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// What memory was set aside for.
    pub fn options(&self) -> &LlamaOptions {
        &self.options
    }

    /// The device.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// The device and the logits of the last step, to mask, sample or read them.
    pub fn device_and_logits(&mut self) -> (&mut D, &mut D::Activations) {
        (&mut self.device, &mut self.buffers.logits)
    }

    /// Computes one step: the keys and values of all rows are stored, and the logits of the rows `selected` are made,
    /// in that order.
    ///
    /// Shapes: `tokens` `[rows]`, at most `max_rows`; `selected` at most `max_logits` rows.
    ///
    /// # Errors
    /// Shapes that do not fit; failures of the device.
    pub fn forward(
        &mut self,
        tokens: &[u32],
        placement: RowPlacement<'_>,
        selected: &[u32],
    ) -> Result<(), DeviceError> {
        let rows = tokens.len();
        let epsilon = self.config.norm_epsilon;
        let Self { device, layers, buffers, cache, rotations, .. } = self;
        let placement = device.place(placement)?;
        device.embed(&self.embedding, tokens, &mut buffers.residual)?;
        for (index, layer) in layers.iter().enumerate() {
            device.rms_norm(rows, &buffers.residual, &layer.attention_norm, epsilon, &mut buffers.normed)?;
            device.multiply(rows, &buffers.normed, &layer.qkv, &mut buffers.qkv)?;
            device.rotate_and_store(&mut buffers.qkv, rotations, &placement, index, cache)?;
            device.attention(&buffers.qkv, &placement, index, cache, &mut buffers.attended)?;
            device.multiply_add(rows, &buffers.attended, &layer.attention_output, &mut buffers.residual)?;
            device.rms_norm(rows, &buffers.residual, &layer.feed_forward_norm, epsilon, &mut buffers.normed)?;
            device.multiply(rows, &buffers.normed, &layer.gate_up, &mut buffers.gate_up)?;
            device.swiglu(rows, &buffers.gate_up, &mut buffers.hidden)?;
            device.multiply_add(rows, &buffers.hidden, &layer.down, &mut buffers.residual)?;
        }
        if selected.is_empty() {
            return Ok(());
        }
        device.select_rows(selected, &buffers.residual, &mut buffers.last)?;
        device.rms_norm(selected.len(), &buffers.last, &self.norm, epsilon, &mut buffers.last_normed)?;
        let head = self.head.as_ref().unwrap_or(&self.embedding);
        device.multiply(selected.len(), &buffers.last_normed, head, &mut buffers.logits)
    }
}

/// The values of a tensor.
fn to_f32(tensor: &HostTensor<'_>) -> Vec<f32> {
    let pairs = || tensor.bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
    match tensor.element {
        WeightType::F32 => {
            tensor.bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
        }
        WeightType::F16 => pairs().map(|pair| f16::from_le_bytes(pair).to_f32()).collect(),
        WeightType::Bf16 => pairs().map(|pair| bf16::from_le_bytes(pair).to_f32()).collect(),
    }
}
