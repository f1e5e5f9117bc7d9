//! From a constraint to a grammar bound to the model's tokens.

use std::sync::Arc;

use compilers::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use compilers::{gbnf, json_schema, regex};
use grammar_ir::{Grammar, Limits};
use mask_runtime::{CompiledGrammar, FillError, Matcher, TokenKind, Tokenizer, Vocabulary};

use super::constraint::{Constraint, ConstraintKind};

/// A constraint that is not a grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Failed to compile {kind} grammar: {message}", kind = kind.name())]
pub struct CompileError {
    kind: ConstraintKind,
    message: String,
    /// Whether a limit was met, rather than the constraint being at fault.
    pub(super) is_limit: bool,
}

/// Compiles, within the limits, on the thread that calls.
pub(super) fn compile(
    constraint: &Constraint,
    tokenizer: &Arc<Tokenizer>,
    limits: &Limits,
) -> Result<Arc<CompiledGrammar>, CompileError> {
    let bound = frontend(constraint, tokenizer.vocabulary(), limits).and_then(|grammar| {
        let compiled = CompiledGrammar::new(&grammar, tokenizer.clone(), limits)
            .map_err(|error| Diagnostics::from(Diagnostic::new(Code::Invalid, Place::Whole, error.to_string())))?;
        can_begin(&compiled)?;
        Ok(compiled)
    });
    bound.map_err(|diagnostics| CompileError {
        kind: constraint.kind,
        message: message(&diagnostics),
        is_limit: diagnostics.iter().any(|diagnostic| diagnostic.code == Code::Limit),
    })
}

fn frontend(constraint: &Constraint, vocabulary: &Vocabulary, limits: &Limits) -> Result<Grammar, Diagnostics> {
    let Constraint { kind, text, style } = constraint;
    match kind {
        ConstraintKind::Json => json_schema::compile(text, &style.options(), limits).map(|compiled| compiled.grammar),
        ConstraintKind::Regex => regex::compile(text, &regex::Options::new(regex::Syntax::Ecma262), limits),
        ConstraintKind::Ebnf => {
            gbnf::compile_with_warnings(text, &gbnf::Options::default(), Some(&Names(vocabulary)), limits)
                .map(|compiled| compiled.grammar)
        }
        ConstraintKind::StructuralTag => Err(structural_tags_not_available()),
    }
}

fn structural_tags_not_available() -> Diagnostics {
    Diagnostic::new(Code::Unsupported, Place::Whole, "structural tags are not available in this build").into()
}

/// Refuses a grammar none of whose texts the model's tokens can begin.
fn can_begin(grammar: &Arc<CompiledGrammar>) -> Result<(), Diagnostics> {
    let mut matcher = Matcher::new(grammar.clone());
    let mut row = matcher.row();
    match matcher.fill(&mut row) {
        Ok(()) | Err(FillError::Finished) => Ok(()),
        Err(error) => Err(Diagnostic::new(Code::Unsatisfiable, Place::Whole, error.to_string()).into()),
    }
}

/// What is wrong, and what to do about it, in one line.
fn message(diagnostics: &Diagnostics) -> String {
    let help = diagnostics.iter().find_map(|diagnostic| diagnostic.help.as_deref());
    help.map_or_else(|| diagnostics.to_string(), |help| format!("{diagnostics} ({help})"))
}

/// Resolves the names of tokens in a grammar.
struct Names<'a>(&'a Vocabulary);

impl gbnf::TokenNames for Names<'_> {
    fn token_id(&self, text: &str) -> Option<u32> {
        self.0.special_id(text)
    }

    fn has_token(&self, id: u32) -> bool {
        self.0.kind(id) != TokenKind::Hole
    }
}
