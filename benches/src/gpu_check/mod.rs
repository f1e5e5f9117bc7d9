//! The `gpu_check` runner: everything about the GPU that CI cannot check, in one program; see `benches/gpu/check.sh`.
//!
//! ```text
//! compare        operations on the GPU and on the CPU, the same numbers, shapes of real models
//! golden         logits and greedy tokens of the committed models, against those of their reference
//! bandwidth      copies, and masks applied to logits, against the clock
//! decode         random models of real shapes: the engine with grammars and without, against the clock
//! command_line   `grammarc generate --device cuda`
//! ```
//!
//! All but `bandwidth` is written over [`Device`](gpu_runtime::Device), so that `--rehearse` and the tests run it where there
//! is no GPU.

mod bandwidth;
mod command_line;
mod compare;
mod decode;
mod golden;
mod random_model;
mod report;
mod run;
mod vocabulary;

pub use bandwidth::masks_are_applied;
pub use compare::{Shapes, compare};
pub use decode::{Measured, decode};
pub use golden::{Extent, golden};
pub use random_model::Shape;
pub use report::{Failure, Report};
pub use run::run;
