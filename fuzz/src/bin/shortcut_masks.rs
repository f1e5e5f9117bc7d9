//! Masks on the way through the valid instances of a file in the form of MaskBench: with the usual shortcuts and with all of them,
//! against walks over the whole trie, bit for bit.
//!
//! ```text
//! cargo run --release -p grammarc-fuzz --bin shortcut_masks -- --data schemas.jsonl --tokenizer DIR
//! ```
//!
//! An instance is read in tokens that are chosen at random among those that it goes on with, so that masks are made at places where
//! a tokenizer's own spelling would not come.
//!
//! Exit code 0: all equal; 1: a difference, with the text that leads to it; 2: usage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use compilers::json_schema::Options;
use grammarc_fuzz::Random;
use grammarc_fuzz::json_schema::dataset::{self, Case};
use grammarc_fuzz::json_schema::subject::{Subject, limits};
use indicatif::{ProgressBar, ProgressStyle};
use mask_runtime::{CompiledGrammar, FillError, Matcher, Thresholds, TokenKind, Tokenizer, Vocabulary, bitmask};

/// Compare masks made by shortcuts with those of a walk over all tokens.
#[derive(Debug, Parser)]
struct Args {
    /// The schemas: {"id", "schema", "tests"} a line, plain or xz
    #[arg(long, value_name = "FILE")]
    data: PathBuf,

    /// A folder with a tokenizer.json
    #[arg(long, value_name = "DIR")]
    tokenizer: PathBuf,

    /// Take every N-th schema only
    #[arg(long, value_name = "N", default_value_t = 1)]
    stride: usize,

    /// Begin with the schema after this many of those
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,

    /// Masks of an instance
    #[arg(long, value_name = "N", default_value_t = 40)]
    masks: usize,

    /// Where the randomness starts
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// The ways to make a mask, by name.
const WAYS: [(&str, Thresholds); 3] =
    [("a walk", Thresholds::NONE), ("the usual way", Thresholds::USUAL), ("every shortcut", Thresholds::LEAST)];

fn main() -> ExitCode {
    let args = Args::parse();
    let read = dataset::read(&args.data, args.stride).map_err(|error| format!("{}: {error}", args.data.display()));
    let vocabulary = Vocabulary::from_huggingface_dir(&args.tokenizer)
        .map_err(|error| format!("{}: {error}", args.tokenizer.display()));
    let (cases, vocabulary) = match read.and_then(|cases| Ok((cases, vocabulary?))) {
        Ok(read) => read,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let tokenizers = WAYS.map(|(_, thresholds)| Tokenizer::with_thresholds(vocabulary.clone(), thresholds));
    let bar = ProgressBar::new(cases.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {eta} {msg}") {
        bar.set_style(style);
    }
    let mut random = Random::new(args.seed);
    let (mut masks, mut faults) = (0, 0);
    for case in cases.iter().skip(args.offset) {
        match compare(case, &tokenizers, args.masks, &mut random) {
            Ok(compared) => masks += compared,
            Err(fault) => {
                faults += 1;
                bar.suspend(|| println!("{}: {fault}", case.id));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!("{masks} masks are the same in {} ways; {faults} schemas with a difference", WAYS.len());
    if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The number of masks, all of them equal.
fn compare(case: &Case, tokenizers: &[Arc<Tokenizer>; 3], most: usize, random: &mut Random) -> Result<usize, String> {
    let subject = Subject::new(&case.schema, &Options::default(), &tokenizers[0], &limits());
    let Subject::Language(compiled) = subject else { return Ok(0) };
    let bind = |tokenizer: &Arc<Tokenizer>| CompiledGrammar::from_pda(compiled.pda().clone(), Arc::clone(tokenizer));
    let [first, usual, shortest] = tokenizers;
    let [first, usual, shortest] = [bind(first), bind(usual), bind(shortest)];
    let error = |error: mask_runtime::BindError| error.to_string();
    let grammars = [first.map_err(error)?, usual.map_err(error)?, shortest.map_err(error)?];
    let mut masks = 0;
    for (instance, _) in case.tests.iter().filter(|(_, is_valid)| *is_valid) {
        masks += follow(&grammars, &instance.to_string(), most, random)?;
    }
    Ok(masks)
}

/// The same for one text.
fn follow(grammars: &[Arc<CompiledGrammar>; 3], text: &str, most: usize, random: &mut Random) -> Result<usize, String> {
    let mut matchers = grammars.each_ref().map(|grammar| Matcher::new(Arc::clone(grammar)));
    let vocabulary = grammars[0].vocabulary();
    let mut rows = matchers.each_ref().map(Matcher::row);
    let mut place = 0;
    for made in 0..most {
        let mut filled = Vec::new();
        for (matcher, row) in matchers.iter_mut().zip(&mut rows) {
            filled.push(matcher.fill(row));
        }
        for (way, (name, _)) in WAYS.iter().enumerate().skip(1) {
            if filled[way] != filled[0] || rows[way] != rows[0] {
                let is_different = |&id: &u32| bitmask::contains(&rows[way], id) != bitmask::contains(&rows[0], id);
                let different: Vec<u32> = (0..vocabulary.size() as u32).filter(is_different).collect();
                let shown: Vec<_> =
                    different.iter().take(5).map(|&id| String::from_utf8_lossy(vocabulary.bytes(id))).collect();
                let before = &text[..place];
                return Err(format!(
                    "{name} differs from a walk in {} bits after {before:?}: {shown:?}",
                    different.len()
                ));
            }
        }
        if place == text.len() || filled[0] == Err(FillError::Finished) {
            return Ok(made + 1);
        }
        let goes_on = |&id: &u32| {
            let bytes = vocabulary.bytes(id);
            vocabulary.kind(id) == TokenKind::Text
                && text.as_bytes()[place..].starts_with(bytes)
                && text.is_char_boundary(place + bytes.len())
        };
        let tokens: Vec<u32> = bitmask::iter(&rows[0]).filter(goes_on).collect();
        let Some(&token) = tokens.get(random.below(tokens.len().max(1))) else { return Ok(made + 1) };
        for matcher in &mut matchers {
            matcher.accept_token(token).map_err(|error| format!("{error} after {:?}", &text[..place]))?;
        }
        place += vocabulary.bytes(token).len();
    }
    Ok(most)
}
