//! Languages that many schemas ask for: formats, patterns, sets of numbers. Each is worked out once per process.
//!
//! Entries are found by all that they depend on, compared in full. A table that is full is emptied, so a process that
//! meets ever new patterns keeps a bounded number of states, and one that meets the same ones again pays for each once.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::format::Side;
use super::language::Language;
use super::number::{NumberSet, Numbers};
use super::options::Digits;
use crate::regex;

/// The languages of formats.
pub(super) static FORMATS: Known<(String, Side), Arc<Language>> = Known::new();
/// What is made of patterns.
pub(super) static PATTERNS: Known<String, Pattern> = Known::new();
/// The texts of sets of numbers, `None` where a set is empty.
pub(super) static NUMBERS: Known<(NumberSet, Digits), Option<Numbers>> = Known::new();

/// What is made of a pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// The texts in which it is found.
    pub(super) language: Arc<Language>,
    /// Its tree, if it needs no automaton and its language takes many states.
    pub(super) tree: Option<Arc<regex::Pattern>>,
}

/// A table may hold automata of this many states in all: some 50 MB.
const MAX_STATES: usize = 400_000;
/// What an entry counts for besides its states.
const ENTRY: usize = 50;

/// What is known of some keys.
#[derive(Debug)]
pub(super) struct Known<K, V> {
    table: Mutex<Table<K, V>>,
}

#[derive(Debug)]
struct Table<K, V> {
    values: FxHashMap<K, V>,
    /// Of all values together.
    states: usize,
}

impl<K: Eq + Hash, V: Clone> Known<K, V> {
    const fn new() -> Self {
        let values = FxHashMap::with_hasher(FxBuildHasher);
        Self { table: Mutex::new(Table { values, states: 0 }) }
    }

    /// What is known of `key`.
    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).values.get(key).cloned()
    }

    /// Remembers the value of `key`, which has `states` states.
    pub(super) fn insert(&self, key: K, value: V, states: usize) {
        let size = states.saturating_add(ENTRY);
        if size > MAX_STATES / 4 {
            return;
        }
        let table = &mut *self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.states + size > MAX_STATES {
            table.values.clear();
            table.states = 0;
        }
        if table.values.insert(key, value).is_none() {
            table.states += size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_is_emptied() {
        let known: Known<u32, u32> = Known::new();
        for key in 0..10_000 {
            known.insert(key, key + 1, 1_000);
            assert_eq!(known.get(&key), Some(key + 1));
            assert!(known.table.lock().unwrap().states <= MAX_STATES);
        }
        assert_eq!(known.get(&0), None);
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let known: Known<u32, u32> = Known::new();
        known.insert(0, 1, 10);
        known.insert(1, 1, MAX_STATES);
        assert_eq!((known.get(&0), known.get(&1)), (Some(1), None));
    }
}
