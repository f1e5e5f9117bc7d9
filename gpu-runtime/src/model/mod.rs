//! A Llama model: from files to a forward pass over a [`Device`](crate::Device).
//!
//! ```text
//! config.json → LlamaConfig ─┐
//! *.safetensors → Checkpoint ┴→ Llama::load → forward(rows) → logits
//! ```

mod checkpoint;
mod config;
mod files;
mod llama;
mod mapped_file;
mod rotations;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use config::{ConfigError, LlamaConfig, Rope, RopeScaling};
pub use files::{ModelError, ModelFiles};
pub use llama::{Llama, LlamaOptions, LoadError};
