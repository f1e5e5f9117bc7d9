//! The frontends of grammarc: each turns a source text into a [`grammar_ir::Grammar`].
//!
//! ```text
//! text ─ lexer/parser → AST (with spans) ─ lower → Grammar
//! ```
//!
//! * [`gbnf`]: GBNF (llama.cpp) and EBNF (XGrammar) in one dialect.
//! * [`regex`]: regular expressions, ECMA-262 or Rust/RE2 syntax, one meaning.
//! * [`json_schema`]: JSON Schema, exact or refused by name.
//! * [`structural_tag`]: free text with constrained regions: tool calls, reasoning, channels.
//! * [`diagnostic`]: errors with spans or JSON Pointers, several at once.
#![forbid(unsafe_code)]

mod delimiters;
pub mod diagnostic;
mod free_text;
pub mod gbnf;
pub mod json_schema;
pub mod regex;
pub mod structural_tag;
