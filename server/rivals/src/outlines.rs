//! outlines-core as a backend of the server: an automaton over tokens, from a regular expression.

use std::fmt;
use std::sync::Arc;

use compilers::json_schema::Whitespace;
use gpu_runtime::engine::{Fill, SequenceError, TokenMatcher};
use mask_runtime::TokenKind;
use outlines_core::prelude::{Index, Vocabulary};
use server::{
    Backend, BackendEntry, BackendSetup, CompileBudget, CompileError, CompiledConstraint, Constraint, ConstraintKind,
};

use crate::ends::{Ends, set};

/// outlines-core. Its compiles cannot be bounded.
pub(crate) const BACKEND: BackendEntry = BackendEntry { name: "outlines", version: "0.2.14", start };

fn start(setup: BackendSetup) -> Result<Arc<dyn Backend>, String> {
    let vocabulary = setup.tokenizer.vocabulary();
    let &eos = vocabulary.stop_tokens().last().ok_or("the vocabulary has no stop token")?;
    let mut tokens = Vocabulary::new(eos);
    for id in (0..vocabulary.size() as u32).filter(|&id| id != eos && vocabulary.kind(id) == TokenKind::Text) {
        tokens.try_insert(vocabulary.bytes(id), id).map_err(|error| error.to_string())?;
    }
    Ok(Arc::new(Outlines { tokens, size: vocabulary.size() }))
}

struct Outlines {
    tokens: Vocabulary,
    size: usize,
}

impl fmt::Debug for Outlines {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outlines").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Backend for Outlines {
    fn compile(&self, constraint: &Constraint, _: &CompileBudget) -> Result<Arc<dyn CompiledConstraint>, CompileError> {
        let Constraint { kind, text, style } = constraint;
        let refused = |message: String| CompileError::new(*kind, message);
        let whitespace = match style.whitespace {
            Whitespace::Compact => Some(""),
            Whitespace::Any => Some(r"[ \t\n\r]*"),
            _ => None,
        };
        let pattern = match kind {
            ConstraintKind::Json => outlines_core::json_schema::regex_from_str(text, whitespace, None)
                .map_err(|error| refused(error.to_string()))?,
            ConstraintKind::Regex => text.to_string(),
            ConstraintKind::Ebnf | ConstraintKind::StructuralTag => {
                return Err(refused("outlines-core has regular expressions and JSON Schema only".to_owned()));
            }
        };
        let index = Index::new(&pattern, &self.tokens).map_err(|error| refused(error.to_string()))?;
        Ok(Arc::new(Compiled { index: Arc::new(index), eos: self.tokens.eos_token_id(), size: self.size }))
    }
}

struct Compiled {
    index: Arc<Index>,
    eos: u32,
    size: usize,
}

impl fmt::Debug for Compiled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Compiled").field("states", &self.index.transitions().len()).finish_non_exhaustive()
    }
}

impl CompiledConstraint for Compiled {
    fn matcher(&self, stop_tokens: Vec<u32>) -> Result<Box<dyn TokenMatcher>, String> {
        let ends = Ends { eos: self.eos, stop_tokens };
        let state = self.index.initial_state();
        let (index, size) = (self.index.clone(), self.size);
        Ok(Box::new(OutlinesMatcher { index, ends, size, state, history: Vec::new(), terminated: false }))
    }

    fn memory(&self) -> usize {
        // A hash table entry of two ids for each transition.
        self.index.transitions().values().map(|transitions| transitions.len() * 12 + 64).sum()
    }
}

struct OutlinesMatcher {
    index: Arc<Index>,
    ends: Ends,
    size: usize,
    state: u32,
    /// The states before this one.
    history: Vec<u32>,
    terminated: bool,
}

impl fmt::Debug for OutlinesMatcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OutlinesMatcher").field("state", &self.state).finish_non_exhaustive()
    }
}

impl OutlinesMatcher {
    fn is_final(&self) -> bool {
        self.index.is_final_state(&self.state)
    }
}

impl TokenMatcher for OutlinesMatcher {
    fn vocabulary_size(&self) -> usize {
        self.size
    }

    fn stop_tokens(&self) -> &[u32] {
        &self.ends.stop_tokens
    }

    fn fill(&mut self, row: &mut [u32]) -> Result<Fill, SequenceError> {
        row.fill(0);
        if let Some(tokens) = self.index.allowed_tokens_iter(&self.state) {
            tokens.for_each(|&token| set(row, token));
        }
        self.ends.translate(row);
        match row.iter().all(|&word| word == 0) {
            true if self.is_final() => Ok(Fill::Ended),
            true => Err(SequenceError::Engine("no token of the vocabulary fits here".to_owned())),
            false => Ok(Fill::Masked),
        }
    }

    fn accept_token(&mut self, token: u32) -> Result<(), SequenceError> {
        if self.ends.stop_tokens.contains(&token) && self.is_final() {
            self.terminated = true;
            return Ok(());
        }
        match self.index.next_state(&self.state, &token) {
            Some(state) => {
                self.history.push(std::mem::replace(&mut self.state, state));
                Ok(())
            }
            None => Err(SequenceError::Engine(format!("token {token} is not allowed here"))),
        }
    }

    fn is_complete(&mut self) -> bool {
        self.is_final()
    }

    fn is_terminated(&self) -> bool {
        self.terminated
    }

    fn is_ended(&mut self) -> bool {
        let tokens = self.index.allowed_tokens_iter(&self.state);
        self.is_final() && tokens.is_none_or(|mut tokens| tokens.all(|&token| token == self.ends.eos))
    }

    fn rollback(&mut self, steps: usize) -> Result<(), SequenceError> {
        let Some(left) = self.history.len().checked_sub(steps) else {
            return Err(SequenceError::Engine(format!("{steps} steps are more than were made")));
        };
        if steps > 0 {
            self.state = self.history[left];
            self.history.truncate(left);
        }
        self.terminated = false;
        Ok(())
    }
}
