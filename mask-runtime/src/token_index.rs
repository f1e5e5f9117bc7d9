//! The tokens of a vocabulary as a trie laid out for walking.
//!
//! The nodes are in depth-first order, children by ascending byte, without a root: the nodes of depth 1 are the first
//! bytes of tokens. To walk: at node *n*, go on with *n* + 1 to enter its subtree or with [`TrieNode::subtree_end`]
//! to skip it; the depth of the node reached says how much of the path to keep. The tokens are in the same order, so
//! those of a whole subtree are one contiguous range.

mod stored;

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use grammar_ir::ByteSet;
use grammar_ir::table::Table;

pub use self::stored::StoredIndexError;
use crate::{TokenKind, Vocabulary};

/// A node of a [`TokenIndex`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TrieNode {
    /// The first node after this one that is not below it.
    pub subtree_end: u32,
    /// The number of bytes from the start of a token to here, this node's byte included; at least 1.
    pub depth: u16,
    /// The byte that leads here.
    pub byte: u8,
    zero: u8,
}

/// A trie of the text tokens of a [`Vocabulary`].
///
/// Special tokens, holes, stop tokens and tokens without bytes are not in it.
#[derive(Debug, Clone)]
pub struct TokenIndex {
    nodes: Table<TrieNode>,
    /// Per node, where its tokens begin in `tokens`; one more entry than there are nodes.
    token_starts: Table<u32>,
    tokens: Table<u32>,
    /// Per first byte: the node of depth 1, or `NONE`.
    roots: Box<[u32; 256]>,
    /// How many first bytes there are.
    root_count: usize,
    max_depth: usize,
}

const NONE: u32 = u32::MAX;

/// A token with the first bytes of its text in front, which settle nearly all comparisons.
struct SortKey<'a> {
    prefix: u64,
    bytes: &'a [u8],
    id: u32,
}

impl<'a> SortKey<'a> {
    fn new(bytes: &'a [u8], id: u32) -> Self {
        let mut prefix = [0; 8];
        let length = bytes.len().min(8);
        prefix[..length].copy_from_slice(&bytes[..length]);
        Self { prefix: u64::from_be_bytes(prefix), bytes, id }
    }
}

/// Whether a token is in the index of its vocabulary.
pub(crate) fn is_indexed(vocabulary: &Vocabulary, id: u32) -> bool {
    vocabulary.kind(id) == TokenKind::Text && !vocabulary.is_stop(id) && !vocabulary.bytes(id).is_empty()
}

/// The tokens that are in the index, by id.
fn indexed(vocabulary: &Vocabulary) -> impl Iterator<Item = u32> {
    (0..vocabulary.size() as u32).filter(|&id| is_indexed(vocabulary, id))
}

impl TokenIndex {
    /// Builds the index of `vocabulary`.
    pub fn new(vocabulary: &Vocabulary) -> Self {
        Self::of_texts(indexed(vocabulary).map(|id| (vocabulary.bytes(id), id)))
    }

