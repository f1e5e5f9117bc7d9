//! Draws texts from the masks of every schema of a file in the form of MaskBench: each text must be valid by the crate
//! `jsonschema`, no mask may be empty, and a shortest completion of any prefix passed must be accepted.
//!
//! ```text
//! cargo run --release -p grammarc-fuzz --bin json_schema_walks -- --data schemas.jsonl
//! ```
//!
//! Exit code 0: nothing wrong, or no case worse than in the ratchet that was given; 1: something is; 2: usage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use compilers::json_schema::{KeyOrder, Options};
use grammarc::ratchet::{self, Ratchet, Verdict};
use grammarc_fuzz::json_schema::dataset::{self, Case};
use grammarc_fuzz::json_schema::subject::{Subject, limits};
use grammarc_fuzz::json_schema::validator::validator;
use grammarc_fuzz::json_schema::walk::{self, Fault, Plan, Walked};
use indicatif::{ProgressBar, ProgressStyle};
use mask_runtime::{Tokenizer, Vocabulary};

/// Draw texts from the masks of schemas and complete prefixes of them; every text must be valid.
#[derive(Debug, Parser)]
struct Args {
    /// The schemas: {"id", "schema", "tests"} a line, plain or xz
    #[arg(long, value_name = "FILE")]
    data: PathBuf,

    /// A folder with a tokenizer.json [default: the 256 bytes]
    #[arg(long, value_name = "DIR")]
    tokenizer: Option<PathBuf>,

    /// Take every N-th schema only
    #[arg(long, value_name = "N", default_value_t = 1)]
    stride: usize,

    /// Begin with the schema after this many
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,

    /// Take this schema only; may be repeated
    #[arg(long, value_name = "ID")]
    id: Vec<String>,

    /// Texts of a schema
    #[arg(long, value_name = "N", default_value_t = 20)]
    texts: usize,

    /// Tokens of a text; more where the shortest text needs more
    #[arg(long, value_name = "N", default_value_t = 300)]
    length: u64,

    /// Prefixes of a text that are completed, in units of the logarithm of its length
    #[arg(long, value_name = "N", default_value_t = 1)]
    prefixes: usize,

    /// Where the randomness starts
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Draw objects with keys in this order only [default: first one, then the other]
    #[arg(long, value_name = "ORDER")]
    key_order: Option<Order>,

    /// Seconds that the walks of a schema may take
    #[arg(long, value_name = "N", default_value_t = 120)]
    seconds: u64,

    /// Faults of a schema that are listed
    #[arg(long, value_name = "N", default_value_t = 1)]
    max_listed: usize,

    /// The ratchet to hold the verdicts against
    #[arg(long, value_name = "FILE")]
    ratchet: Option<PathBuf>,

    /// Write the verdicts found into the ratchet
    #[arg(long, requires = "ratchet")]
    update: bool,
}

/// An order of keys.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Order {
    /// As the schema declares them.
    Declared,
    /// Any.
    Any,
}

impl Order {
    fn name(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Any => "any",
        }
    }

    fn options(self) -> Options {
        let mut options = Options::default();
        options.key_order = match self {
            Self::Declared => KeyOrder::Declared,
            Self::Any => KeyOrder::Any,
        };
        options
    }
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

/// What all schemas came to.
#[derive(Default)]
struct Totals {
    walked: Walked,
    unjudged: usize,
    empty: usize,
    /// Seconds and names of the slowest.
    slowest: Vec<(u64, String)>,
}

/// How many of the slowest schemas are named.
const NAMED: usize = 5;
/// Seconds from which on a schema may be named as slow.
const SLOW: u64 = 5;

impl Totals {
    fn took(&mut self, name: &str, time: Duration) {
        if time.as_secs() >= SLOW {
            self.slowest.push((time.as_secs(), name.to_owned()));
            self.slowest.sort_by(|left, right| right.cmp(left));
            self.slowest.truncate(NAMED);
        }
    }
}

