//! An interpreter of PTX, for tests: it runs the kernels of the `ptx` crate on machines without a GPU.
//!
//! ```text
//! PTX text ─lexer→ tokens ─parse→ statements ─decode→ instructions ─launch→ blocks ─thread→ GlobalMemory
//! ```
//!
//! It knows the part of PTX ISA 8.8 that nvrtc emits for kernels in plain C++: one-level control flow, integers and
//! floats of 16 to 64 bits, global and shared memory, shuffles, block barriers, atomic addition in shared memory.
//! Anything else is refused by name when a text is read. Source: NVIDIA, "Parallel Thread Execution ISA", version 8.8.
//!
//! What a GPU leaves undefined is a [`Fault`] here:
//!
//! * an access outside every buffer, or not aligned to its size;
//! * two threads of a block that access the same byte of shared memory between two barriers, one of them writing
//!   (threads run one after the other here, so that a missing barrier would not show otherwise), and a read of shared
//!   memory that nobody wrote;
//! * a shuffle or a barrier that some of the threads it names do not reach;
//! * more instructions than a limit.
//!
//! Arithmetic is IEEE 754 with the rounding that the instruction names, as on a GPU. `ex2.approx` is the one
//! instruction whose last bits are not specified; here it is the platform's `exp2`.
#![forbid(unsafe_code)]

mod arithmetic;
mod decode;
mod error;
mod instruction;
mod launch;
mod lexer;
mod memory;
mod parse;
mod shared;
mod thread;

pub use error::{Fault, FaultKind, ParseError, ParseErrorKind};
pub use launch::{Argument, Launch};
pub use memory::GlobalMemory;
pub use parse::Program;
