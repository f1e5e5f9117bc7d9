//! The commands, one file or folder each.

mod accept;
mod batch;
mod cases;
mod check;
mod compile;
mod device;
mod dump;
mod generate;
mod inspect;
mod mask;
mod sample;
mod serve;
mod tokenizer;
mod verify;

use clap::Subcommand;
use server::BackendEntry;

use crate::failure::Failure;
use crate::output::{Output, Verdict};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Diagnose a grammar
    Check(check::Args),
    /// Compile grammars to a file that is loaded in no time
    Compile(compile::Args),
    /// Show what is in a file of compiled grammars
    Inspect(inspect::Args),
    /// Check a file of compiled grammars, and that compiling again makes the same
    Verify(verify::Args),
    /// Show a grammar at a stage of the compile
    Dump(dump::Args),
    /// Show which tokens may come after a text
    Mask(mask::Args),
    /// Tell whether a text is in the language, and if not, where it leaves it
    Accept(accept::Args),
    /// Draw random texts of the language
    Sample(sample::Args),
    /// Let a model answer a prompt, constrained by a grammar
    Generate(generate::Args),
    /// Answer requests over HTTP, as the servers of OpenAI and SGLang do
    Serve(serve::Args),
    /// Answer a file of requests
    Batch(batch::Args),
    /// Run a file of accept, reject, error and mask facts
    Cases(cases::Args),
    /// Show what was detected about a tokenizer
    Tokenizer(tokenizer::Args),
}

/// Carries out a command. `backends` are the engines that `serve` and `batch` can compile grammars with.
pub(crate) fn run(command: &Command, output: &mut Output, backends: &[BackendEntry]) -> Result<Verdict, Failure> {
    match command {
        Command::Check(args) => check::run(args, output),
        Command::Compile(args) => compile::run(args, output),
        Command::Inspect(args) => inspect::run(args, output),
        Command::Verify(args) => verify::run(args, output),
        Command::Dump(args) => dump::run(args, output),
        Command::Mask(args) => mask::run(args, output),
        Command::Accept(args) => accept::run(args, output),
        Command::Sample(args) => sample::run(args, output),
        Command::Generate(args) => generate::run(args, output),
        Command::Serve(args) => serve::run(args, output, backends),
        Command::Batch(args) => batch::run(args, output, backends),
        Command::Cases(args) => cases::run(args, output),
        Command::Tokenizer(args) => tokenizer::run(args, output),
    }
}
