//! Judges the instances of a file in the form of MaskBench by bytes: no tokenizer, no masks, no limits on memory, hence
//! quick. `maskbench` does the same by tokens, with times, and holds it against the same ratchet.
//!
//! ```text
//! cargo run --release -p grammarc-fuzz --bin json_schema_instances -- --data schemas.jsonl
//! ```
//!
//! Exit code 0: nothing wrong, or no case worse than in the ratchet that was given; 1: something is; 2: usage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use grammarc::ratchet::{self, Ratchet, Verdict};
use grammarc_fuzz::json_schema::dataset;
use grammarc_fuzz::json_schema::instances::{self, Judged};
use grammarc_fuzz::json_schema::walk;

/// Judge the instances of schemas, by bytes.
#[derive(Debug, Parser)]
struct Args {
    /// The cases: {"id", "schema", "tests": [{"valid", "data"}]} a line, plain or xz
    #[arg(long, value_name = "FILE")]
    data: PathBuf,

    /// Take every N-th case only
    #[arg(long, value_name = "N", default_value_t = 1)]
    stride: usize,

    /// Take this case only; may be repeated
    #[arg(long, value_name = "ID")]
    id: Vec<String>,

    /// Leave out what cannot be enforced; then only a valid instance that is rejected is wrong
    #[arg(long)]
    lenient: bool,

    /// List why each schema that is refused is
    #[arg(long)]
    list_refused: bool,

    /// The ratchet to hold the verdicts against
    #[arg(long, value_name = "FILE")]
    ratchet: Option<PathBuf>,

    /// Write the verdicts found into the ratchet
    #[arg(long, requires = "ratchet")]
    update: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> io::Result<bool> {
    let tokenizer = walk::bytes().map_err(io::Error::other)?;
    let mut found = Ratchet::default();
    for case in dataset::read(&args.data, args.stride)? {
        if !args.id.is_empty() && !args.id.contains(&case.id) {
            continue;
        }
        let judged = catch_unwind(AssertUnwindSafe(|| instances::judge(&case, args.lenient, &tokenizer)));
        let Judged { verdict, reasons } =
            judged.unwrap_or_else(|_| Judged { verdict: Verdict::Crashed, reasons: vec!["a panic".to_owned()] });
        if verdict > Verdict::Refused || (verdict == Verdict::Refused && args.list_refused) {
            for reason in reasons {
                println!("{} {}: {reason}", verdict.name(), case.id);
            }
            io::stdout().flush()?;
        }
        found.push(&case.id, verdict);
    }
    let counts = [Verdict::Pass, Verdict::Refused, Verdict::Wrong, Verdict::Crashed]
        .map(|verdict| format!("{} {}", found.count(verdict), verdict.name()));
    println!("{} schemas: {}", found.cases().count(), counts.join(", "));
    match &args.ratchet {
        Some(path) => {
            let comparison = ratchet::check(path, &found, args.update)?;
            print!("{comparison}");
            Ok(args.update || comparison.holds())
        }
        None => Ok(found.count(Verdict::Wrong) + found.count(Verdict::Crashed) == 0),
    }
}
