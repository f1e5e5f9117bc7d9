//! The token-mask runtime of grammarc.
//!
//! ```text
//! tokenizer.json | tiktoken ranks → Vocabulary → TokenIndex ─┐
//! Grammar → Pda ─────────────────────────────────────────────┴→ CompiledGrammar → Matcher → bitmask row
//! ```
