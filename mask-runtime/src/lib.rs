//! The token-mask runtime of grammarc.
//!
//! ```text
//! tokenizer.json | tiktoken ranks → Vocabulary → TokenIndex ─┐
//! Grammar → Pda ─────────────────────────────────────────────┴→ CompiledGrammar → Matcher → bitmask row
//! ```
#![forbid(unsafe_code)]

pub mod bitmask;
mod token_index;
pub mod vocab;

pub use token_index::{TokenIndex, TrieNode};
pub use vocab::{
    HuggingFaceFiles, StopTokenSource, Token, TokenKind, TokenizerKind, TokenizerModel, Vocabulary, VocabularyError,
    embedded_tiny,
};
