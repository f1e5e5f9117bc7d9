//! What a vocabulary has to do with a set of characters, worked out once per set and tokenizer.
//!
//! For a state that stays where it is on the characters of *S*, a token is *s* · *r*: the longest prefix *s* in *S*\*,
//! and a remainder *r*. A token without remainder is allowed, whatever the state; the others depend on *r* alone, and
//! there are few of them. So the mask is one copy and a walk over a small trie.

use std::sync::{Arc, OnceLock, RwLock};

use rustc_hash::FxHashMap;

use crate::bitmask;
use crate::loops::LoopSet;
use crate::token_index::TokenIndex;
use crate::vocab::Vocabulary;

/// The tokens of a vocabulary by what part of them is in *S*\*.
#[derive(Debug)]
pub(crate) struct Slice {
    /// The row of the tokens in *S*\*.
    pub(crate) row: Vec<u32>,
    /// The tokens in *S*\*, shortest first (in characters).
    by_length: Vec<u32>,
    /// Per number of characters: how many of `by_length` have at most that many.
    up_to_length: Vec<u32>,
    /// The remainders of the other tokens, unless they are too many to be worth a trie.
    pub(crate) remainders: Option<Remainders>,
    /// Per node of the whole trie: whether all tokens below it are in *S*\*; once somebody has asked.
    covered: OnceLock<Vec<u64>>,
}

/// The remainders of the tokens that are not in *S*\*.
#[derive(Debug)]
pub(crate) struct Remainders {
    pub(crate) index: TokenIndex,
    /// Per position in `index.tokens()`: the number of characters before the remainder.
    characters_before: Vec<u16>,
    /// The remainders of each number of characters before them, once somebody has asked.
    by_characters_before: OnceLock<Vec<TokenIndex>>,
}

impl Remainders {
    /// `None` where they are too many to be worth a trie.
    fn new(set: LoopSet, vocabulary: &Vocabulary, index: &TokenIndex, profiles: &[Profile]) -> Option<Self> {
        let mut texts: Vec<(&[u8], u32)> = Vec::new();
        let mut before: FxHashMap<u32, u16> = FxHashMap::default();
        for (&id, _) in index.tokens().iter().zip(profiles).filter(|(_, profile)| !profile.is_in(set)) {
            let text = vocabulary.bytes(id);
            let (bytes, characters) = set.prefix(text);
            texts.push((&text[bytes..], id));
            before.insert(id, characters as u16);
        }
        let index = TokenIndex::of_texts(texts.into_iter());
        if index.nodes().len() > MAX_REMAINDER_NODES {
            return None;
        }
        let characters_before = index.tokens().iter().map(|id| before[id]).collect();
        Some(Self { index, characters_before, by_characters_before: OnceLock::new() })
    }

    /// The remainders that have no character before them, those that have one, and so on.
    pub(crate) fn by_characters_before(&self) -> &[TokenIndex] {
        self.by_characters_before.get_or_init(|| {
            let most = self.characters_before.iter().copied().max().map_or(0, usize::from);
            let mut texts: Vec<Vec<(Vec<u8>, u32)>> = vec![Vec::new(); most + 1];
            let mut path: Vec<u8> = Vec::new();
            for (number, node) in self.index.nodes().iter().enumerate() {
                path.truncate(usize::from(node.depth) - 1);
                path.push(node.byte);
                for position in self.index.own_range(number as u32) {
                    let before = usize::from(self.characters_before[position]);
                    texts[before].push((path.clone(), self.index.tokens()[position]));
                }
            }
            let index = |texts: Vec<(Vec<u8>, u32)>| {
                TokenIndex::of_texts(texts.iter().map(|(text, id)| (text.as_slice(), *id)))
            };
            texts.into_iter().map(index).collect()
        })
    }

    fn memory(&self) -> usize {
        let split = self.by_characters_before.get();
        self.index.memory_bytes()
            + std::mem::size_of_val(self.characters_before.as_slice())
            + split.map_or(0, |split| split.iter().map(TokenIndex::memory_bytes).sum())
    }
}

