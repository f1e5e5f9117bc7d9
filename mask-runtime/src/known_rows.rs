//! Masks that have been made, kept for when a generation comes to the same configuration.
//!
//! A mask depends on the heads, and on as much of the stack below them as some token can return to. What was read of the
//! stack while a mask was made is known ([`Stack::lowest_read`]), so a mask is kept under exactly that: state and
//! count or registers of the heads, then of what they return to, level by level; and whether parts can be trapped, which they
//! can once anything has been seen ([`is_live`](crate::distinct::is_live)). Two configurations that agree so far
//! have the same mask, in whichever generation and at whichever place of the text. Free text, the characters of a
//! string, the members of the next element of a list: a generation comes to most of its masks several times.
//!
//! Values that others must differ from are texts, of which nothing is kept here. A mask is made as if none of those seen so far
//! were known, and kept with the tokens of which it takes them to tell, those with a whole key in them and those in which a part
//! begins that could be trapped; what would repeat the part that is being read is taken out of each copy. Where these are many, the
//! mask is not kept.
//!
//! Entries are only ever added, each behind a [`OnceLock`], so looking one up takes no lock.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::{FxBuildHasher, FxHashMap, FxHasher};

use crate::bitmask;
use crate::compiled::CompiledGrammar;
use crate::doubt::Depending;
use crate::found::FEW_TOKENS;
use crate::slice::Slice;
use crate::stack::{Frame, NodeId, Stack};

/// A grammar keeps masks of at most so many bytes: 128 whole rows of a vocabulary of 128,000 tokens.
const MAX_BYTES: usize = 2 << 20;

/// Configurations of more heads are not looked up.
const MAX_HEADS: usize = 64;

/// Nor are those of which more levels of the stack would have to be compared, or more nodes of it.
const MAX_LEVELS: usize = 64;
const MAX_NODES: usize = 128;

/// Masks are not kept with more tokens that depend on values seen.
const MAX_DEPENDING: usize = 256;

const BUCKETS: usize = 256;

/// No bucket has more entries.
const MAX_IN_BUCKET: usize = 24;

/// Where a key refers to the bottom of the stack.
const BOTTOM: u32 = u32::MAX;

/// What a key begins with where parts can be trapped.
const TRAPS: u32 = u32::MAX;

/// The masks of one grammar.
#[derive(Debug, Default)]
pub(crate) struct KnownRows {
    buckets: OnceLock<Box<[OnceLock<Box<Entry>>]>>,
    /// Whole rows by their hash: equal ones are kept once.
    rows: Mutex<FxHashMap<u64, Vec<Arc<[u32]>>>>,
    /// What is kept, in bytes.
    bytes: AtomicUsize,
}

/// A mask that has just been made.
pub(crate) struct Made<'a> {
    pub(crate) row: &'a [u32],
    /// The slice that it began with.
    pub(crate) slice: Option<Arc<Slice>>,
    /// The tokens that it has besides, if they are known.
    pub(crate) found: Option<&'a [u32]>,
    /// The tokens that depend on values that have been seen.
    pub(crate) depending: &'a [Depending],
}

/// A mask, as far as it does not depend on values that have been seen.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) row: KnownRow,
    /// Tokens of the row that depend on these.
    pub(crate) depending: Box<[Depending]>,
}

/// The text part of a mask.
#[derive(Debug)]
pub(crate) enum KnownRow {
    /// These tokens.
    Few(Box<[u32]>),
    /// Those of a slice, but for these, of which it has those that it should not have and lacks the others.
    Slice(Arc<Slice>, Box<[u32]>),
    /// A whole row.
    Row(Arc<[u32]>),
    /// Nothing: too many tokens depend on values that have been seen.
    Anew,
}

/// Which of the masks that a grammar has kept. They stay where they are as long as there is the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownId(usize);

impl Known {
    pub(crate) fn id(&self) -> KnownId {
        KnownId(std::ptr::from_ref(self).addr())
    }
}

impl KnownRow {
    /// The slice that it has most of its tokens of.
    pub(crate) fn slice(&self) -> Option<&Arc<Slice>> {
        match self {
            Self::Slice(slice, _) => Some(slice),
            Self::Few(_) | Self::Row(_) | Self::Anew => None,
        }
    }

    /// Whether it is `row`.
    fn is(&self, row: &[u32]) -> bool {
        let mut other = vec![0; row.len()];
        self.copy_to(&mut other);
        other == row
    }

