//! What the server asks of an engine that compiles constraints.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gpu_runtime::Encoder;
use gpu_runtime::engine::TokenMatcher;
use mask_runtime::Tokenizer;
use mask_runtime::artifact::Artifact;

use super::constraint::{Constraint, ConstraintKind};

/// What an engine is given to start with: the model's tokens.
#[derive(Debug, Clone)]
pub struct BackendSetup {
    /// Ids, texts and stop tokens.
    pub tokenizer: Arc<Tokenizer>,
    /// Turns text into tokens, for engines that want forced text as the model would write it.
    pub encoder: Encoder,
}

/// An engine that a program was built with.
#[derive(Debug, Clone, Copy)]
pub struct BackendEntry {
    /// Its name on the command line.
    pub name: &'static str,
    /// The version, for reports.
    pub version: &'static str,
    /// Makes what all constraints share.
    ///
    /// # Errors
    /// Says why the engine cannot work with the vocabulary.
    pub start: fn(BackendSetup) -> Result<Arc<dyn Backend>, String>,
}

/// What one compile may cost. Engines that cannot be bounded ignore it.
#[derive(Debug, Clone)]
pub struct CompileBudget {
    /// Wall-clock time of each half of a compile: from text to grammar, from grammar to automaton.
    pub time: Duration,
    /// Bytes of the text.
    pub source_bytes: usize,
    /// Expressions, and states.
    pub states: usize,
    /// Bytes that the thread of the compile may hold at a time, in a program whose allocator is
    /// [`CountingAllocator`](counting_allocator::CountingAllocator).
    pub memory: usize,
    /// Set when nobody waits for the outcome any more.
    pub cancel: Arc<AtomicBool>,
}

/// An engine bound to a model's tokens.
pub trait Backend: Send + Sync + Debug {
    /// Compiles, on the thread that calls.
    ///
    /// # Errors
    /// When the constraint is at fault, not supported, or costs more than the budget.
    fn compile(
        &self,
        constraint: &Constraint,
        budget: &CompileBudget,
    ) -> Result<Arc<dyn CompiledConstraint>, CompileError>;

    /// A grammar that was compiled before.
    ///
    /// # Errors
    /// When the file is damaged or for another vocabulary; always, unless the engine is that of this project.
    fn load(&self, artifact: &Artifact, index: usize) -> Result<Arc<dyn CompiledConstraint>, String> {
        let _ = (artifact, index);
        Err("the grammar backend cannot use files of grammars; the backend grammarc can".to_owned())
    }
}

/// A compiled constraint, shared by all the answers that have to follow it.
pub trait CompiledConstraint: Send + Sync + Debug {
    /// A matcher at the beginning of an answer that these tokens end.
    ///
    /// # Errors
    /// When one of the tokens is none of the vocabulary's; failures of the engine.
    fn matcher(&self, stop_tokens: Vec<u32>) -> Result<Box<dyn TokenMatcher>, String>;

    /// About how many bytes it occupies.
    fn memory(&self) -> usize;
}

/// A constraint that does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Failed to compile {kind} grammar: {message}", kind = kind.name())]
pub struct CompileError {
    kind: ConstraintKind,
    message: String,
}

impl CompileError {
    /// A constraint that is at fault, not supported, or costs more than the budget.
    pub fn new(kind: ConstraintKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The message, with the field of the request that the constraint came in.
    pub(super) fn in_field(&self, field: &str) -> String {
        format!("Failed to compile {} grammar: {field}: {}", self.kind.name(), self.message)
    }
}
