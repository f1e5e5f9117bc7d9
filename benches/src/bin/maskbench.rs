//! `maskbench`: grammarc over a MaskBench file. `benches/rivals` builds the same program with other engines beside it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use grammarc_benches::maskbench::{GRAMMARC, run};

fn main() -> ExitCode {
    run(&[GRAMMARC])
}
