//! What a vocabulary has to do with a set of characters, worked out once per set and tokenizer.
//!
//! For a state that stays where it is on the characters of *S*, a token is *s* · *r*: the longest prefix *s* in *S*\*,
//! and a remainder *r*. A token without remainder is allowed, whatever the state; the others depend on *r* alone, and
//! there are few of them with which the state can do anything. So the mask is one copy and a walk over a small trie.

use std::sync::{Arc, OnceLock};

use grammar_ir::ByteSet;

use crate::bitmask;
use crate::inverted::InvertedIndex;
use crate::loops::LoopSet;
use crate::remainders::Remainders;
use crate::token_index::TokenIndex;
use crate::vocab::Vocabulary;

/// The tokens of a vocabulary that are in *S*\*.
#[derive(Debug)]
pub(crate) struct Slice {
    set: LoopSet,
    row: Vec<u32>,
    /// Per id: the number of characters, if the token is in the row.
    characters: Arc<[u16]>,
    count: usize,
    /// By their length, once somebody has asked.
    members: OnceLock<Members>,
    /// The other tokens from their beginning, unless they are too many; once somebody has asked.
    others: OnceLock<Option<TokenIndex>>,
    /// Those in *S*\* that are longer than so many characters, once somebody has asked.
    longer: [OnceLock<TokenIndex>; MAX_STEPS],
    /// Per node of the whole trie: whether all tokens below it are in *S*\*; once somebody has asked.
    covered: OnceLock<Vec<u64>>,
}

/// Tries of the tokens longer than so many characters are kept for numbers up to this.
const MAX_STEPS: usize = 24;

/// More tokens than this are not put into a trie of their own.
const MAX_OTHERS: usize = 1 << 15;

impl Slice {
    pub(crate) fn new(set: LoopSet, inverted: &InvertedIndex) -> Self {
        let row = inverted.within(&set);
        let count = bitmask::count(&row);
        Self {
            set,
            row,
            characters: Arc::clone(inverted.characters()),
            count,
            members: OnceLock::new(),
            others: OnceLock::new(),
            longer: Default::default(),
            covered: OnceLock::new(),
        }
    }

    /// The remainders that begin with a byte of `exits`; `None` where they are too many to be worth a trie.
    pub(crate) fn remainders(
        &self,
        exits: &ByteSet,
        inverted: &InvertedIndex,
        vocabulary: &Vocabulary,
    ) -> Option<Remainders> {
        let mut texts: Vec<(&[u8], u32, u16)> = Vec::new();
        for id in bitmask::iter(&self.candidates(exits, inverted)) {
            let text = vocabulary.bytes(id);
            let (bytes, characters) = self.set.prefix(text);
            if text.get(bytes).is_some_and(|&byte| exits.contains(byte)) {
                // `Vocabulary` bounds the length of a token, so that the number fits.
                texts.push((&text[bytes..], id, characters as u16));
                if texts.len() > MAX_OTHERS {
                    return None;
                }
            }
        }
        Some(Remainders::new(&texts).with_branches())
    }

    /// The tokens that are not in *S*\* and contain a byte of `exits` that is no character of *S*.
    pub(crate) fn candidates(&self, exits: &ByteSet, inverted: &InvertedIndex) -> Vec<u32> {
        let non_ascii = (0x80..=u8::MAX).any(|byte| exits.contains(byte));
        let mut candidates = inverted.containing(exits.ascii() & !self.set.ascii, non_ascii);
        candidates.iter_mut().zip(&self.row).for_each(|(word, members)| *word &= !members);
        candidates
    }

    /// The tokens that are not in *S*\*; `None` where they are so many that the whole trie, with what is covered left
    /// out, serves as well.
    pub(crate) fn others(&self, vocabulary: &Vocabulary, index: &TokenIndex) -> Option<&TokenIndex> {
        let others = self.others.get_or_init(|| {
            if index.tokens().len() - self.count > MAX_OTHERS {
                return None;
            }
            let others = index.tokens().iter().filter(|&&id| !bitmask::contains(&self.row, id));
            Some(TokenIndex::of_texts(others.map(|&id| (vocabulary.bytes(id), id))).with_branches())
        });
        others.as_ref()
    }

