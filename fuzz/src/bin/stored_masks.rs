//! Compares, for the grammars of corpora, the masks of three forms: from a file, from a fresh compile, by definition.
//!
//! ```text
//! cargo run --release -p grammarc-fuzz --bin stored_masks -- --tokenizer DIR --tokenizer embedded FILE.jsonl… SUITE_FOLDER…
//! ```
//!
//! Each grammar is compiled, written to a file with tables for all states, and read again. Along each of its texts, as far
//! as it is allowed, the longest token that fits is taken, and then along a random walk one token after the other; at each
//! step the mask from the file must be that of the fresh compile, bit for bit. At one step of each grammar it is compared
//! with brute force, too, unless tokens are counted, which the definition of masks does not. Where parts have to differ or
//! marks to be possible, the definition allows more than masks do: see `docs/ir.md`. Exit code 1: a difference.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use grammar_ir::interp::Recognizer;
use grammar_ir::{Expr, Grammar, Limits};
use grammarc_fuzz::corpora::{self, Item};
use grammarc_fuzz::{BruteForce, Source, stored};
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer, Vocabulary, bitmask, embedded_tiny};

/// Masks of grammars from files, against a fresh compile and brute force.
#[derive(Debug, Parser)]
struct Args {
    /// Files of schemas or cases, or folders of the JSON Schema test suite
    #[arg(required = true, value_name = "CORPUS")]
    corpora: Vec<PathBuf>,
    /// Model folder, or `embedded` for the built-in tokenizer; may be repeated
    #[arg(long, value_name = "DIR", required = true)]
    tokenizer: Vec<PathBuf>,
    /// Take every N-th grammar only
    #[arg(long, value_name = "N", default_value_t = 1)]
    stride: usize,
    /// At most so many texts of a grammar
    #[arg(long, value_name = "N", default_value_t = 3)]
    texts: usize,
    /// Steps of the random walk
    #[arg(long, value_name = "N", default_value_t = 12)]
    steps: usize,
    /// Compare every N-th grammar with brute force; 0 for none
    #[arg(long, value_name = "N", default_value_t = 1)]
    oracle: usize,
}

