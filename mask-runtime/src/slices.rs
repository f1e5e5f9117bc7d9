//! The slices of one tokenizer and what belongs to them, each made when first asked for, shared by all grammars.

use std::hash::Hash;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use grammar_ir::ByteSet;
use rustc_hash::FxHashMap;

use crate::branch::Branch;
use crate::inverted::InvertedIndex;
use crate::loops::LoopSet;
use crate::remainders::Remainders;
use crate::slice::Slice;
use crate::token_index::TokenIndex;
use crate::vocab::Vocabulary;

/// Slices, branches and remainders by what they are of.
#[derive(Debug)]
pub(crate) struct Slices {
    inverted: OnceLock<InvertedIndex>,
    /// Per ASCII character: how often it is in the token that has it most often.
    most_of: [OnceLock<u32>; 128],
    slices: Cache<LoopSet, Arc<Slice>>,
    branches: Cache<(LoopSet, u32), Arc<Branch>>,
    remainders: Cache<(LoopSet, ByteSet), Option<Arc<Remainders>>>,
}

/// A tokenizer keeps this many slices (from 16 kB to 1 MB each at 128,000 tokens). When one more is asked for it forgets
/// all of them; grammars keep those that they use.
const MAX_SLICES: usize = 64;

/// A tokenizer keeps this many branches, which are mostly a few kB each. When one more is asked for it forgets all of them.
const MAX_BRANCHES: usize = 4096;

/// A tokenizer keeps this many remainder tries (mostly about 50 kB each). When one more is asked for it forgets all of them.
const MAX_REMAINDERS: usize = 256;

impl Slices {
    pub(crate) fn new() -> Self {
        Self {
            inverted: OnceLock::new(),
            most_of: std::array::from_fn(|_| OnceLock::new()),
            slices: Cache::new(MAX_SLICES),
            branches: Cache::new(MAX_BRANCHES),
            remainders: Cache::new(MAX_REMAINDERS),
        }
    }

    /// How often the ASCII character `byte` is in the token that has it most often.
    pub(crate) fn most_of(&self, byte: u8, vocabulary: &Vocabulary) -> u32 {
        let count = |id| vocabulary.bytes(id).iter().filter(|&&other| other == byte).count() as u32;
        *self.most_of[usize::from(byte)].get_or_init(|| match self.inverted.get() {
            Some(inverted) => inverted.containing_byte(byte).map(count).max().unwrap_or(0),
            None => (0..vocabulary.size() as u32).map(count).max().unwrap_or(0),
        })
    }

    /// The inverted index, of which slices are made. It takes some milliseconds when it is first asked for.
    pub(crate) fn inverted(&self, vocabulary: &Vocabulary) -> &InvertedIndex {
        self.inverted.get_or_init(|| InvertedIndex::new(vocabulary))
    }

    /// The slice of `set`.
    pub(crate) fn slice(&self, set: &LoopSet, vocabulary: &Vocabulary) -> Arc<Slice> {
        self.slices.get(set, || Arc::new(Slice::new(set.clone(), self.inverted(vocabulary))))
    }

    /// The branch of `set` at `node`.
    pub(crate) fn branch(&self, set: &LoopSet, node: u32, vocabulary: &Vocabulary, index: &TokenIndex) -> Arc<Branch> {
        self.branches.get(&(set.clone(), node), || Arc::new(Branch::new(set.clone(), node, vocabulary, index)))
    }

    /// The remainders of the slice of `set` that begin with a byte of `exits`, unless they are too many.
    pub(crate) fn remainders(
        &self,
        (set, slice): (&LoopSet, &Slice),
        exits: ByteSet,
        vocabulary: &Vocabulary,
    ) -> Option<Arc<Remainders>> {
        let inverted = self.inverted(vocabulary);
        self.remainders.get(&(set.clone(), exits), || slice.remainders(&exits, inverted, vocabulary).map(Arc::new))
    }

    pub(crate) fn memory(&self) -> usize {
        self.inverted.get().map_or(0, InvertedIndex::memory)
            + self.slices.sum(|slice| slice.memory())
            + self.branches.sum(|branch| branch.memory())
            + self.remainders.sum(|remainders| remainders.as_ref().map_or(0, |remainders| remainders.memory()))
    }
}

/// The branches of one trie.
#[derive(Debug)]
pub(crate) struct Branches(Cache<(LoopSet, u32), Arc<Branch>>);

/// A trie that is not the tokenizer's own keeps this many branches. When one more is asked for it forgets all of them.
const MAX_OWN_BRANCHES: usize = 256;

impl Default for Branches {
    fn default() -> Self {
        Self(Cache::new(MAX_OWN_BRANCHES))
    }
}

impl Branches {
    /// The branch of `set` at `node` of `index`.
    pub(crate) fn get(&self, set: &LoopSet, node: u32, vocabulary: &Vocabulary, index: &TokenIndex) -> Arc<Branch> {
        self.0.get(&(set.clone(), node), || Arc::new(Branch::new(set.clone(), node, vocabulary, index)))
    }

    pub(crate) fn memory(&self) -> usize {
        self.0.sum(|branch| branch.memory())
    }
}

/// A map that forgets all it has when it is full.
#[derive(Debug)]
struct Cache<K, V> {
    made: RwLock<FxHashMap<K, V>>,
    most: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    fn new(most: usize) -> Self {
        Self { made: RwLock::default(), most }
    }

    fn get(&self, key: &K, make: impl FnOnce() -> V) -> V {
        if let Some(value) = self.made.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return value.clone();
        }
        // Made outside the lock: others need not wait for it, and if two make the same, one of them is dropped.
        let value = make();
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= self.most {
            made.clear();
        }
        made.entry(key.clone()).or_insert(value).clone()
    }

    fn sum(&self, size: impl Fn(&V) -> usize) -> usize {
        self.made.read().unwrap_or_else(PoisonError::into_inner).values().map(size).sum()
    }
}
