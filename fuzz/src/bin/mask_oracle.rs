//! Compares masks with brute force on states of real grammars with a real vocabulary.
//!
//! ```text
//! cargo run --release -p grammarc-fuzz --bin mask_oracle -- --states 300 TOKENIZER_FOLDER…
//! ```
//!
//! From the start of each committed grammar, random walks over the masks lead to the states that are compared, every
//! bit of every mask. Exit code 0: all equal; 1: a difference, printed with the text that leads to it; 2: usage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use grammar_ir::Limits;
use grammar_ir::interp::Recognizer;
use grammarc_fuzz::{BruteForce, corpus};
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer, Vocabulary, bitmask};

fn main() -> ExitCode {
    let mut states: u64 = 300;
    let mut seed: u64 = 1;
    let mut folders = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--states" | "--seed" => {
                let Some(number) = arguments.next().and_then(|number| number.parse().ok()) else { return usage() };
                *if argument == "--states" { &mut states } else { &mut seed } = number;
            }
            _ if argument.starts_with('-') => return usage(),
            _ => folders.push(argument),
        }
    }
    if folders.is_empty() {
        return usage();
    }
    let mut equal = true;
    for folder in folders {
        match Vocabulary::from_huggingface_dir(&folder) {
            Ok(vocabulary) => equal &= compare(&folder, vocabulary, states as usize, seed),
            Err(error) => {
                eprintln!("{folder}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!("usage: mask_oracle [--states N] [--seed N] TOKENIZER_FOLDER...");
    ExitCode::from(2)
}

/// A small generator for the walks (xorshift, Marsaglia 2003): the states should be the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

fn compare(folder: &str, vocabulary: Vocabulary, states: usize, seed: u64) -> bool {
    let tokenizer = Tokenizer::new(vocabulary);
    let brute_force = BruteForce::new(tokenizer.vocabulary());
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let begun = Instant::now();
    let (mut compared, mut bits) = (0, 0usize);
    let limits = Limits::default();
    for (index, (name, text)) in corpus::GRAMMARS.iter().enumerate() {
        let grammar = match corpus::compile(name, text, &limits) {
            Ok(grammar) => grammar,
            Err(error) => {
                println!("{error}");
                return false;
            }
        };
        let compiled = match CompiledGrammar::new(&grammar, Arc::clone(&tokenizer), &limits) {
            Ok(compiled) => compiled,
            Err(error) => {
                println!("{name}: {error}");
                return false;
            }
        };
        // As even a share for each grammar as gives the number asked for.
        let share = states * (index + 1) / corpus::GRAMMARS.len() - states * index / corpus::GRAMMARS.len();
        for _ in 0..share.div_ceil(STEPS) {
            let mut matcher = Matcher::new(Arc::clone(&compiled));
            let mut recognizer = Recognizer::new(&grammar);
            let (mut row, mut expected) = (matcher.row(), matcher.row());
            let mut prefix = Vec::new();
            for _ in 0..STEPS {
                if let Err(error) = matcher.fill(&mut row) {
                    println!("{name}: after {:?}: {error}", String::from_utf8_lossy(&prefix));
                    return false;
                }
                brute_force.fill(&grammar, &mut recognizer, &mut expected);
                if row != expected || matcher.is_complete() != recognizer.is_accepting() {
                    println!("{name}: after {:?}: {}", String::from_utf8_lossy(&prefix), difference(&row, &expected));
                    return false;
                }
                compared += 1;
                bits += bitmask::count(&row);
                let allowed: Vec<u32> = bitmask::iter(&row).filter(|&id| !tokenizer.vocabulary().is_stop(id)).collect();
                let Some(&token) = allowed.get(random.below(allowed.len())) else { break };
                let bytes = tokenizer.vocabulary().bytes(token);
                if matcher.accept_token(token).is_err() || !recognizer.push_token(token, bytes, false) {
                    println!("{name}: token {token} is set but not accepted");
                    return false;
                }
                prefix.extend_from_slice(bytes);
            }
        }
    }
    println!(
        "{folder}: {compared} masks of {} tokens equal brute force ({} bits set on average, {:.0} s)",
        tokenizer.vocabulary().size(),
        bits / compared.max(1),
        begun.elapsed().as_secs_f64()
    );
    true
}

/// Steps of one walk.
const STEPS: usize = 12;

fn difference(row: &[u32], expected: &[u32]) -> String {
    let only = |left: &[u32], right: &[u32]| {
        let only: Vec<u32> = left.iter().zip(right).map(|(left, right)| left & !right).collect();
        bitmask::iter(&only).take(10).collect::<Vec<_>>()
    };
    format!("wrongly allowed {:?}, wrongly forbidden {:?}", only(row, expected), only(expected, row))
}
