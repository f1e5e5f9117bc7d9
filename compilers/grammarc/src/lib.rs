//! The command line, and what it shares with the crates that judge the engine: texts drawn at random, and ratchets.
//!
//! ```text
//! args → grammar → input (text of a grammar) → pipeline (Grammar → Pda → CompiledGrammar) → commands/* → output
//! ```
//!
//! `docs/cli.md` describes the commands, their JSON output and the exit codes.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod describe;
mod failure;
mod grammar;
mod input;
mod jobs;
mod limits;
mod output;
mod pipeline;
pub mod ratchet;
mod rejection;
pub mod sample;
mod settings;
mod tokenizer;
mod without_duplicates;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use server::BackendEntry;

use args::Cli;
use failure::Failure;
use output::Output;

/// The program. `backends` are the engines that `serve` and `batch` can compile grammars with.
pub fn main(backends: &[BackendEntry]) -> ExitCode {
    let cli = Cli::parse();
    let mut output = Output::new(cli.json);
    let outcome = commands::run(&cli.command, &mut output, backends);
    let outcome = outcome.or_else(|failure| report(failure, &mut output));
    match outcome.and_then(|verdict| Ok(output.flush().map(|()| verdict)?)) {
        Ok(verdict) => verdict.exit_code(),
        // Whoever reads has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            // If this cannot be written either, the exit code has to do.
            let _ = write!(anstream::stderr().lock(), "{}", failure.render());
            failure.verdict().exit_code()
        }
    }
}

/// Says what went wrong; what is left is a failure to say so.
fn report(failure: Failure, output: &mut Output) -> Result<output::Verdict, Failure> {
    if matches!(failure, Failure::Output(_)) {
        return Err(failure);
    }
    if output.is_json() {
        output.json(&failure.to_json())?;
    } else {
        output.flush()?;
        write!(anstream::stderr().lock(), "{}", failure.render())?;
    }
    Ok(failure.verdict())
}