    /// Writes it to `row`.
    pub(crate) fn copy_to(&self, row: &mut [u32]) {
        match self {
            Self::Few(tokens) => {
                bitmask::clear_all(row);
                bitmask::set_each(row, tokens);
            }
            Self::Slice(slice, different) => {
                row.copy_from_slice(slice.row());
                bitmask::flip_each(row, different);
            }
            Self::Row(known) => row.copy_from_slice(known),
            Self::Anew => bitmask::clear_all(row),
        }
    }
}

#[derive(Debug)]
struct Entry {
    /// The levels of the key, from the heads down.
    key: Box<[u32]>,
    levels: usize,
    /// Per node below the last level: whether nothing can be consumed there.
    inert: Inert,
    known: Known,
    next: OnceLock<Box<Self>>,
}

/// A bit for each node.
type Inert = u128;

/// The key of a configuration, as far down the stack as has been asked for. Kept to spare allocations.
///
/// Its first level are the heads, each further one the frames of the nodes that the one before refers to, but for those that
/// have been referred to before. Nodes are numbered as they are met.
#[derive(Debug, Clone, Default)]
pub(crate) struct Key {
    words: Vec<u32>,
    /// Where each level ends in `words`.
    ends: Vec<usize>,
    nodes: Vec<NodeId>,
    /// How many nodes the levels up to each one refer to.
    node_ends: Vec<usize>,
    bucket: usize,
    /// Whether an exact count is part of it.
    has_count: bool,
}

impl Key {
    /// Becomes the key of `heads`; false if their mask is not to be kept.
    pub(crate) fn begin(&mut self, grammar: &CompiledGrammar, heads: &[Frame], stack: &Stack) -> bool {
        if heads.len() > MAX_HEADS {
            return false;
        }
        self.words.clear();
        self.ends.clear();
        self.nodes.clear();
        self.node_ends.clear();
        self.has_count = false;
        if stack.registers.has_traps() {
            // As long as nothing has been seen, nothing is searched for in any scope. No state has this number.
            self.words.push(TRAPS);
        }
        heads.iter().for_each(|&head| self.push(grammar, head, stack));
        if self.nodes.len() > MAX_NODES {
            return false;
        }
        self.ends.push(self.words.len());
        self.node_ends.push(self.nodes.len());
        let mut hasher = FxHasher::default();
        self.words.hash(&mut hasher);
        if let Some(caller) = stack.peek_only_frame(heads[0].below) {
            caller.state.hash(&mut hasher);
        }
        self.bucket = (hasher.finish() >> 32) as usize % BUCKETS;
        true
    }

    /// Adds what matters of a frame.
    fn push(&mut self, grammar: &CompiledGrammar, frame: Frame, stack: &Stack) {
        let pda = grammar.pda();
        self.words.push(frame.state.as_u32());
        if let Some(scope) = pda.scope_of(frame.state) {
            let words = stack.registers.words_of(frame.count);
            let is_in_part = stack.registers.part(frame.count).is_some();
            self.words.push(u32::from(is_in_part) | u32::from(stack.registers.has_seen_in(frame.count)) << 1);
            if words.is_empty() {
                self.words.resize(self.words.len() + scope.register_count(), 0);
            } else {
                self.words.extend_from_slice(words);
            }
        } else if pda.counter_of(frame.state).is_some() {
            // Where nothing changes within what a token can count, all that matters is where something would.
            let missing = pda.counts_missing(frame.state, frame.count);
            let until_min = if missing == 0 { u32::MAX } else { missing };
            let unchanged = pda.counts_unchanged(frame.state, frame.count).min(until_min);
            if unchanged <= grammar.most_counts(frame.state) {
                self.has_count = true;
                self.words.extend([u32::MAX, frame.count]);
            } else {
                self.words.extend([u32::from(missing == 0), frame.count.saturating_add(unchanged)]);
            }
        }
        let number = match self.nodes.iter().position(|&node| node == frame.below) {
            _ if frame.below == NodeId::BOTTOM => BOTTOM,
            Some(number) => number as u32,
            None => {
                self.nodes.push(frame.below);
                self.nodes.len() as u32 - 1
            }
        };
        self.words.push(number);
    }

    /// Adds a level; false if that is too much.
    fn descend(&mut self, grammar: &CompiledGrammar, stack: &Stack) -> bool {
        let levels = self.ends.len();
        let above = if levels < 2 { 0 } else { self.node_ends[levels - 2] };
        for index in above..self.node_ends[levels - 1] {
            let place = self.words.len();
            self.words.push(0);
            let mut next = Some(self.nodes[index]);
            while let Some(node) = next {
                for frame in 0..stack.peek_own_frames(node).len() {
                    self.push(grammar, stack.peek_own_frames(node)[frame], stack);
                    self.words[place] += 1;
                    if self.nodes.len() > MAX_NODES {
                        // A level is there whole or not at all.
                        self.words.truncate(self.ends[levels - 1]);
                        self.nodes.truncate(self.node_ends[levels - 1]);
                        return false;
                    }
                }
                next = stack.included(node);
            }
        }
        self.ends.push(self.words.len());
        self.node_ends.push(self.nodes.len());
        true
    }

