//! `maskbench` with rival engines beside grammarc.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use grammarc_benches::maskbench::{GRAMMARC, run};

fn main() -> ExitCode {
    run(&[&[GRAMMARC], grammarc_rivals::ENGINES].concat())
}
