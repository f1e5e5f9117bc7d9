//! `serve_load`: a server under mixed traffic, with and without hostile requests in it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    grammarc_benches::serve_load::run()
}
