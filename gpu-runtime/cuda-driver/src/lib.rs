//! The CUDA driver, found when the program runs and not when it is built.
//!
//! ```text
//! gpu-runtime → Gpu ─cust→ cuLaunchKernel … ─functions→ library ─dlopen→ libcuda.so.1
//! ```
//!
//! * `functions` defines the functions of the driver that cust declares; `library` finds the driver for them. Without a
//!   driver they return an error. The program is linked with no CUDA library, and starts on any machine.
//! * [`Gpu`] is what the runtime needs of a device: memory, copies, launches of the kernels of the `ptx` crate. It checks
//!   what it is passed, so that its callers need no `unsafe`.
//!
//! Never link this crate into a library for C or Python: it would export the driver's names, and another user of the
//! driver in the same process would get these functions for its own.

#![allow(unsafe_code, reason = "calls of the driver; each is argued for where it stands")]

mod functions;
mod gpu;
mod library;
mod status;

pub use gpu::{Argument, Buffer, Gpu, GpuError, Unavailable};
