//! What it takes to open a file of compiled grammars, and whether its masks are those of a fresh compile.
//!
//! ```text
//! cargo run --release -p grammarc-benches --bin stored_grammars -- --tokenizer DIR --data FILE.jsonl --limit 500
//! ```
//!
//! The data are lines of `{"id", "schema", "tests": [{"valid", "data"}]}`. All schemas are compiled into one file, which
//! is then opened. Along each valid instance, the longest token that fits is taken, and at each step the masks are compared bit for bit. Exit code 1: a
//! difference.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use compilers::json_schema;
use grammar_ir::Limits;
use mask_runtime::artifact::{Artifact, ArtifactWriter, Tabulated, TabulatedStates};
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer, Vocabulary, bitmask};
use serde_json::Value;

/// Opens a file of compiled grammars, and compares its masks with those of a fresh compile.
#[derive(Debug, Parser)]
struct Args {
    /// Where to write the file; without it in the folder for temporary files
    #[arg(long, value_name = "FILE")]
    gmt: Option<PathBuf>,
    /// The tokenizer
    #[arg(long, value_name = "DIR")]
    tokenizer: PathBuf,
    /// Schemas with instances, one JSON object a line
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Only the schemas whose ids begin so
    #[arg(long, value_name = "PREFIX", default_value = "")]
    id: String,
    /// At most so many schemas
    #[arg(long, value_name = "N", default_value_t = usize::MAX)]
    limit: usize,
}

/// Times of one kind.
#[derive(Debug, Default)]
struct Times(Vec<Duration>);

impl Times {
    fn measure<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let result = work();
        self.0.push(begin.elapsed());
        result
    }

    fn print(&mut self, name: &str) {
        self.0.sort_unstable();
        let at = |part: f64| {
            let index = ((self.0.len() as f64 * part) as usize).min(self.0.len().saturating_sub(1));
            self.0.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
        };
        let (p50, p90, p99, max) = (at(0.5), at(0.9), at(0.99), at(1.0));
        println!("{name:34} n {:7}  p50 {p50:9.2}  p90 {p90:9.2}  p99 {p99:9.2}  max {max:9.2}  µs", self.0.len());
    }
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// A schema with its instances, compiled.
struct Case {
    id: String,
    compiled: Arc<CompiledGrammar>,
    instances: Vec<String>,
}

