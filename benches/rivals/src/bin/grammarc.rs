//! `grammarc` whose `serve` and `batch` can compile with rival engines, by `--grammar-backend`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    grammarc::main(&[&[server::GRAMMARC], grammarc_rivals::BACKENDS].concat())
}
