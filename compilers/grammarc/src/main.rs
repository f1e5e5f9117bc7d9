//! `grammarc`, with the engine of this project.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    grammarc::main(&[server::GRAMMARC])
}
