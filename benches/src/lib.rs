//! What the benchmarks share: a tokenizer to measure with, grammars, and the runners `maskbench`,
//! `serve_load` and `gpu_check`.
#![forbid(unsafe_code)]

pub mod gpu_check;
pub mod maskbench;
pub mod serve_load;

use std::collections::HashMap;
use std::sync::Arc;

use grammar_ir::Limits;
use mask_runtime::{CompiledGrammar, Matcher, TokenKind, Tokenizer, Vocabulary, embedded_tiny};

/// The tokenizer folder named by the environment variable `GRAMMARC_TOKENIZER`, or the embedded one of 1,024 tokens.
///
/// # Panics
/// When the folder does not hold a tokenizer.
pub fn tokenizer() -> Arc<Tokenizer> {
    Tokenizer::new(match std::env::var_os("GRAMMARC_TOKENIZER") {
        Some(path) => Vocabulary::from_huggingface_dir(path).unwrap_or_else(|error| panic!("{error}")),
        None => embedded_tiny(),
    })
}

/// A matcher for a GBNF text, after some text.
///
/// # Panics
/// When the grammar does not compile or the text does not fit.
pub fn gbnf_matcher(source: &str, tokenizer: &Arc<Tokenizer>, text: &str) -> Matcher {
    let limits = Limits::default();
    let grammar = compilers::gbnf::compile(source, &compilers::gbnf::Options::default(), None, &limits)
        .unwrap_or_else(|error| panic!("{error}"));
    let compiled =
        CompiledGrammar::new(&grammar, Arc::clone(tokenizer), &limits).unwrap_or_else(|error| panic!("{error}"));
    let mut matcher = Matcher::new(compiled);
    matcher.accept_bytes(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    matcher
}

/// The longest tokens of `text`, one after the other.
///
/// # Panics
/// When the vocabulary cannot spell the text.
pub fn tokens_of(text: &str, vocabulary: &Vocabulary) -> Vec<u32> {
    let ids: HashMap<&[u8], u32> = (0..vocabulary.size() as u32)
        .filter(|&id| vocabulary.kind(id) == TokenKind::Text && !vocabulary.is_stop(id))
        .map(|id| (vocabulary.bytes(id), id))
        .collect();
    let mut rest = text.as_bytes();
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let longest = (1..=rest.len().min(64)).rev().find_map(|length| Some((length, *ids.get(&rest[..length])?)));
        let (length, id) = longest.unwrap_or_else(|| panic!("the vocabulary cannot spell the text"));
        tokens.push(id);
        rest = &rest[length..];
    }
    tokens
}
