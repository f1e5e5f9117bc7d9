//! One function per fuzz target: any bytes in, a panic when something is wrong.
//!
//! `fuzz_targets/` hands them to libFuzzer; `tests/replay.rs` runs them on the committed inputs in every test run.

use std::time::Duration;

use compilers::{gbnf, json_schema, regex};
use grammar_ir::interp::Recognizer;
use grammar_ir::{Grammar, Limits, text};
use mask_runtime::{CompiledGrammar, Matcher, Thresholds, TokenIndex, Tokenizer, Vocabulary, embedded_tiny};

use crate::generators::{Attributes, Scopes};
use crate::oracles::{self, Disagreement, Exactness};
use crate::{Source, generators, stored};

/// A target: its name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("gbnf", gbnf),
    ("regex", regex),
    ("json_schema", json_schema),
    ("gir", gir),
    ("matcher", matcher),
    ("tokenizer", tokenizer),
    ("artifact", artifact),
];

/// Small limits, so that no input is slow.
fn limits() -> Limits {
    Limits {
        expressions: 20_000,
        states: 20_000,
        nesting: 200,
        time: Some(Duration::from_secs(2)),
        ..Limits::default()
    }
}

/// A source text and, after the first NUL, a text to try on it.
fn split(data: &[u8]) -> Option<(&str, &[u8])> {
    let end = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let source = std::str::from_utf8(&data[..end]).ok()?;
    Some((source, data.get(end + 1..).unwrap_or_default()))
}

/// Reads a text as GBNF; what compiles must accept the same texts in the matcher and by definition.
pub fn gbnf(data: &[u8]) {
    if let Some((source, sample)) = split(data)
        && let Ok(grammar) = gbnf::compile(source, &gbnf::Options::default(), None, &limits())
    {
        agrees(&grammar, sample);
    }
}

/// Reads a text as a regular expression in both syntaxes.
pub fn regex(data: &[u8]) {
    let Some((source, sample)) = split(data) else { return };
    for syntax in [regex::Syntax::Rust, regex::Syntax::Ecma262] {
        if let Ok(grammar) = regex::compile(source, &regex::Options::new(syntax), &limits()) {
            agrees(&grammar, sample);
        }
    }
}

/// Reads a text as a JSON Schema.
pub fn json_schema(data: &[u8]) {
    if let Some((source, sample)) = split(data)
        && let Ok(compiled) = json_schema::compile(source, &json_schema::Options::default(), &limits())
    {
        agrees(&compiled.grammar, sample);
    }
}

/// Reads a text as `.gir`; printing and parsing again gives the same text.
pub fn gir(data: &[u8]) {
    if let Some((source, sample)) = split(data)
        && source.len() < 10_000
        && let Ok(grammar) = text::parse(source)
    {
        let printed = text::print(&grammar);
        match text::parse(&printed) {
            Ok(again) => assert_eq!(text::print(&again), printed, "printing is not stable"),
            Err(error) => panic!("what was printed does not parse: {error}\n{printed}"),
        }
        agrees(&grammar, sample);
    }
}

/// A random grammar, vocabulary and walk: see [`random_walk_agrees`].
pub fn matcher(data: &[u8]) {
    let shape = generators::Shape { rules: 4, depth: 3, repeat: 8, tokens: 8, scopes: Scopes::None };
    let limits = Limits { unroll_states: 8, ..Limits::default() };
    if let Err(error) = random_walk_agrees(data, &limits, shape) {
        panic!("{error}");
    }
}

/// Reads bytes as a `tokenizer.json` and as a rank file, and indexes what was read.
pub fn tokenizer(data: &[u8]) {
    let read = [Vocabulary::from_huggingface_json(data), Vocabulary::from_tiktoken_ranks(data, &[])];
    for vocabulary in read.into_iter().flatten() {
        let index = TokenIndex::new(&vocabulary);
        assert!(index.tokens().len() <= vocabulary.size());
    }
}

/// A file of compiled grammars with some words changed: what is not refused can be followed, whatever it says.
pub fn artifact(data: &[u8]) {
    let shape = generators::Shape { rules: 3, depth: 3, repeat: 8, tokens: 4, scopes: Scopes::Any };
    tampered(data, &Limits { unroll_states: 4, ..limits() }, shape);
}

