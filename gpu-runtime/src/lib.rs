//! The reference runtime: a Llama model, token masks applied to its logits, tokens sampled from them.
//!
//! ```text
//! model folder → ModelFiles → Llama (over a Device) ┐
//! prompt → ChatTemplate → Encoder → Request ────────┴→ Engine::step ─→ tokens → TextStream → text
//!                                       Matcher ↗       │   ↑
//!                                        forward ∥ fill → apply_bitmask → Sampler → accept
//! ```
//!
//! `docs/gpu-runtime.md` describes the loop and what it costs. [`apply_bitmask_rows`] is the meaning of the CUDA kernels
//! of the same name in the `ptx` crate.

pub mod cpu;
pub mod cuda;
mod device;
pub mod engine;
mod logits;
mod model;
mod philox;
mod sampler;
mod text;
mod thread;

pub use cpu::CpuDevice;
pub use cuda::CudaDevice;
pub use device::{Device, DeviceError, Draw, HeadShape, HostTensor, KvCacheShape, MaskRows, RowPlacement, WeightType};
pub use logits::{Logit, ShapeError, apply_bitmask, apply_bitmask_rows};
pub use model::{
    Checkpoint, CheckpointError, ConfigError, Llama, LlamaConfig, LlamaOptions, LoadError, ModelError, ModelFiles,
    Rope, RopeScaling,
};
pub use sampler::{SampleError, Sampler, SamplerScratch, SamplingParameterError, SamplingParameters, argmax};
pub use text::{ChatTemplate, ChatTemplateError, Conversation, Encoder, EncoderError, TextStream};
pub use thread::{processor_time, run_behind_others, run_when_idle};