/// What was compared.
#[derive(Debug, Default)]
struct Counts {
    grammars: usize,
    refused: usize,
    masks: usize,
    by_definition: usize,
    left_out: usize,
    differences: usize,
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

/// Compares all; how many differences there are.
fn run(args: &Args) -> Result<usize, String> {
    let limits = Limits { time: Some(Duration::from_secs(20)), ..Limits::default() };
    let mut differences = 0;
    for folder in &args.tokenizer {
        let vocabulary = if folder.as_os_str() == "embedded" {
            embedded_tiny()
        } else {
            Vocabulary::from_huggingface_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?
        };
        let tokenizer = Tokenizer::new(vocabulary);
        let brute_force = BruteForce::new(tokenizer.vocabulary());
        for path in &args.corpora {
            let (items, others) = corpora::read(path)?;
            let begin = Instant::now();
            let mut counts = Counts::default();
            for (number, item) in items.iter().step_by(args.stride.max(1)).enumerate() {
                let oracle = (args.oracle > 0 && number % args.oracle == 0).then_some(&brute_force);
                let compared = compare(item, &tokenizer, args, oracle, &limits, &mut counts);
                if let Err(difference) = compared {
                    println!("{}: {difference}", item.place);
                    counts.differences += 1;
                }
            }
            let Counts { grammars, refused, masks, by_definition, left_out, differences: wrong } = counts;
            println!(
                "{} with {} ids of {}: {} grammars, every {}: {grammars} compiled, {refused} refused, {others} lines in other \
                 languages; {masks} masks compared, {wrong} differences; {by_definition} of them by definition, of which \
                 {left_out} leave out what leads nowhere; {:.0} s",
                path.display(),
                tokenizer.vocabulary().size(),
                folder.display(),
                items.len(),
                args.stride,
                begin.elapsed().as_secs_f64()
            );
            differences += wrong;
        }
    }
    Ok(differences)
}

fn compare(
    item: &Item,
    tokenizer: &Arc<Tokenizer>,
    args: &Args,
    oracle: Option<&BruteForce<'_>>,
    limits: &Limits,
    counts: &mut Counts,
) -> Result<(), String> {
    let compiled = item
        .grammar(tokenizer.vocabulary(), limits)
        .ok()
        .and_then(|grammar| Some((CompiledGrammar::new(&grammar, tokenizer.clone(), limits).ok()?, grammar)));
    let Some((compiled, grammar)) = compiled else {
        counts.refused += 1;
        return Ok(());
    };
    counts.grammars += 1;
    let loaded = stored::round_trip(&compiled)?;
    let seed: Vec<u8> = item.place.bytes().cycle().take(args.steps * 2).collect();
    let mut source = Source::new(&seed);
    // By definition at a step of the random walk, which comes last.
    let definition = oracle.map(|oracle| (oracle, source.below(args.steps.max(1))));
    for text in item.texts.iter().take(args.texts) {
        let mut pair = Pair::new(&loaded, &compiled);
        let mut rest = text.as_slice();
        loop {
            pair.compare(counts)?;
            let Some(token) = pair.longest(rest) else { break };
            rest = &rest[compiled.vocabulary().bytes(token).len()..];
            pair.accept(token)?;
        }
    }
    let mut pair = Pair::new(&loaded, &compiled);
    let mut recognizer = Recognizer::new(&grammar);
    for step in 0..args.steps {
        let is_filled = pair.compare(counts)?;
        if let Some((brute_force, chosen)) = definition
            && chosen == step
            && is_filled
        {
            by_definition(brute_force, &grammar, &mut recognizer, &pair.row, counts)?;
        }
        let vocabulary = compiled.vocabulary();
        let allowed: Vec<u32> = bitmask::iter(&pair.row).filter(|&id| !vocabulary.is_stop(id)).collect();
        let Some(&token) = allowed.get(source.below(allowed.len().min(1 << 16))) else { break };
        pair.accept(token)?;
        if !recognizer.push_token(token, vocabulary.bytes(token), false) {
            return Err(format!("after {:?}: token {token} is allowed, but not by definition", pair.tokens));
        }
    }
    Ok(())
}

/// Compares a mask with brute force, where that is one with its meaning.
fn by_definition(
    brute_force: &BruteForce<'_>,
    grammar: &Grammar,
    recognizer: &mut Recognizer<'_>,
    row: &[u32],
    counts: &mut Counts,
) -> Result<(), String> {
    if grammar.rules().iter().any(|rule| rule.attributes.max_tokens.is_some()) {
        return Ok(());
    }
    let mut expected = vec![0; row.len()];
    brute_force.fill(grammar, recognizer, &mut expected);
    counts.by_definition += 1;
    let wrongly = row.iter().zip(&expected).any(|(row, expected)| row & !expected != 0);
    let has_scopes = grammar.exprs().iter().any(|expr| matches!(expr, Expr::Scope { .. }));
    if wrongly || (row != expected && !has_scopes) {
        return Err(format!("{} bits by definition, {} in the mask", bitmask::count(&expected), bitmask::count(row)));
    }
    counts.left_out += usize::from(row != expected);
    Ok(())
}

/// Matchers on one grammar from a file and from a fresh compile.
struct Pair {
    loaded: Matcher,
    compiled: Matcher,
    row: Vec<u32>,
    tokens: Vec<u32>,
}

impl Pair {
    fn new(loaded: &Arc<CompiledGrammar>, compiled: &Arc<CompiledGrammar>) -> Self {
        let (loaded, compiled) = (Matcher::new(loaded.clone()), Matcher::new(compiled.clone()));
        Self { row: compiled.row(), loaded, compiled, tokens: Vec::new() }
    }

    /// Compares the masks, and whether there are some; the row is that of both.
    fn compare(&mut self, counts: &mut Counts) -> Result<bool, String> {
        let mut row = self.loaded.row();
        let (filled, expected) = (self.loaded.fill(&mut row), self.compiled.fill(&mut self.row));
        counts.masks += 1;
        if filled != expected || (expected.is_ok() && row != self.row) {
            return Err(format!("after {:?}: {filled:?}, compiled {expected:?}", self.tokens));
        }
        if expected.is_err() {
            bitmask::clear_all(&mut self.row);
        }
        Ok(expected.is_ok())
    }

    fn accept(&mut self, token: u32) -> Result<(), String> {
        self.tokens.push(token);
        let accepted = [&mut self.loaded, &mut self.compiled].map(|matcher| matcher.accept_token(token).is_ok());
        if accepted == [true, true] { Ok(()) } else { Err(format!("{:?} is allowed but not accepted", self.tokens)) }
    }

    /// The longest allowed token that `text` begins with.
    fn longest(&self, text: &[u8]) -> Option<u32> {
        let vocabulary = self.compiled.grammar().vocabulary();
        let index = self.compiled.grammar().tokenizer().index();
        let nodes = index.nodes();
        let (mut best, mut node, mut end, mut depth) = (None, 0, nodes.len(), 0);
        while node < end && depth < text.len() {
            if nodes[node].byte != text[depth] {
                node = nodes[node].subtree_end as usize;
                continue;
            }
            let own = index.own_tokens(node as u32).iter().copied().find(|&id| bitmask::contains(&self.row, id));
            best = own.filter(|&id| !vocabulary.is_stop(id)).or(best);
            end = nodes[node].subtree_end as usize;
            (node, depth) = (node + 1, depth + 1);
        }
        best
    }
}