fn run(args: &Args) -> io::Result<bool> {
    let tokenizer = match &args.tokenizer {
        Some(folder) => Vocabulary::from_huggingface_dir(folder).map(Tokenizer::new),
        None => walk::bytes(),
    };
    let tokenizer = tokenizer.map_err(io::Error::other)?;
    let cases = dataset::read(&args.data, 1)?;
    let cases = cases.into_iter().skip(args.offset).step_by(args.stride.max(1));
    let cases: Vec<Case> = cases.filter(|case| args.id.is_empty() || args.id.contains(&case.id)).collect();
    let orders = args.key_order.map_or(vec![Order::Declared, Order::Any], |order| vec![order]);
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} schemas, {eta} left");
    let progress =
        ProgressBar::new(cases.len() as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut found = Ratchet::default();
    let mut totals = Totals::default();
    for case in &cases {
        progress.inc(1);
        for &order in &orders {
            let name = format!("{} {}", case.id, order.name());
            let start = Instant::now();
            let judged = catch_unwind(AssertUnwindSafe(|| judge(args, case, (order, &name), &tokenizer, &mut totals)));
            let verdict = judged.unwrap_or_else(|_| {
                println!("{name}: a panic");
                Verdict::Crashed
            });
            totals.took(&name, start.elapsed());
            found.push(&name, verdict);
        }
        io::stdout().flush()?;
    }
    progress.finish_and_clear();
    let Totals { walked, unjudged, empty, slowest } = totals;
    println!(
        "{} schemas, {} walks: {} pass, {} refused, {} wrong, {} crashed; {empty} have no valid instance, {unjudged} no validator",
        cases.len(),
        found.cases().count(),
        found.count(Verdict::Pass),
        found.count(Verdict::Refused),
        found.count(Verdict::Wrong),
        found.count(Verdict::Crashed),
    );
    println!(
        "{} texts, {} completions, {} without a guide, {} faults",
        walked.texts,
        walked.completions,
        walked.unguided,
        walked.faults.len()
    );
    for (seconds, name) in slowest {
        println!("slow: {name}, {seconds} s");
    }
    match &args.ratchet {
        Some(path) => {
            let comparison = ratchet::check(path, &found, args.update)?;
            print!("{comparison}");
            Ok(args.update || comparison.holds())
        }
        None => Ok(found.count(Verdict::Wrong) + found.count(Verdict::Crashed) == 0),
    }
}

fn judge(
    args: &Args,
    case: &Case,
    (order, name): (Order, &str),
    tokenizer: &Arc<Tokenizer>,
    totals: &mut Totals,
) -> Verdict {
    let compiled = match Subject::new(&case.schema, &order.options(), tokenizer, &limits()) {
        Subject::Language(compiled) => compiled,
        Subject::Empty => {
            totals.empty += 1;
            return Verdict::Pass;
        }
        // Whether a schema is one at all is for the verdicts on instances to show.
        Subject::Refused(_) | Subject::Faulty(_) | Subject::Nameless(_) => return Verdict::Refused,
    };
    let validator = validator(&case.schema);
    if let Err(error) = &validator {
        totals.unjudged += 1;
        println!("{name}: no validator: {error}");
    }
    // A schema is walked alike whatever others are.
    let seed = case.id.bytes().fold(args.seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let time = Some(Duration::from_secs(args.seconds));
    let plan = Plan { texts: args.texts, length: args.length, prefixes: args.prefixes, seed, time };
    let walked = walk::walk(&compiled, validator.as_ref().ok(), plan);
    for fault in walked.faults.iter().take(args.max_listed) {
        println!("{name}: {fault}");
    }
    totals.walked.texts += walked.texts;
    totals.walked.completions += walked.completions;
    totals.walked.unguided += walked.unguided;
    let is_late = walked.faults.iter().any(|fault| matches!(fault, Fault::Late(_)));
    let verdict = match walked.faults.is_empty() {
        true => Verdict::Pass,
        false if is_late => Verdict::Crashed,
        false => Verdict::Wrong,
    };
    totals.walked.faults.extend(walked.faults);
    verdict
}
