//! What a slice is for all tokens, for the tokens below one node of the trie: what of them comes after the node.

use std::sync::OnceLock;

use crate::bitmask;
use crate::loops::LoopSet;
use crate::remainders::Remainders;
use crate::slice::Members;
use crate::token_index::TokenIndex;
use crate::vocab::Vocabulary;

/// The tokens below a node, by what of them after the node is in *S*\*.
#[derive(Debug)]
pub(crate) struct Branch {
    set: LoopSet,
    /// The depth of the node: how many bytes of the tokens are not looked at.
    depth: usize,
    members: Members,
    /// The tokens that are no members.
    others: Vec<u32>,
    /// Their remainders, once somebody has asked.
    remainders: OnceLock<Remainders>,
    /// All of them that comes after the node; once somebody has asked.
    rests: OnceLock<TokenIndex>,
}

impl Branch {
    pub(crate) fn new(set: LoopSet, node: u32, vocabulary: &Vocabulary, index: &TokenIndex) -> Self {
        let depth = usize::from(index.nodes()[node as usize].depth);
        let mut members: Vec<(u32, u16)> = Vec::new();
        let mut others = Vec::new();
        let own = index.own_range(node).end;
        for &id in &index.tokens()[own..index.subtree_range(node).end] {
            let rest = &vocabulary.bytes(id)[depth..];
            match set.prefix(rest) {
                // `Vocabulary` bounds the length of a token, so that the number fits.
                (bytes, characters) if bytes == rest.len() => members.push((id, characters as u16)),
                _ => others.push(id),
            }
        }
        let members = Members::new(members);
        Self { set, depth, members, others, remainders: OnceLock::new(), rests: OnceLock::new() }
    }

    /// The remainders of the tokens that are no members.
    pub(crate) fn remainders(&self, vocabulary: &Vocabulary) -> &Remainders {
        self.remainders.get_or_init(|| {
            let remainder = |&id: &u32| {
                let rest = &vocabulary.bytes(id)[self.depth..];
                let (bytes, characters) = self.set.prefix(rest);
                (&rest[bytes..], id, characters as u16)
            };
            Remainders::new(&self.others.iter().map(remainder).collect::<Vec<_>>())
        })
    }

    /// What comes after the node of the tokens that are no members.
    pub(crate) fn rests(&self, vocabulary: &Vocabulary) -> &TokenIndex {
        let rest = |&id: &u32| (&vocabulary.bytes(id)[self.depth..], id);
        self.rests.get_or_init(|| TokenIndex::of_texts(self.others.iter().map(rest)))
    }

    /// How many tokens there are below the node.
    pub(crate) fn count(&self) -> usize {
        self.members.count() + self.others.len()
    }

    /// Sets the tokens of which the rest has at most `characters` characters.
    pub(crate) fn set_up_to(&self, characters: u32, row: &mut [u32]) {
        bitmask::set_each(row, self.members.up_to(characters));
    }

    /// The tokens of which the rest has more than `characters` characters.
    pub(crate) fn longer_than(&self, characters: u32) -> &[u32] {
        self.members.longer_than(characters)
    }

    pub(crate) fn memory(&self) -> usize {
        self.members.memory()
            + std::mem::size_of_val(self.others.as_slice())
            + self.remainders.get().map_or(0, Remainders::memory)
            + self.rests.get().map_or(0, TokenIndex::memory_bytes)
    }
}
