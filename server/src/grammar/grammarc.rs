//! The engine of this project as a backend.

use std::sync::Arc;

use compilers::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use compilers::{gbnf, json_schema, regex, structural_tag};
use counting_allocator::held_by_this_thread;
use gpu_runtime::engine::TokenMatcher;
use grammar_ir::pda::LowerError;
use grammar_ir::{Grammar, Limits, MemoryLimit};
use mask_runtime::artifact::Artifact;
use mask_runtime::{BindError, CompiledGrammar, FillError, Matcher, MatcherOptions, Tokenizer, Vocabulary};

use super::backend::{Backend, BackendEntry, BackendSetup, CompileBudget, CompileError, CompiledConstraint};
use super::constraint::{Constraint, ConstraintKind};
use crate::token_texts::TokenTexts;

/// The engine of this project.
pub const GRAMMARC: BackendEntry = BackendEntry { name: "grammarc", version: env!("CARGO_PKG_VERSION"), start };

/// The stack frames of one answer, 12 bytes each: what an ambiguous grammar can use up.
const MAX_FRAMES: usize = 1_000_000;

fn start(setup: BackendSetup) -> Result<Arc<dyn Backend>, String> {
    Ok(Arc::new(Grammarc { tokenizer: setup.tokenizer }))
}

#[derive(Debug)]
struct Grammarc {
    tokenizer: Arc<Tokenizer>,
}

impl Backend for Grammarc {
    fn compile(
        &self,
        constraint: &Constraint,
        budget: &CompileBudget,
    ) -> Result<Arc<dyn CompiledConstraint>, CompileError> {
        let limits = Limits {
            source_bytes: budget.source_bytes,
            expressions: budget.states,
            states: budget.states,
            time: Some(budget.time),
            memory: Some(MemoryLimit { bytes: budget.memory, held: held_by_this_thread }),
            cancel: Some(budget.cancel.clone()),
            ..Limits::default()
        };
        let bound = frontend(constraint, self.tokenizer.vocabulary(), &limits).and_then(|grammar| {
            let compiled = CompiledGrammar::new(&grammar, self.tokenizer.clone(), &limits)
                .map_err(|error| Diagnostics::from(bind_fault(&error)))?;
            can_begin(&compiled)?;
            Ok(compiled)
        });
        let compiled = bound.map_err(|faults| CompileError::new(constraint.kind, message(&faults)))?;
        Ok(Arc::new(Compiled(compiled)))
    }

    fn load(&self, artifact: &Artifact, index: usize) -> Result<Arc<dyn CompiledConstraint>, String> {
        let grammar = artifact.grammar(index, self.tokenizer.clone()).map_err(|error| error.to_string())?;
        // Before it is served, not in the middle of an answer.
        grammar.check().map_err(|fault| fault.to_string())?;
        can_begin(&grammar).map_err(|diagnostics| message(&diagnostics))?;
        Ok(Arc::new(Compiled(grammar)))
    }
}

#[derive(Debug)]
struct Compiled(Arc<CompiledGrammar>);

impl CompiledConstraint for Compiled {
    fn matcher(&self, stop_tokens: Vec<u32>) -> Result<Box<dyn TokenMatcher>, String> {
        let options = MatcherOptions {
            stop_tokens: Some(stop_tokens),
            max_frames: Some(MAX_FRAMES),
            ..MatcherOptions::default()
        };
        let matcher = Matcher::with_options(self.0.clone(), options).map_err(|error| error.to_string())?;
        Ok(Box::new(matcher))
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }
}

fn frontend(constraint: &Constraint, vocabulary: &Vocabulary, limits: &Limits) -> Result<Grammar, Diagnostics> {
    let Constraint { kind, text, style } = constraint;
    match kind {
        ConstraintKind::Json => json_schema::compile(text, &style.options(), limits).map(|compiled| compiled.grammar),
        ConstraintKind::Regex => regex::compile(text, &regex::Options::new(regex::Syntax::Ecma262), limits),
        ConstraintKind::Ebnf => {
            gbnf::compile_with_warnings(text, &gbnf::Options::default(), Some(&TokenTexts::new(vocabulary)), limits)
                .map(|compiled| compiled.grammar)
        }
        ConstraintKind::StructuralTag => {
            let options = structural_tag::Options::default()
                .with_json_schema(style.options())
                .with_regex(regex::Options::new(regex::Syntax::Ecma262));
            structural_tag::compile(text, &options, Some(&TokenTexts::with_ordinary(vocabulary)), limits)
        }
    }
}

fn bind_fault(error: &BindError) -> Diagnostic {
    let code = match error {
        BindError::Lower(LowerError::Limit(_)) => Code::Limit,
        _ => Code::Invalid,
    };
    Diagnostic::new(code, Place::Whole, error.to_string())
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
