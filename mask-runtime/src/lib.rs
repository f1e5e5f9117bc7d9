//! The token-mask runtime of grammarc.
//!
//! ```text
//! tokenizer.json | tiktoken ranks → Vocabulary → TokenIndex ─┐
//! Grammar → Pda ─────────────────────────────────────────────┴→ CompiledGrammar → Matcher → bitmask row
//! ```
#![deny(unsafe_code)]

pub mod artifact;
mod batch;
pub mod bitmask;
mod branch;
mod budget;
mod byte_table;
mod captures;
mod chain;
mod chunks;
mod compiled;
mod component;
mod difference;
mod distinct;
mod doubt;
mod fill;
mod found;
mod history;
mod inverted;
mod iterations;
mod json_value;
mod known_rows;
mod loops;
mod marker;
mod matcher;
mod narrow;
mod past_ascii;
mod rare;
mod reasoning;
mod registers;
mod remainders;
mod slice;
mod slices;
mod spelling;
mod stack;
mod step;
mod temperature;
mod text_state;
mod thresholds;
mod token_index;
pub mod vocab;
mod walk;
mod ways_on;

pub use batch::{BatchFiller, ThreadError};
pub use captures::{Capture, CaptureError};
pub use compiled::{BindError, CompiledGrammar, GrammarFault, Tokenizer};
pub use marker::Marker;
pub use matcher::{AcceptError, FillError, Matcher, MatcherOptions, RollbackError, StopTokenError};
pub use reasoning::{MarkerError, ReasoningMatcher, ReasoningOptions};
#[doc(hidden)]
pub use thresholds::Thresholds;
pub use token_index::{StoredIndexError, TokenIndex, TrieNode};
pub use vocab::{
    HuggingFaceFiles, StopTokenSource, Token, TokenKind, TokenizerKind, TokenizerModel, Vocabulary, VocabularyError,
    embedded_tiny,
};
