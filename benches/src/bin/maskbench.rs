//! `maskbench`: grammarc over a MaskBench file, and beside it the engines of this package's features.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use grammarc_benches::maskbench::{EngineEntry, GRAMMARC, run};

fn main() -> ExitCode {
    let rivals = rivals::BACKENDS.iter().map(|&backend| EngineEntry::of_backend(backend));
    run(&std::iter::once(GRAMMARC).chain(rivals).collect::<Vec<_>>())
}