    /// Whether there are `levels`, which are added as far as can be.
    fn reaches(&mut self, levels: usize, grammar: &CompiledGrammar, stack: &Stack) -> bool {
        while self.ends.len() < levels {
            if !self.descend(grammar, stack) {
                return false;
            }
        }
        true
    }

    /// The nodes that the last of `levels` refers to as the first one.
    fn below(&self, levels: usize) -> &[NodeId] {
        let above = if levels < 2 { 0 } else { self.node_ends[levels - 2] };
        &self.nodes[above..self.node_ends[levels - 1]]
    }

    fn inert(&self, levels: usize, stack: &Stack) -> Inert {
        let flags = self.below(levels).iter().enumerate();
        flags.fold(0, |flags, (place, &below)| flags | Inert::from(stack.is_inert(below)) << place)
    }

    /// Notes that what is in so many levels has been read.
    fn note_reading(&self, levels: usize, stack: &Stack) {
        let read = if levels < 2 { 0 } else { self.node_ends[levels - 2] };
        self.nodes[..read].iter().for_each(|&node| stack.note_reading(node));
    }

    /// As many levels as have been read since [`Stack::begin_reading`]; `None` if that is too much.
    fn read_levels(&mut self, grammar: &CompiledGrammar, stack: &Stack) -> Option<usize> {
        for levels in 1..=MAX_LEVELS {
            if !self.reaches(levels, grammar, stack) {
                return None;
            }
            if !self.below(levels).iter().any(|&node| stack.has_read(node)) {
                return Some(levels);
            }
        }
        None
    }
}

impl Entry {
    fn is_for(&self, key: &mut Key, grammar: &CompiledGrammar, stack: &Stack) -> bool {
        // The first level tells most of them apart.
        let first = key.ends[0];
        key.words[..first] == self.key[..first.min(self.key.len())]
            && key.reaches(self.levels, grammar, stack)
            && key.words[..key.ends[self.levels - 1]] == *self.key
            && key.inert(self.levels, stack) == self.inert
    }
}

/// The tokens of a row, if they are few.
fn few(row: &[u32]) -> Option<Box<[u32]>> {
    let mut found = Few::default();
    let (parts, rest) = row.as_chunks::<PART>();
    for (part, number) in parts.iter().zip(0..) {
        if part.iter().fold(0, |all, &word| all | word) != 0 {
            found.add(number * PART, part)?;
        }
    }
    found.add(parts.len() * PART, rest)?;
    Some(found.tokens[..found.count].into())
}

/// The tokens that are in one of two rows, if they are few.
fn few_different(row: &[u32], base: &[u32]) -> Option<Box<[u32]>> {
    let mut found = Few::default();
    let ((parts, rest), (base_parts, base_rest)) = (row.as_chunks::<PART>(), base.as_chunks::<PART>());
    for ((part, base), number) in parts.iter().zip(base_parts).zip(0..) {
        let differs = part.iter().zip(base).fold(0, |all, (word, base)| all | word ^ base);
        if differs != 0 {
            found.add_different(number * PART, part, base)?;
        }
    }
    found.add_different(parts.len() * PART, rest, base_rest)?;
    Some(found.tokens[..found.count].into())
}

/// Up to so many tokens.
struct Few {
    tokens: [u32; FEW_TOKENS],
    count: usize,
}

impl Default for Few {
    fn default() -> Self {
        Self { tokens: [0; FEW_TOKENS], count: 0 }
    }
}

impl Few {
    /// Adds the tokens of `words`, the first of which is the one numbered `place`; `None` where there is no room.
    fn add(&mut self, place: usize, words: &[u32]) -> Option<()> {
        for (&word, place) in words.iter().zip(place..) {
            let mut bits = word;
            while bits != 0 {
                *self.tokens.get_mut(self.count)? = place as u32 * u32::BITS + bits.trailing_zeros();
                self.count += 1;
                bits &= bits - 1;
            }
        }
        Some(())
    }

    /// The same of the tokens that are in one of two.
    fn add_different(&mut self, place: usize, words: &[u32], base: &[u32]) -> Option<()> {
        for ((&word, &base), place) in words.iter().zip(base).zip(place..) {
            self.add(place, &[word ^ base])?;
        }
        Some(())
    }
}

