//! Compiled grammars, and grammars found at fault, kept up to a number of bytes.

use std::collections::HashMap;
use std::sync::Arc;

use mask_runtime::CompiledGrammar;

use super::compile::CompileError;
use super::constraint::Constraint;

/// What compiling a constraint gave.
pub(super) type Outcome = Result<Arc<CompiledGrammar>, CompileError>;

/// The bytes that an entry takes beside its texts and its grammar.
const ENTRY_OVERHEAD: usize = 512;

#[derive(Debug)]
struct Entry {
    outcome: Outcome,
    bytes: usize,
    /// The clock when it was last asked for.
    used: u64,
}

/// The outcomes asked for last, whose sizes add up to at most a number of bytes.
#[derive(Debug)]
pub(super) struct Cache {
    entries: HashMap<Constraint, Entry>,
    capacity: usize,
    bytes: usize,
    clock: u64,
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), capacity, bytes: 0, clock: 0 }
    }

    pub(super) fn get(&mut self, constraint: &Constraint) -> Option<Outcome> {
        self.clock += 1;
        let entry = self.entries.get_mut(constraint)?;
        entry.used = self.clock;
        let outcome = entry.outcome.clone();
        // A grammar grows as its masks are asked for.
        let bytes = size(constraint, &outcome);
        self.bytes = self.bytes - entry.bytes + bytes;
        entry.bytes = bytes;
        self.shrink();
        Some(outcome)
    }

    pub(super) fn insert(&mut self, constraint: Constraint, outcome: Outcome) {
        let bytes = size(&constraint, &outcome);
        self.clock += 1;
        let entry = Entry { outcome, bytes, used: self.clock };
        self.bytes += bytes;
        if let Some(old) = self.entries.insert(constraint, entry) {
            self.bytes -= old.bytes;
        }
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.bytes > self.capacity {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            let Some(entry) = oldest.and_then(|key| self.entries.remove(&key)) else { return };
            self.bytes -= entry.bytes;
        }
    }

    /// The number of entries and of bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }
}

fn size(constraint: &Constraint, outcome: &Outcome) -> usize {
    let outcome = match outcome {
        Ok(grammar) => grammar.memory(),
        Err(error) => error.to_string().len(),
    };
    ENTRY_OVERHEAD + constraint.text.len() + outcome
}