    /// Whether all tokens below `node` of the whole trie, which is `index`, are in the row.
    pub(crate) fn covers(&self, node: usize, index: &TokenIndex) -> bool {
        let covered = self.covered.get_or_init(|| {
            let mut before = 0;
            let count = |&id: &u32| (before, before += u32::from(bitmask::contains(&self.row, id))).0;
            let mut members_before: Vec<u32> = index.tokens().iter().map(count).collect();
            members_before.push(self.count as u32);
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

    fn members(&self) -> &Members {
        self.members.get_or_init(|| {
            let length = |id| (id, self.characters[id as usize]);
            Members::new(bitmask::iter(&self.row).map(length).collect())
        })
    }

    /// The tokens of more than `characters` characters.
    pub(crate) fn longer_than(&self, characters: u32, index: &TokenIndex) -> &[u32] {
        if characters as usize >= index.max_depth() {
            return &[];
        }
        let members = self.members();
        &members.by_length[members.up_to(characters).len()..]
    }

    /// The row of the tokens.
    pub(crate) fn row(&self) -> &[u32] {
        &self.row
    }

    /// The number of tokens.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The tokens of more than `characters` characters as a trie; `None` where it is not kept.
    pub(crate) fn longer_index(
        &self,
        characters: u32,
        vocabulary: &Vocabulary,
        index: &TokenIndex,
    ) -> Option<&TokenIndex> {
        let place = self.longer.get(characters as usize)?;
        Some(place.get_or_init(|| {
            let longer = self.longer_than(characters, index);
            TokenIndex::of_texts(longer.iter().map(|&id| (vocabulary.bytes(id), id))).with_branches()
        }))
    }

    /// Sets the tokens of at most `characters` characters.
    pub(crate) fn set_up_to(&self, characters: u32, index: &TokenIndex, row: &mut [u32]) {
        let longer = self.longer_than(characters, index);
        if longer.len() < self.count / 2 {
            // Those that some other head has allowed stay; mostly there are none.
            let allowed: Vec<u32> = longer.iter().copied().filter(|&id| bitmask::contains(row, id)).collect();
            row.iter_mut().zip(&self.row).for_each(|(word, members)| *word |= members);
            longer.iter().for_each(|&id| bitmask::clear(row, id));
            bitmask::set_each(row, &allowed);
        } else {
            bitmask::set_each(row, self.members().up_to(characters));
        }
    }

    pub(crate) fn memory(&self) -> usize {
        std::mem::size_of_val(self.row.as_slice())
            + self.members.get().map_or(0, Members::memory)
            + self.others.get().and_then(Option::as_ref).map_or(0, TokenIndex::memory_bytes)
            + self.longer.iter().filter_map(OnceLock::get).map(TokenIndex::memory_bytes).sum::<usize>()
            + self.covered.get().map_or(0, |covered| std::mem::size_of_val(covered.as_slice()))
    }
}

/// Tokens in *S*\*, or of which the rest is, by their length.
#[derive(Debug)]
pub(crate) struct Members {
    /// Shortest first (in characters).
    by_length: Vec<u32>,
    /// Per number of characters: how many of `by_length` have at most that many.
    up_to_length: Vec<u32>,
}

impl Members {
    /// Tokens and how many characters they have.
    pub(crate) fn new(tokens: Vec<(u32, u16)>) -> Self {
        let mut up_to_length: Vec<u32> = Vec::new();
        for &(_, characters) in &tokens {
            let length = usize::from(characters);
            if up_to_length.len() <= length {
                up_to_length.resize(length + 1, 0);
            }
            up_to_length[length] += 1;
        }
        // From the numbers of each length to where the tokens of each length begin, and from there to where they end.
        let mut total = 0;
        for count in &mut up_to_length {
            total += std::mem::replace(count, total);
        }
        let mut by_length = vec![0; tokens.len()];
        for (id, characters) in tokens {
            let end = &mut up_to_length[usize::from(characters)];
            by_length[*end as usize] = id;
            *end += 1;
        }
        Self { by_length, up_to_length }
    }

    /// Those of at most `characters` characters.
    pub(crate) fn up_to(&self, characters: u32) -> &[u32] {
        let count = self.up_to_length.get(characters as usize).map_or(self.by_length.len(), |&count| count as usize);
        &self.by_length[..count]
    }

    pub(crate) fn count(&self) -> usize {
        self.by_length.len()
    }

    /// Those of more than `characters` characters.
    pub(crate) fn longer_than(&self, characters: u32) -> &[u32] {
        &self.by_length[self.up_to(characters).len()..]
    }

    pub(crate) fn memory(&self) -> usize {
        std::mem::size_of_val(self.by_length.as_slice()) + std::mem::size_of_val(self.up_to_length.as_slice())
    }
}