/// A row is looked through so many words at a time.
const PART: usize = 32;

/// A hash of a row. Equality is looked at in any case, so what matters is that it is quick: no part waits for another one.
fn hash_of(row: &[u32]) -> u64 {
    let mut sums = [0u32; PART];
    for part in row.chunks(PART) {
        for (sum, &word) in sums.iter_mut().zip(part) {
            *sum = sum.rotate_left(5) ^ word;
        }
    }
    FxBuildHasher.hash_one(sums)
}

impl KnownRows {
    /// The mask kept for the configuration of `key`. What it depends on has then been read of the stack.
    pub(crate) fn get(&self, key: &mut Key, grammar: &CompiledGrammar, stack: &Stack) -> Option<&Known> {
        let mut next = self.buckets.get()?[key.bucket].get();
        while let Some(entry) = next {
            if entry.is_for(key, grammar, stack) {
                key.note_reading(entry.levels, stack);
                return Some(&entry.known);
            }
            next = entry.next.get();
        }
        None
    }

    /// Keeps the mask of the configuration of `key`, which depends on what has been read of the stack.
    pub(crate) fn keep(&self, key: &mut Key, grammar: &CompiledGrammar, stack: &Stack, made: Made<'_>) {
        let Made { row, slice, found, depending } = made;
        if depending.len() <= MAX_DEPENDING {
            self.add(key, grammar, stack, || Known { row: self.share(row, slice, found), depending: depending.into() });
        }
    }

    /// Notes that the mask of the configuration of `key` is best made anew each time.
    pub(crate) fn keep_none(&self, key: &mut Key, grammar: &CompiledGrammar, stack: &Stack) {
        self.add(key, grammar, stack, || Known { row: KnownRow::Anew, depending: Box::default() });
    }

    fn add(&self, key: &mut Key, grammar: &CompiledGrammar, stack: &Stack, known: impl FnOnce() -> Known) {
        let Some(levels) = key.read_levels(grammar, stack) else { return };
        // Exact counts are many, and each is met once in a text.
        let most = if key.has_count { MAX_BYTES / 4 * 3 } else { MAX_BYTES };
        if self.bytes.load(Ordering::Relaxed) > most {
            return;
        }
        let buckets = self.buckets.get_or_init(|| std::iter::repeat_with(OnceLock::new).take(BUCKETS).collect());
        let mut place = &buckets[key.bucket];
        for _ in 0..MAX_IN_BUCKET {
            match place.get() {
                Some(entry) => place = &entry.next,
                None => {
                    let words = &key.words[..key.ends[levels - 1]];
                    let inert = key.inert(levels, stack);
                    let known = known();
                    let size = size_of::<Entry>() + size_of_val(words) + size_of_val(&*known.depending);
                    self.bytes.fetch_add(size, Ordering::Relaxed);
                    let entry = Entry { key: words.into(), levels, inert, known, next: OnceLock::new() };
                    // Somebody else may have been faster, most often with the same.
                    let _ = place.set(Box::new(entry));
                    return;
                }
            }
        }
    }

    fn share(&self, row: &[u32], slice: Option<Arc<Slice>>, found: Option<&[u32]>) -> KnownRow {
        if let Some(found) = found {
            let known = match slice {
                Some(slice) => KnownRow::Slice(slice, found.into()),
                None => KnownRow::Few(found.into()),
            };
            debug_assert!(known.is(row), "the tokens found are those of the row");
            self.bytes.fetch_add(size_of_val(found), Ordering::Relaxed);
            return known;
        }
        if let Some(slice) = slice
            && let Some(different) = few_different(row, slice.row())
        {
            self.bytes.fetch_add(size_of_val(&*different), Ordering::Relaxed);
            return KnownRow::Slice(slice, different);
        }
        if let Some(tokens) = few(row) {
            self.bytes.fetch_add(size_of_val(&*tokens), Ordering::Relaxed);
            return KnownRow::Few(tokens);
        }
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let alike = rows.entry(hash_of(row)).or_default();
        if let Some(known) = alike.iter().find(|known| ***known == *row) {
            return KnownRow::Row(Arc::clone(known));
        }
        self.bytes.fetch_add(size_of_val(row), Ordering::Relaxed);
        let known: Arc<[u32]> = row.into();
        alike.push(Arc::clone(&known));
        KnownRow::Row(known)
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.load(Ordering::Relaxed) + self.buckets.get().map_or(0, |buckets| size_of_val(&**buckets))
    }
}
