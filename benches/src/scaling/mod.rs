//! The runner `scaling`: how times and memory grow, one table for each thing that may grow.
//!
//! Times are of mask + accept, in microseconds, along a text that is encoded by longest tokens. Each text is gone through
//! several times, each time with a grammar compiled afresh, and the least time of each step counts, so that a busy machine
//! adds no tail of its own.
#![allow(clippy::print_stdout, reason = "a command-line program")]

mod args;
mod batch;
mod grammar;
mod length;
mod memory;
mod vocabulary;
mod walk;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use mask_runtime::{Tokenizer, Vocabulary};

use args::{Args, Section};

/// The program.
pub fn run() -> ExitCode {
    match print(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // There is nowhere to report that standard error is closed.
            let _ = writeln!(io::stderr(), "error: {message}");
            ExitCode::from(2)
        }
    }
}

fn print(args: &Args) -> Result<(), String> {
    let wants = |section| args.only.is_empty() || args.only.contains(&section);
    if let Some(folder) = args.vocabularies.as_deref().filter(|_| wants(Section::Vocabulary)) {
        vocabulary::print(folder)?;
    }
    let vocabulary = Vocabulary::from_huggingface_dir(&args.tokenizer).map_err(|error| error.to_string())?;
    let tokenizer = Tokenizer::new(vocabulary);
    println!("{}: {} tokens", args.tokenizer.display(), tokenizer.vocabulary().size());
    if wants(Section::Memory) {
        memory::print(&tokenizer)?;
    }
    if wants(Section::Grammar) {
        grammar::print_properties(&tokenizer)?;
        grammar::print_nesting(&tokenizer)?;
    }
    if wants(Section::Length) {
        length::print(&tokenizer)?;
    }
    if wants(Section::Batch) {
        batch::print(&tokenizer)?;
    }
    Ok(())
}