/// Runs all of it; how many masks differ.
fn run(args: &Args) -> Result<usize, Box<dyn Error>> {
    let tokenizer = Tokenizer::new(Vocabulary::from_huggingface_dir(&args.tokenizer)?);
    let mut fingerprint = Times::default();
    fingerprint.measure(|| tokenizer.fingerprint());
    let (mut compile, mut tabulate) = (Times::default(), Times::default());
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
    let mut cases = Vec::new();
    let mut refused = 0;
    let begin = Instant::now();
    for line in std::fs::read_to_string(&args.data)?.lines() {
        let mut case: Value = serde_json::from_str(line)?;
        let id = case["id"].as_str().unwrap_or_default().to_owned();
        if !id.starts_with(&args.id) || cases.len() == args.limit {
            continue;
        }
        let text = case["schema"].take().to_string();
        let Ok(compiled) = compile.measure(|| compiled(&text, &tokenizer)) else {
            refused += 1;
            continue;
        };
        let tables = tabulate.measure(|| Tabulated::of(&compiled, TabulatedStates::All));
        writer.add_tables(&id, &tables, "")?;
        let tests = case["tests"].as_array().into_iter().flatten();
        let instances = tests.filter(|test| test["valid"] == true).map(|test| test["data"].to_string()).collect();
        cases.push(Case { id, compiled, instances });
    }
    let file = writer.finish("")?;
    println!(
        "{} grammars of {} states compiled and tabulated by one thread in {:.2} s, {refused} refused; {} bytes",
        cases.len(),
        cases.iter().map(|case| case.compiled.pda().state_count()).sum::<usize>(),
        begin.elapsed().as_secs_f64(),
        file.len()
    );
    let path = args.gmt.clone().unwrap_or_else(|| std::env::temp_dir().join("stored_grammars.gmt"));
    std::fs::write(&path, &file)?;
    let mut open = Times::default();
    for _ in 0..100 {
        open.measure(|| Artifact::open(&path))?;
    }
    let artifact = Artifact::open(&path)?;
    let [mut load, mut first, mut first_compiled, mut stored, mut fresh] = [(); 5].map(|()| Times::default());
    let mut differing = 0;
    for (index, Case { id, compiled, instances }) in cases.iter().enumerate() {
        let loaded = load.measure(|| artifact.grammar(index, tokenizer.clone()))?;
        let fresh_grammar = CompiledGrammar::from_pda(compiled.pda().clone(), tokenizer.clone())?;
        let mut row = Matcher::new(loaded.clone()).row();
        first.measure(|| Matcher::new(loaded.clone()).fill(&mut row))?;
        first_compiled.measure(|| Matcher::new(fresh_grammar.clone()).fill(&mut row))?;
        for text in instances {
            let mut matchers = [Matcher::new(loaded.clone()), Matcher::new(fresh_grammar.clone())];
            differing += compare(id, &mut matchers, text.as_bytes(), [&mut stored, &mut fresh]);
        }
    }
    fingerprint.print("fingerprint of the tokenizer");
    compile.print("compile a grammar");
    tabulate.print("tabulate a grammar");
    open.print("open the file");
    load.print("load a grammar");
    first.print("first mask, loaded");
    first_compiled.print("first mask, compiled");
    stored.print("mask, loaded");
    fresh.print("mask, compiled");
    println!("{} masks compared, {differing} differ", stored.0.len());
    Ok(differing)
}

fn compiled(schema: &str, tokenizer: &Arc<Tokenizer>) -> Result<Arc<CompiledGrammar>, Box<dyn Error>> {
    let limits = Limits::default();
    let schema = json_schema::compile(schema, &json_schema::Options::default(), &limits)?;
    Ok(CompiledGrammar::new(&schema.grammar, tokenizer.clone(), &limits)?)
}

/// How many masks differ along a text, as far as it is allowed.
fn compare(id: &str, matchers: &mut [Matcher; 2], text: &[u8], times: [&mut Times; 2]) -> usize {
    let [stored, fresh] = times;
    let [loaded, compiled] = matchers;
    let (mut row, mut expected) = (loaded.row(), compiled.row());
    let mut differing = 0;
    let mut position = 0;
    loop {
        let filled = stored.measure(|| loaded.fill(&mut row));
        let filled_fresh = fresh.measure(|| compiled.fill(&mut expected));
        if filled != filled_fresh || row != expected {
            let before = String::from_utf8_lossy(&text[..position]);
            println!("{id} after {before:?}: {filled:?}, compiled {filled_fresh:?}");
            differing += 1;
        }
        let Some(token) = longest(compiled, &expected, &text[position..]) else { return differing };
        if loaded.accept_token(token).is_err() || compiled.accept_token(token).is_err() {
            return differing + 1;
        }
        position += compiled.grammar().vocabulary().bytes(token).len();
    }
}

/// The longest allowed token that `text` begins with.
fn longest(matcher: &Matcher, row: &[u32], text: &[u8]) -> Option<u32> {
    let grammar = matcher.grammar();
    let index = grammar.tokenizer().index();
    let nodes = index.nodes();
    let (mut best, mut node, mut end, mut depth) = (None, 0, nodes.len(), 0);
    while node < end && depth < text.len() {
        if nodes[node].byte != text[depth] {
            node = nodes[node].subtree_end as usize;
            continue;
        }
        let own = index.own_tokens(node as u32).iter().copied().find(|&token| bitmask::contains(row, token));
        best = own.or(best);
        end = nodes[node].subtree_end as usize;
        (node, depth) = (node + 1, depth + 1);
    }
    best
}
