//! `serve_load`: a server under mixed traffic, with and without hostile requests in it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use counting_allocator::CountingAllocator;

/// As in `grammarc serve`.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    grammarc_benches::serve_load::run()
}