    /// The trie of some texts, each of at most `u16::MAX` bytes, with an id; empty texts are left out.
    pub(crate) fn of_texts<'a>(texts: impl Iterator<Item = (&'a [u8], u32)>) -> Self {
        let mut keys: Vec<SortKey<'a>> =
            texts.filter(|(text, _)| !text.is_empty()).map(|(text, id)| SortKey::new(text, id)).collect();
        keys.sort_unstable_by(|a, b| {
            a.prefix.cmp(&b.prefix).then_with(|| a.bytes.cmp(b.bytes)).then_with(|| a.id.cmp(&b.id))
        });

        let mut nodes: Vec<TrieNode> = Vec::with_capacity(keys.len() * 2);
        let mut token_starts = Vec::with_capacity(keys.len() * 2);
        let mut tokens = Vec::with_capacity(keys.len());
        let mut path: Vec<u32> = Vec::new();
        let mut previous: &[u8] = &[];
        for key in &keys {
            let shared = previous.iter().zip(key.bytes).take_while(|(a, b)| a == b).count();
            let here = nodes.len() as u32;
            for closed in path.drain(shared..) {
                nodes[closed as usize].subtree_end = here;
            }
            for (&byte, depth) in key.bytes[shared..].iter().zip(shared + 1..) {
                path.push(nodes.len() as u32);
                // `Vocabulary` bounds the length of a token, so that the depth fits.
                nodes.push(TrieNode { subtree_end: 0, depth: depth as u16, byte, zero: 0 });
                token_starts.push(tokens.len() as u32);
            }
            tokens.push(key.id);
            previous = key.bytes;
        }
        let end = nodes.len() as u32;
        for closed in path {
            nodes[closed as usize].subtree_end = end;
        }
        token_starts.push(tokens.len() as u32);
        nodes.shrink_to_fit();
        token_starts.shrink_to_fit();
        Self::of_tables(nodes.into(), token_starts.into(), tokens.into())
    }

    /// The index in arrays that are right.
    fn of_tables(nodes: Table<TrieNode>, token_starts: Table<u32>, tokens: Table<u32>) -> Self {
        let max_depth = nodes.iter().map(|node| usize::from(node.depth)).max().unwrap_or(0);
        let mut roots = Box::new([NONE; 256]);
        let (mut root, mut root_count) = (0, 0);
        while let Some(node) = nodes.get(root as usize) {
            root_count += 1;
            roots[usize::from(node.byte)] = root;
            root = node.subtree_end;
        }
        Self { nodes, token_starts, tokens, roots, root_count, max_depth }
    }

    /// The nodes in depth-first order.
    #[inline]
    pub fn nodes(&self) -> &[TrieNode] {
        &self.nodes
    }

    /// The token ids in depth-first order; ids with equal bytes are ascending.
    #[inline]
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The positions in [`tokens`](Self::tokens) of the tokens that end at `node`.
    ///
    /// # Panics
    /// When `node` is not the number of a node.
    #[inline]
    pub fn own_range(&self, node: u32) -> Range<usize> {
        let node = node as usize;
        self.token_starts[node] as usize..self.token_starts[node + 1] as usize
    }

    /// The positions in [`tokens`](Self::tokens) of the tokens that end at `node` or below it.
    ///
    /// # Panics
    /// When `node` is not the number of a node.
    #[inline]
    pub fn subtree_range(&self, node: u32) -> Range<usize> {
        let end = self.nodes[node as usize].subtree_end;
        self.token_starts[node as usize] as usize..self.token_starts[end as usize] as usize
    }

    /// The tokens that end at `node`.
    ///
    /// # Panics
    /// When `node` is not the number of a node.
    #[inline]
    pub fn own_tokens(&self, node: u32) -> &[u32] {
        &self.tokens[self.own_range(node)]
    }

    /// The tokens that end at `node` or below it.
    ///
    /// # Panics
    /// When `node` is not the number of a node.
    #[inline]
    pub fn subtree_tokens(&self, node: u32) -> &[u32] {
        &self.tokens[self.subtree_range(node)]
    }

    /// The children of `node`, of the root without one, that a byte of `bytes` leads to.
    pub(crate) fn children<'a>(&'a self, node: Option<u32>, bytes: &'a ByteSet) -> impl Iterator<Item = u32> + 'a {
        let roots = bytes.iter().map(|byte| self.roots[usize::from(byte)]).filter(|&root| root != NONE);
        let roots = node.is_none().then_some(roots).into_iter().flatten();
        let end = node.map_or(0, |node| self.nodes[node as usize].subtree_end);
        let mut next = node.map_or(0, |node| node + 1);
        let below = std::iter::from_fn(move || {
            while next < end {
                let child = next;
                let entry = &self.nodes[child as usize];
                next = entry.subtree_end;
                if bytes.contains(entry.byte) {
                    return Some(child);
                }
            }
            None
        });
        roots.chain(below)
    }

    /// How many first bytes the tokens have.
    pub(crate) fn root_count(&self) -> usize {
        self.root_count
    }

    /// The depth of the deepest node: the length of the longest token.
    pub fn max_depth(&self) -> usize {
        self.max_depth
    }

    /// The memory the index takes, in bytes; what lies in a loaded file is not counted.
    pub fn memory_bytes(&self) -> usize {
        self.nodes.memory() + self.token_starts.memory() + self.tokens.memory() + size_of_val(&*self.roots)
    }
}
