//! `grammarc`, with the engine of this project and those of its features.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use counting_allocator::CountingAllocator;

/// Bounds the memory of compiles in `serve`.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    grammarc::main(&[&[server::GRAMMARC], rivals::BACKENDS].concat())
}
