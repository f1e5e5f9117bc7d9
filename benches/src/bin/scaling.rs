//! How times and memory grow: with the vocabulary, the grammar, nesting, the length of the output, the batch and the
//! threads.
//!
//! ```text
//! cargo run --release -p grammarc-benches --bin scaling -- --tokenizer DIR [--vocabularies DIR] [--only SECTION]
//! ```
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    grammarc_benches::scaling::run()
}
