//! What a slice is for all tokens, for the tokens below one node of a trie: what of them comes after the node.

use std::sync::OnceLock;

use crate::bitmask;
use crate::loops::LoopSet;
use crate::remainders::Remainders;
use crate::slice::Members;
use crate::token_index::TokenIndex;
use crate::vocab::Vocabulary;

/// A trie of fewer tokens than this is quickly made.
const MIN_OTHERS: usize = 256;

/// The last bytes of a token.
fn last(bytes: &[u8], length: u16) -> &[u8] {
    &bytes[bytes.len() - usize::from(length)..]
}

/// The tokens below a node, by what of them after the node is in *S*\*.
#[derive(Debug)]
pub(crate) struct Branch {
    set: LoopSet,
    members: Members,
    /// The tokens that are no members, each with the number of bytes that come after the node: its last ones.
    others: Vec<(u32, u16)>,
    /// Their remainders, once somebody has asked.
    remainders: OnceLock<Remainders>,
    /// All of them that comes after the node; once somebody has asked.
    rests: OnceLock<TokenIndex>,
}

/// What the bytes from one node to another one below it are.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// So many ASCII characters of the set.
    Within(u16),
    /// Characters of the set and one that is not.
    Outside,
    /// Characters past ASCII are among them.
    PastAscii,
}

impl Way {
    fn after(self, byte: u8, set: &LoopSet) -> Self {
        match self {
            Self::Within(_) if !byte.is_ascii() => Self::PastAscii,
            Self::Within(characters) if set.ascii >> byte & 1 == 1 => Self::Within(characters + 1),
            Self::Within(_) => Self::Outside,
            other => other,
        }
    }
}

impl Branch {
    pub(crate) fn new(set: LoopSet, node: u32, vocabulary: &Vocabulary, index: &TokenIndex) -> Self {
        let nodes = index.nodes();
        let mut members: Vec<(u32, u16)> = Vec::new();
        let mut others = Vec::new();
        // Of the nodes on the way, from the given one on.
        let mut path = vec![Way::Within(0)];
        for below in node + 1..nodes[node as usize].subtree_end {
            let length = nodes[below as usize].depth - nodes[node as usize].depth;
            path.truncate(usize::from(length));
            let way = path[usize::from(length) - 1].after(nodes[below as usize].byte, &set);
            path.push(way);
            for &id in index.own_tokens(below) {
                let rest = || last(vocabulary.bytes(id), length);
                match way {
                    Way::Within(characters) => members.push((id, characters)),
                    Way::Outside => others.push((id, length)),
                    Way::PastAscii => match set.prefix(rest()) {
                        // `Vocabulary` bounds the length of a token, so that the number fits.
                        (bytes, characters) if bytes == rest().len() => members.push((id, characters as u16)),
                        _ => others.push((id, length)),
                    },
                }
            }
        }
        let members = Members::new(members);
        Self { set, members, others, remainders: OnceLock::new(), rests: OnceLock::new() }
    }

    /// The remainders of the tokens that are no members.
    pub(crate) fn remainders(&self, vocabulary: &Vocabulary) -> &Remainders {
        self.remainders.get_or_init(|| {
            let remainder = |&(id, length): &(u32, u16)| {
                let rest = last(vocabulary.bytes(id), length);
                let (bytes, characters) = self.set.prefix(rest);
                (&rest[bytes..], id, characters as u16)
            };
            Remainders::new(&self.others.iter().map(remainder).collect::<Vec<_>>())
        })
    }

    /// What comes after the node of the tokens that are no members.
    pub(crate) fn rests(&self, vocabulary: &Vocabulary) -> &TokenIndex {
        let rest = |&(id, length): &(u32, u16)| (last(vocabulary.bytes(id), length), id);
        self.rests.get_or_init(|| TokenIndex::of_texts(self.others.iter().map(rest)))
    }

    /// Whether most tokens are no members. A trie of them would take longer to make than going over the members.
    pub(crate) fn is_mostly_others(&self) -> bool {
        self.others.len() > MIN_OTHERS && self.others.len() > self.members.count() * 2
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
