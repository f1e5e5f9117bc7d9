//! The CUDA kernels of grammarc: PTX texts, and what a launch of each kernel passes.
//!
//! ```text
//! kernels/*.cu, *.cuh ─ compile.py (nvrtc) → kernels/*.ptx ─ include_str! → Module::text ─→ the driver's JIT
//!                                          → manifest.json                 Kernel: entry, parameters, block
//! ```
//!
//! The PTX is committed, so that a build needs no CUDA compiler. It targets `sm_80` and PTX ISA 8.8, which a driver for
//! CUDA 12.9 or newer compiles for any GPU from Ampere on. The meaning of a kernel's parameters, with shapes, is at the
//! top of its source. `docs/gpu-runtime.md` says how the PTX is made and checked.
#![forbid(unsafe_code)]

mod kernel;
mod module;

pub use kernel::{ElementType, Kernel, Parameter, ParameterType};
pub use module::Module;