/// [`artifact`] with grammars whose repetitions are many states, so that these are many blocks of which some are looked at.
pub fn artifact_of_many_states(data: &[u8]) {
    let shape = generators::Shape { rules: 3, depth: 3, repeat: 60, tokens: 4, scopes: Scopes::Any };
    tampered(data, &Limits { unroll_states: 300, ..limits() }, shape);
}

fn tampered(data: &[u8], limits: &Limits, shape: generators::Shape) {
    // Grammars can use up any number of bytes.
    let (grammars, changes) = data.split_at(data.len() / 3 * 2);
    let mut source = Source::new(changes);
    if let Some((file, tokenizer)) = stored::random_file(&mut Source::new(grammars), limits, shape) {
        stored::follow(&stored::damaged(&file, &mut source), &tokenizer, &mut source);
    }
}

/// A grammar and a vocabulary from one byte string; from a file it gives the same masks and temperatures.
///
/// # Errors
/// The disagreement, with the grammar.
pub fn stored_masks_agree(
    data: &[u8],
    limits: &Limits,
    shape: generators::Shape,
    attributes: Attributes,
) -> Result<(), String> {
    let mut source = Source::new(data);
    let mut grammar = generators::grammar(&mut source, shape);
    if attributes == Attributes::Some {
        grammar = generators::with_attributes(&mut source, &grammar);
    }
    let vocabulary = generators::vocabulary(&mut source).map_err(|error| error.to_string())?;
    let Ok(compiled) = CompiledGrammar::new(&grammar, Tokenizer::new(vocabulary), limits) else { return Ok(()) };
    let report = |error: String| format!("{error}\n{}\n{}", text::print(&grammar), compiled.pda());
    let loaded = stored::round_trip(&compiled).map_err(report)?;
    stored::same_masks(&compiled, &loaded, &mut source, 12).map_err(report)
}

/// A grammar, a vocabulary and a walk from one byte string; masks, accepts, rollback and forks against the definition. Once with
/// the usual thresholds, and once with the least, as nothing in small vocabularies is large enough for most shortcuts.
///
/// # Errors
/// The disagreement, with the grammar.
pub fn random_walk_agrees(data: &[u8], limits: &Limits, shape: generators::Shape) -> Result<(), String> {
    let mut source = Source::new(data);
    let grammar = generators::grammar(&mut source, shape);
    let vocabulary = generators::vocabulary(&mut source).map_err(|error| error.to_string())?;
    let report = |error: Disagreement| format!("{error}\n{}", text::print(&grammar));
    for thresholds in [Thresholds::USUAL, Thresholds::LEAST] {
        let compiled = oracles::compile(&grammar, vocabulary.clone(), thresholds, limits).map_err(report)?;
        let Some(compiled) = compiled else { return Ok(()) };
        let exactness = match shape.scopes {
            Scopes::None | Scopes::Lists => Exactness::Equal,
            Scopes::Distinct => Exactness::Between,
            Scopes::Any => Exactness::NoFewerThanNeeded,
        };
        oracles::matcher_agrees(&grammar, &compiled, &mut source.clone(), 8, exactness)
            .map_err(|error| format!("{thresholds:?}\n{}\n{}", report(error), compiled.pda()))?;
    }
    Ok(())
}

/// The matcher and the recogniser agree on `sample`, byte by byte.
fn agrees(grammar: &Grammar, sample: &[u8]) {
    let limits = limits();
    let Ok(compiled) = CompiledGrammar::new(grammar, Tokenizer::new(embedded_tiny()), &limits) else { return };
    let mut matcher = Matcher::new(compiled);
    let mut recognizer = Recognizer::new(grammar);
    for &byte in sample.iter().take(200) {
        assert_eq!(matcher.is_complete(), recognizer.is_accepting(), "{}", text::print(grammar));
        assert_eq!(matcher.next_bytes(), recognizer.expected_bytes(), "{}", text::print(grammar));
        let fits = recognizer.push_byte(byte);
        assert_eq!(matcher.accept_bytes(&[byte]).is_ok(), fits, "{byte:#x} {}", text::print(grammar));
        if !fits {
            return;
        }
    }
}
