//! `maskbench` with rival engines beside grammarc; each is a feature of this package.
#![forbid(unsafe_code)]

#[cfg(feature = "llguidance")]
mod llguidance;

use std::process::ExitCode;

use grammarc_benches::maskbench::{GRAMMARC, run};

fn main() -> ExitCode {
    run(&[
        GRAMMARC,
        #[cfg(feature = "llguidance")]
        llguidance::LLGUIDANCE,
    ])
}
