//! Structural tags: free text with constrained regions; `docs/structural-tags.md` describes them.
//!
//! ```text
//! JSON ─ parse → Value ─ read (fields, legacy form) → Format ─ lower (free text, JSON Schema, GBNF, regex) → Grammar
//! ```
//!
//! * `ast`, `fields`, `read`: formats with the JSON Pointers that diagnostics need.
//! * `family`: the tags that families of models write tool calls with.
//! * `lower`, `tags`, `runs`: formats to parts; the ends of the tags around a format bound the free text in it.
//! * `composition`: parts to expressions, where free text may stand next to free text.
//! * `unlimited`: which contents of tags need an end.

mod ast;
mod composition;
mod family;
mod fields;
mod lower;
mod read;
mod runs;
mod tags;
mod unlimited;

use grammar_ir::{Grammar, Limits};

pub use family::{Choice, Family, Reasoning, Request, Tool, for_family, in_request};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::gbnf::TokenNames;
use crate::{gbnf, json_schema, regex};

/// How the parts of a structural tag are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Options {
    /// For `json_schema`.
    pub json_schema: json_schema::Options,
    /// For `regex`.
    pub regex: regex::Options,
    /// For `grammar`.
    pub gbnf: gbnf::Options,
}

impl Options {
    /// The same with other options for JSON Schemas.
    #[must_use]
    pub fn with_json_schema(mut self, options: json_schema::Options) -> Self {
        self.json_schema = options;
        self
    }

    /// The same with other options for regular expressions.
    #[must_use]
    pub fn with_regex(mut self, options: regex::Options) -> Self {
        self.regex = options;
        self
    }
}

/// Only the first of many are reported.
const MAX_DIAGNOSTICS: usize = 100;

fn first(mut diagnostics: Vec<Diagnostic>) -> Diagnostics {
    diagnostics.truncate(MAX_DIAGNOSTICS);
    diagnostics.into()
}

/// Compiles the structural tag in `source`, in the legacy or the current form.
///
/// ```
/// use compilers::structural_tag::{Options, compile};
/// use grammar_ir::{Limits, interp};
/// let tag = r#"{"type": "structural_tag", "format": {"type": "triggered_tags", "triggers": ["<f="], "tags": [
///     {"begin": "<f=now>", "content": {"type": "json_schema", "json_schema": {"type": "object"}}, "end": "</f>"}]}}"#;
/// let grammar = compile(tag, &Options::default(), None, &Limits::default())?;
/// assert!(interp::accepts(&grammar, b"Let me see. <f=now>{}</f> Done."));
/// assert!(!interp::accepts(&grammar, b"<f=then>{}</f>"));
/// # Ok::<(), compilers::diagnostic::Diagnostics>(())
/// ```
///
/// # Errors
/// What is wrong with the tag, up to 100 problems at once, each with its JSON Pointer; what is not supported, by name; or
/// the limit that was met. A token by text needs `tokens`.
pub fn compile(
    source: &str,
    options: &Options,
    tokens: Option<&dyn TokenNames>,
    limits: &Limits,
) -> Result<Grammar, Diagnostics> {
    let document = json_schema::parse_json(source, "the structural tag", limits)?;
    let mut diagnostics = Vec::new();
    match read::document(&document, &mut diagnostics) {
        Some(format) if diagnostics.is_empty() => lower::lower(&format, options, tokens, limits),
        _ => Err(first(diagnostics)),
    }
}
