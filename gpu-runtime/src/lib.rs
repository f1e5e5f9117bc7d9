//! What is done with a row of a token mask: apply it to logits, and sample a token from them.
//!
//! ```text
//! bitmask rows (mask-runtime) ─┐
//! logits (a model) ────────────┴→ apply_bitmask → Sampler::sample → token id → accept_token (mask-runtime)
//! ```
//!
//! [`apply_bitmask_rows`] is the meaning of the CUDA kernels of the same name in the `ptx` crate.
#![forbid(unsafe_code)]

mod device;
mod logits;
mod philox;
mod sampler;

pub use device::{Device, DeviceError, Draw, HeadShape, HostTensor, KvCacheShape, MaskRows, RowPlacement, WeightType};
pub use logits::{Logit, ShapeError, apply_bitmask, apply_bitmask_rows};
pub use sampler::{SampleError, Sampler, SamplerScratch, SamplingParameterError, SamplingParameters, argmax};
