//! Compiled grammars, and grammars found at fault, kept up to a number of bytes.

use std::collections::HashMap;
use std::sync::Arc;

use super::backend::{CompileError, CompiledConstraint};
use super::constraint::Constraint;

/// What compiling a constraint gave.
pub(super) type Outcome = Result<Arc<dyn CompiledConstraint>, CompileError>;

/// The bytes that an entry takes beside its texts and its grammar.
const ENTRY_OVERHEAD: usize = 512;

/// A grammar grows as its masks are asked for, so it is measured again each time it was asked for this often.
const HITS_PER_MEASURE: u64 = 32;

/// The largest entry that is kept is this part of the capacity.
const LARGEST_PART: usize = 4;

#[derive(Debug)]
struct Entry {
    outcome: Outcome,
    bytes: usize,
    hits: u64,
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
        entry.hits += 1;
        if entry.hits.is_multiple_of(HITS_PER_MEASURE) {
            let bytes = size(constraint, &outcome);
            self.bytes = self.bytes - entry.bytes + bytes;
            entry.bytes = bytes;
            self.shrink();
        }
        Some(outcome)
    }

    /// Keeps an outcome, unless it is so large that it would drive out much else.
    pub(super) fn insert(&mut self, constraint: Constraint, outcome: Outcome) {
        let bytes = size(&constraint, &outcome);
        if bytes > self.capacity / LARGEST_PART {
            return;
        }
        self.clock += 1;
        let entry = Entry { outcome, bytes, hits: 0, used: self.clock };
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gpu_runtime::ModelFiles;
    use mask_runtime::Tokenizer;

    use super::super::backend::{BackendSetup, CompileBudget};
    use super::super::constraint::{ConstraintKind, JsonStyle};
    use super::super::grammarc::GRAMMARC;
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let files = ModelFiles::embedded_tiny().expect("the embedded model");
        let tokenizer = Tokenizer::new(files.vocabulary().expect("its vocabulary"));
        let setup = BackendSetup { tokenizer, encoder: files.encoder().expect("its encoder") };
        let backend = (GRAMMARC.start)(setup).expect("a backend");
        let budget = CompileBudget {
            time: Duration::from_secs(60),
            source_bytes: 1_000,
            states: 1_000,
            memory: usize::MAX,
            cancel: Arc::default(),
        };
        let regex =
            |text: &str| Constraint { kind: ConstraintKind::Regex, text: text.into(), style: JsonStyle::default() };
        let compile = |text: &str| backend.compile(&regex(text), &budget);
        let one = size(&regex("a"), &compile("a"));
        let mut cache = Cache::new(one * 9 / 2);
        for text in ["d", "e", "a", "b"] {
            cache.insert(regex(text), compile(text));
        }
        assert!(cache.get(&regex("a")).is_some_and(|outcome| outcome.is_ok()));
        cache.insert(regex("c"), compile("c"));
        assert_eq!(cache.size().0, 4);
        assert!(cache.get(&regex("d")).is_none(), "it was not asked for");
        assert!(cache.get(&regex("a")).is_some() && cache.get(&regex("c")).is_some());
        let large = "[ab]{400}[cd]{400}(e|fg){90}";
        cache.insert(regex(large), compile(large));
        assert!(cache.get(&regex(large)).is_none() && cache.size().0 == 4, "it is too large");
        cache.insert(regex("("), compile("("));
        assert!(cache.get(&regex("(")).is_some_and(|outcome| outcome.is_err()), "faults are kept, too");
        assert!(cache.size().1 <= one * 9 / 2);
    }
}