/// Above this many remainder nodes the whole trie, with covered parts left out, serves as well.
const MAX_REMAINDER_NODES: usize = 1 << 16;

/// What decides quickly whether a token is in *S*\*.
#[derive(Debug, Clone, Copy)]
struct Profile {
    /// The ASCII characters in the token.
    ascii: u128,
    /// How many characters it has, if it consists of whole ones.
    characters: u16,
    has_others: bool,
    is_whole: bool,
}

impl Profile {
    fn of(text: &[u8]) -> Self {
        let ascii = text.iter().filter(|byte| byte.is_ascii()).fold(0, |set, byte| set | 1 << byte);
        let has_others = !text.is_ascii();
        let whole =
            if has_others { std::str::from_utf8(text).ok().map(|text| text.chars().count()) } else { Some(text.len()) };
        // `Vocabulary` bounds the length of a token, so that the number fits.
        Self { ascii, characters: whole.unwrap_or(0) as u16, has_others, is_whole: whole.is_some() }
    }

    fn is_in(&self, set: LoopSet) -> bool {
        self.ascii & !set.ascii == 0 && (!self.has_others || (set.non_ascii && self.is_whole))
    }
}

impl Slice {
    fn new(set: LoopSet, vocabulary: &Vocabulary, index: &TokenIndex, profiles: &[Profile]) -> Self {
        let mut row = bitmask::row_for(vocabulary.size());
        let mut up_to_length: Vec<u32> = Vec::new();
        let mut members = 0;
        for (&id, profile) in index.tokens().iter().zip(profiles).filter(|(_, profile)| profile.is_in(set)) {
            bitmask::set(&mut row, id);
            let length = usize::from(profile.characters);
            if up_to_length.len() <= length {
                up_to_length.resize(length + 1, 0);
            }
            up_to_length[length] += 1;
            members += 1;
        }
        // From the numbers of each length to where the tokens of each length begin, and from there to where they end.
        let mut total = 0;
        for count in &mut up_to_length {
            total += std::mem::replace(count, total);
        }
        let mut by_length = vec![0; members];
        for (&id, profile) in index.tokens().iter().zip(profiles).filter(|(_, profile)| profile.is_in(set)) {
            let end = &mut up_to_length[usize::from(profile.characters)];
            by_length[*end as usize] = id;
            *end += 1;
        }
        // Fewer than half of the tokens have a remainder where the remainders are short.
        let others = index.tokens().len() - members;
        let remainders =
            (others < members + 1_000).then(|| Remainders::new(set, vocabulary, index, profiles)).flatten();
        Self { row, by_length, up_to_length, remainders, covered: OnceLock::new() }
    }

    /// Whether all tokens below `node` of the whole trie, which is `index`, are in the row.
    pub(crate) fn covers(&self, node: usize, index: &TokenIndex) -> bool {
        let covered = self.covered.get_or_init(|| {
            let mut before = 0;
            let count = |&id: &u32| (before, before += u32::from(bitmask::contains(&self.row, id))).0;
            let mut members_before: Vec<u32> = index.tokens().iter().map(count).collect();
            members_before.push(self.by_length.len() as u32);
            let mut covered = vec![0u64; index.nodes().len().div_ceil(64)];
            for node in 0..index.nodes().len() {
                let tokens = index.subtree_range(node as u32);
                let members = members_before[tokens.end] - members_before[tokens.start];
                covered[node / 64] |= u64::from(members as usize == tokens.len()) << (node % 64);
            }
            covered
        });
        covered[node / 64] >> (node % 64) & 1 == 1
    }

    /// Sets the tokens of at most `characters` characters.
    pub(crate) fn set_up_to(&self, characters: u32, row: &mut [u32]) {
        let Some(&count) = self.up_to_length.get(characters as usize) else {
            row.iter_mut().zip(&self.row).for_each(|(word, members)| *word |= members);
            return;
        };
        bitmask::set_each(row, &self.by_length[..count as usize]);
    }

