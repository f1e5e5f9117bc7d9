//! GLRMask for `maskbench`: a build of the same harness with this one engine, to be named by
//! `maskbench --program glrmask=PROGRAM`. Alone it is a `maskbench` of its own.
#![forbid(unsafe_code)]

mod engine;

use std::process::ExitCode;

fn main() -> ExitCode {
    grammarc_benches::maskbench::run(&[engine::GLRMASK])
}
