//! Runs the official JSON-Schema-Test-Suite, every draft from 4 on, required and optional tests, and holds the verdicts
//! against the committed ratchets.
//!
//! ```text
//! cargo run --release -p grammarc-fuzz --bin json_schema_suite -- JSON-Schema-Test-Suite
//! ```
//!
//! Exit code 0: no case got worse; 1: some did; 2: usage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use grammarc::ratchet::{self, Ratchet, Verdict};
use grammarc_fuzz::json_schema::suite::{self, DRAFTS, Draft, Outcome};
use grammarc_fuzz::json_schema::walk;

/// Run the official JSON-Schema-Test-Suite against the committed ratchets.
#[derive(Debug, Parser)]
struct Args {
    /// A checkout of the suite
    suite: PathBuf,

    /// Judge these drafts only, by their folder in the suite
    #[arg(long, value_name = "DRAFT", value_delimiter = ',')]
    draft: Vec<String>,

    /// Judge the groups whose name contains this only, for instance `optional/format/` or `allOf:`
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// Where the ratchets are, one per draft
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/ratchets/json-schema-test-suite"))]
    ratchets: PathBuf,

    /// Write the verdicts found into the ratchets
    #[arg(long)]
    update: bool,

    /// List each case that is wrong, with its schema and instance
    #[arg(long)]
    list_wrong: bool,

    /// List each group that is refused, with the reason
    #[arg(long)]
    list_refused: bool,
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
    let unknown = args.draft.iter().find(|name| DRAFTS.iter().all(|draft| draft.folder != *name));
    if let Some(name) = unknown {
        let known = DRAFTS.map(|draft| draft.folder).join(", ");
        return Err(io::Error::other(format!("no draft `{name}` is judged; these are {known}")));
    }
    let remotes = suite::remotes(&args.suite)?;
    let mut holds = true;
    println!("draft         required: pass refused wrong   optional: pass refused wrong");
    for draft in DRAFTS {
        if args.draft.is_empty() || args.draft.iter().any(|name| name == draft.folder) {
            holds &= judge(args, draft, &remotes)?;
        }
    }
    Ok(holds)
}

fn judge(args: &Args, draft: Draft, remotes: &[(String, String)]) -> io::Result<bool> {
    let tokenizer = walk::bytes().map_err(io::Error::other)?;
    let mut found = Ratchet::default();
    let mut counts = [[0; Verdict::ALL.len()]; 2];
    for group in suite::read(&args.suite, draft)? {
        if args.only.as_ref().is_some_and(|part| !group.name.contains(part)) {
            continue;
        }
        let outcomes = suite::judge(&group, draft, remotes, &tokenizer);
        list(args, draft, &outcomes);
        for outcome in outcomes {
            counts[usize::from(outcome.optional)][outcome.verdict as usize] += 1;
            found.push(&outcome.name, outcome.verdict);
        }
    }
    let [required, optional] =
        counts.map(|counts| [Verdict::Pass, Verdict::Refused, Verdict::Wrong].map(|verdict| counts[verdict as usize]));
    println!(
        "{:12}          {:6} {:7} {:5}             {:4} {:7} {:5}",
        draft.folder, required[0], required[1], required[2], optional[0], optional[1], optional[2]
    );
    let path = args.ratchets.join(draft.folder).with_extension("txt");
    let comparison = ratchet::check(&path, &found, args.update)?;
    print!("{comparison}");
    Ok(args.update || comparison.holds())
}

fn list(args: &Args, draft: Draft, outcomes: &[Outcome]) {
    let mut reasons = Vec::new();
    for outcome in outcomes {
        let listed = match outcome.verdict {
            Verdict::Wrong | Verdict::Crashed => args.list_wrong,
            // A schema is refused as a whole.
            Verdict::Refused => args.list_refused && !reasons.contains(&&outcome.reason),
            Verdict::Pass | Verdict::Differs => false,
        };
        if listed {
            let reason = outcome.reason.as_deref().unwrap_or_default();
            println!("{} {}/{}: {reason}", outcome.verdict.name(), draft.folder, outcome.name);
            reasons.push(&outcome.reason);
        }
    }
}