    fn memory(&self) -> usize {
        let remainders = self.remainders.as_ref().map_or(0, Remainders::memory);
        std::mem::size_of_val(self.row.as_slice())
            + std::mem::size_of_val(self.by_length.as_slice())
            + std::mem::size_of_val(self.up_to_length.as_slice())
            + self.covered.get().map_or(0, |covered| std::mem::size_of_val(covered.as_slice()))
            + remainders
    }
}

/// What a slice is for all tokens, for the tokens below one node of the trie: what of them comes after the node.
#[derive(Debug)]
pub(crate) struct Branch {
    /// The tokens of which the rest is in *S*\*.
    pub(crate) members: Vec<u32>,
    /// The remainders of the others.
    pub(crate) remainders: TokenIndex,
}

impl Branch {
    fn new(set: LoopSet, node: u32, vocabulary: &Vocabulary, index: &TokenIndex) -> Self {
        let depth = usize::from(index.nodes()[node as usize].depth);
        let mut members = Vec::new();
        let mut remainders: Vec<(&[u8], u32)> = Vec::new();
        let own = index.own_range(node).end;
        for &id in &index.tokens()[own..index.subtree_range(node).end] {
            let rest = &vocabulary.bytes(id)[depth..];
            match set.prefix(rest).0 {
                bytes if bytes == rest.len() => members.push(id),
                bytes => remainders.push((&rest[bytes..], id)),
            }
        }
        Self { members, remainders: TokenIndex::of_texts(remainders.into_iter()) }
    }

    fn memory(&self) -> usize {
        std::mem::size_of_val(self.members.as_slice()) + self.remainders.memory_bytes()
    }
}

/// The slices of one tokenizer, made when first asked for.
#[derive(Debug, Default)]
pub(crate) struct Slices {
    made: RwLock<FxHashMap<LoopSet, Arc<Slice>>>,
    branches: RwLock<FxHashMap<(LoopSet, u32), Arc<Branch>>>,
    /// One per token of the index, in its order.
    profiles: OnceLock<Vec<Profile>>,
}

/// A tokenizer keeps this many slices (about 0.6 MB each at 128,000 tokens). When one more is asked for it forgets all of
/// them; grammars keep those that they use.
const MAX_SLICES: usize = 64;

/// A tokenizer keeps this many branches, which are mostly a few kB each. When one more is asked for it forgets all of them.
const MAX_BRANCHES: usize = 4096;

impl Slices {
    /// The branch of `set` at `node`.
    pub(crate) fn branch(&self, set: LoopSet, node: u32, vocabulary: &Vocabulary, index: &TokenIndex) -> Arc<Branch> {
        let read = self.branches.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(branch) = read.get(&(set, node)) {
            return Arc::clone(branch);
        }
        drop(read);
        let branch = Arc::new(Branch::new(set, node, vocabulary, index));
        let mut write = self.branches.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if write.len() >= MAX_BRANCHES {
            write.clear();
        }
        Arc::clone(write.entry((set, node)).or_insert(branch))
    }

    /// The slice of `set`.
    pub(crate) fn get(&self, set: LoopSet, vocabulary: &Vocabulary, index: &TokenIndex) -> Arc<Slice> {
        let read = self.made.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(slice) = read.get(&set) {
            return Arc::clone(slice);
        }
        drop(read);
        let profiles =
            self.profiles.get_or_init(|| index.tokens().iter().map(|&id| Profile::of(vocabulary.bytes(id))).collect());
        let slice = Arc::new(Slice::new(set, vocabulary, index, profiles));
        let mut write = self.made.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if write.len() >= MAX_SLICES {
            write.clear();
        }
        Arc::clone(write.entry(set).or_insert(slice))
    }

    pub(crate) fn memory(&self) -> usize {
        let made = self.made.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let branches = self.branches.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        made.values().map(|slice| slice.memory()).sum::<usize>()
            + branches.values().map(|branch| branch.memory()).sum::<usize>()
            + self.profiles.get().map_or(0, |profiles| std::mem::size_of_val(profiles.as_slice()))
    }
}
