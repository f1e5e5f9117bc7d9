//! `grammarc`, with the engine of this project; `benches/rivals` builds it with others beside it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    grammarc::main(&[server::GRAMMARC])
}
