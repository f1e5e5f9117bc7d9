//! `gpu_check`: everything about the GPU that CI cannot check.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    grammarc_benches::gpu_check::run()
}
