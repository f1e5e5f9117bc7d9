//! `grammarc`, with the engine of this project and those of its features.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    grammarc::main(&[&[server::GRAMMARC], rivals::BACKENDS].concat())
}
