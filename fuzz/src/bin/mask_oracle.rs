//! Compares masks with brute force on states of real grammars with a real vocabulary.
//!
//! ```text
//! cargo run --release -p grammarc-fuzz --bin mask_oracle -- --states 300 [--stored | --shortcuts] TOKENIZER_FOLDER…
//! ```
//!
//! Exit code 0: all equal; 1: a difference, printed with the text that leads to it; 2: usage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::process::ExitCode;
use std::time::Instant;

use grammarc_fuzz::walks::{self, Form};
use mask_runtime::Vocabulary;

fn main() -> ExitCode {
    let mut states: u64 = 300;
    let mut seed: u64 = 1;
    let mut form = Form::Compiled;
    let mut folders = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--states" | "--seed" => {
                let Some(number) = arguments.next().and_then(|number| number.parse().ok()) else { return usage() };
                *if argument == "--states" { &mut states } else { &mut seed } = number;
            }
            "--stored" => form = Form::Stored,
            "--shortcuts" => form = Form::Shortcuts,
            _ if argument.starts_with('-') => return usage(),
            _ => folders.push(argument),
        }
    }
    if folders.is_empty() {
        return usage();
    }
    let mut status = ExitCode::SUCCESS;
    for folder in folders {
        let vocabulary = match Vocabulary::from_huggingface_dir(&folder) {
            Ok(vocabulary) => vocabulary,
            Err(error) => {
                eprintln!("{folder}: {error}");
                return ExitCode::from(2);
            }
        };
        let (size, begun) = (vocabulary.size(), Instant::now());
        match walks::compare(vocabulary, form, states as usize, seed) {
            Ok(compared) => println!(
                "{folder}: {} masks of {size} tokens equal brute force ({} bits set on average, {:.0} s)",
                compared.masks,
                compared.bits / compared.masks.max(1),
                begun.elapsed().as_secs_f64()
            ),
            Err(difference) => {
                println!("{folder}: {difference}");
                status = ExitCode::FAILURE;
            }
        }
    }
    status
}

fn usage() -> ExitCode {
    eprintln!("usage: mask_oracle [--states N] [--seed N] [--stored | --shortcuts] TOKENIZER_FOLDER...");
    ExitCode::from(2)
}
