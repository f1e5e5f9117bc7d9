//! From a file of compiled grammars to the first mask, in a process that has done nothing else.
//!
//! ```text
//! cargo run --release -p grammarc-benches --bin load_time -- --tokenizer DIR [--runs 20] [--all] [--cold-code] FILE.gmt…
//! ```
//!
//! Each run of each file is a process of its own, with a tokenizer of its own: it opens the file, takes its last grammar (or
//! all of them, with `--all`), makes a matcher, fills the first mask, accepts a token of it, and fills the next mask. The
//! pages of the file are in the memory of the system, as it was read just before, and the row is memory that has been written
//! to. Before that the process does the same with a small grammar and another tokenizer, so that what is measured is the
//! file, and not the loading of the program's own code; with `--cold-code` it does not. Least, median and greatest times are
//! shown.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use clap::Parser;
use compilers::json_schema;
use grammar_ir::Limits;
use mask_runtime::artifact::{Artifact, ArtifactWriter, Tabulated, TabulatedStates};
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer, Vocabulary, bitmask};

/// Measures how long it takes to get from a file of compiled grammars to the first mask.
#[derive(Debug, Parser)]
struct Args {
    /// The tokenizer that the files are for
    #[arg(long, value_name = "DIR")]
    tokenizer: PathBuf,
    /// Processes a file
    #[arg(long, value_name = "N", default_value_t = 20)]
    runs: usize,
    /// Take all grammars of the file before the first mask, not the last one alone
    #[arg(long)]
    all: bool,
    /// Begin with the file, when none of the program's code for it has run
    #[arg(long)]
    cold_code: bool,
    /// Do one run in this process, and print its times
    #[arg(long, hide = true)]
    once: bool,
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What is timed, in this order.
const STEPS: [&str; 6] =
    ["open the file", "take the grammar", "load: both", "first mask", "accept a token", "next mask"];

fn main() -> ExitCode {
    let args = Args::parse();
    let result = if args.once { once(&args) } else { args.files.iter().try_for_each(|file| measure(&args, file)) };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// One run: prints its times in microseconds.
fn once(args: &Args) -> Result<(), Box<dyn Error>> {
    let tokenizer = Tokenizer::new(Vocabulary::from_huggingface_dir(&args.tokenizer)?);
    let file = args.files.first().ok_or("there is no file")?;
    // Its pages are in memory from here on.
    let length = std::fs::read(file)?.len();
    if !args.cold_code {
        warm_up()?;
    }
    let mut row = vec![u32::MAX; tokenizer.vocabulary().words_per_row()];
    let mut times = [0.0; STEPS.len()];
    let begin = Instant::now();
    let artifact = Artifact::open(file)?;
    times[0] = begin.elapsed().as_secs_f64();
    let last = artifact.len().checked_sub(1).ok_or("there is no grammar")?;
    for index in if args.all { 0..last } else { 0..0 } {
        artifact.grammar(index, tokenizer.clone())?;
    }
    let grammar = artifact.grammar(last, tokenizer)?;
    times[2] = begin.elapsed().as_secs_f64();
    times[1] = times[2] - times[0];
    let mut matcher = Matcher::new(grammar.clone());
    let begin = Instant::now();
    matcher.fill(&mut row)?;
    times[3] = begin.elapsed().as_secs_f64();
    let token = bitmask::iter(&row).next().ok_or("no token fits")?;
    let begin = Instant::now();
    matcher.accept_token(token)?;
    times[4] = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    matcher.fill(&mut row)?;
    times[5] = begin.elapsed().as_secs_f64();
    let times: Vec<String> = times.iter().map(|seconds| format!("{:.2}", seconds * 1e6)).collect();
    println!("{length} {} {} {}", artifact.len(), grammar.pda().state_count(), times.join(" "));
    Ok(())
}

/// The same with a small file for the built-in tokenizer.
fn warm_up() -> Result<(), Box<dyn Error>> {
    let tokenizer = Tokenizer::new(mask_runtime::embedded_tiny());
    let schema = r#"{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}"#;
    let limits = Limits::default();
    let schema = json_schema::compile(schema, &json_schema::Options::default(), &limits)?;
    let compiled = CompiledGrammar::new(&schema.grammar, tokenizer.clone(), &limits)?;
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
    writer.add_tables("small", &Tabulated::of(&compiled, TabulatedStates::All), "")?;
    let path = std::env::temp_dir().join(format!("load_time-{}.gmt", std::process::id()));
    std::fs::write(&path, writer.finish("")?)?;
    let artifact = Artifact::open(&path)?;
    std::fs::remove_file(&path)?;
    let mut matcher = Matcher::new(artifact.grammar(0, tokenizer)?);
    let mut row = matcher.row();
    matcher.fill(&mut row)?;
    matcher.accept_bytes(b"{")?;
    matcher.fill(&mut row)?;
    Ok(())
}

/// All runs of a file.
fn measure(args: &Args, file: &Path) -> Result<(), Box<dyn Error>> {
    let mut times = vec![Vec::new(); STEPS.len()];
    let mut about = [0; 3];
    for _ in 0..args.runs {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--once").arg("--tokenizer").arg(&args.tokenizer).arg(file);
        if args.all {
            command.arg("--all");
        }
        if args.cold_code {
            command.arg("--cold-code");
        }
        let output = command.output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let line = String::from_utf8(output.stdout)?;
        let mut words = line.split_whitespace();
        for number in &mut about {
            *number = words.next().ok_or("a run said nothing")?.parse::<usize>()?;
        }
        for (times, word) in times.iter_mut().zip(words) {
            times.push(word.parse::<f64>()?);
        }
    }
    let [bytes, grammars, states] = about;
    let taken = if args.all { "all grammars, last" } else { "last grammar" };
    println!(
        "{}: {bytes} bytes, grammars {grammars}; {taken} of {states} states; runs {}, µs",
        file.display(),
        args.runs
    );
    for (step, times) in STEPS.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        if let (Some(least), Some(greatest)) = (times.first(), times.last()) {
            println!("  {step:18} least {least:9.2}  median {:9.2}  greatest {greatest:9.2}", times[times.len() / 2]);
        }
    }
    Ok(())
}
