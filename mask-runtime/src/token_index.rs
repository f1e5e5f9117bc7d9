//! The tokens of a vocabulary as a trie laid out for walking.
//!
//! The nodes are in depth-first order, children by ascending byte, without a root: the nodes of depth 1 are the first
//! bytes of tokens. To walk: at node *n*, go on with *n* + 1 to enter its subtree or with [`TrieNode::subtree_end`]
//! to skip it; the depth of the node reached says how much of the path to keep. The tokens are in the same order, so
//! those of a whole subtree are one contiguous range.

mod stored;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytemuck::{Pod, Zeroable};
use grammar_ir::ByteSet;
use grammar_ir::table::Table;

pub use self::stored::StoredIndexError;
use crate::slices::Branches;
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
    /// Made when they are first asked for.
    children: OnceLock<Children>,
    max_depth: usize,
    /// What has been worked out for nodes, in a trie that keeps that.
    branches: Option<Arc<Branches>>,
}

/// The children of each node side by side, so that those on a few bytes are found without looking at the others' nodes.
#[derive(Debug, Clone)]
struct Children {
    /// Where those of the root, then of each node, begin in the other two; one more entry.
    starts: Vec<u32>,
    bytes: Vec<u8>,
    nodes: Vec<u32>,
}

impl Children {
    fn of(nodes: &[TrieNode]) -> Self {
        // Per node: the number of its parent, plus one; 0 for the root.
        let mut parents = vec![0u32; nodes.len()];
        // Per depth: the number of the last node there, plus one.
        let mut path: Vec<u32> = vec![0];
        let mut starts = vec![0u32; nodes.len() + 2];
        for ((node, parent), number) in nodes.iter().zip(&mut parents).zip(1..) {
            path.truncate(usize::from(node.depth));
            *parent = path[path.len() - 1];
            starts[*parent as usize + 1] += 1;
            path.push(number);
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let (mut bytes, mut numbers) = (vec![0; nodes.len()], vec![0; nodes.len()]);
        let mut next = starts.clone();
        for ((node, &parent), number) in nodes.iter().zip(&parents).zip(0..) {
            let place = &mut next[parent as usize];
            (bytes[*place as usize], numbers[*place as usize]) = (node.byte, number);
            *place += 1;
        }
        Self { starts, bytes, nodes: numbers }
    }

    fn memory(&self) -> usize {
        size_of_val(self.starts.as_slice()) + size_of_val(&*self.bytes) + size_of_val(self.nodes.as_slice())
    }
}

/// The first bytes of a text as a number, in the order of the texts but for those that begin alike.
fn prefix(text: &[u8]) -> u64 {
    let mut prefix = [0; 8];
    let length = text.len().min(8);
    prefix[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(prefix)
}

/// Sorts texts, those that are equal by their ids. Most are told apart by their first bytes, which are sorted as numbers.
fn sorted(texts: Vec<(&[u8], u32)>) -> Vec<(&[u8], u32)> {
    let mut keys: Vec<(u64, u32)> = texts.iter().zip(0..).map(|(&(text, _), place)| (prefix(text), place)).collect();
    keys.sort_unstable();
    let mut sorted: Vec<(&[u8], u32)> = Vec::with_capacity(texts.len());
    for alike in keys.chunk_by(|left, right| left.0 == right.0) {
        let begin = sorted.len();
        sorted.extend(alike.iter().map(|&(_, place)| texts[place as usize]));
        if alike.len() > 1 {
            sorted[begin..].sort_unstable();
        }
    }
    sorted
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
        let texts = sorted(texts.filter(|(text, _)| !text.is_empty()).collect());
        let mut nodes: Vec<TrieNode> = Vec::with_capacity(texts.len() * 2);
        let mut token_starts = Vec::with_capacity(texts.len() * 2);
        let mut tokens = Vec::with_capacity(texts.len());
        let mut path: Vec<u32> = Vec::new();
        let mut previous: &[u8] = &[];
        for (text, id) in texts {
            let shared = previous.iter().zip(text).take_while(|(a, b)| a == b).count();
            let here = nodes.len() as u32;
            for closed in path.drain(shared..) {
                nodes[closed as usize].subtree_end = here;
            }
            for (&byte, depth) in text[shared..].iter().zip(shared + 1..) {
                path.push(nodes.len() as u32);
                // `Vocabulary` bounds the length of a token, so that the depth fits.
                nodes.push(TrieNode { subtree_end: 0, depth: depth as u16, byte, zero: 0 });
                token_starts.push(tokens.len() as u32);
            }
            tokens.push(id);
            previous = text;
        }
        let end = nodes.len() as u32;
        for closed in path {
            nodes[closed as usize].subtree_end = end;
        }
        token_starts.push(tokens.len() as u32);
        nodes.shrink_to_fit();
        token_starts.shrink_to_fit();
        let made = Self::of_tables(nodes.into(), token_starts.into(), tokens.into());
        made.all_children();
        made
    }

    /// The index in arrays that are right.
    fn of_tables(nodes: Table<TrieNode>, token_starts: Table<u32>, tokens: Table<u32>) -> Self {
        let max_depth = nodes.iter().map(|node| usize::from(node.depth)).max().unwrap_or(0);
        Self { nodes, token_starts, tokens, children: OnceLock::new(), max_depth, branches: None }
    }

    #[inline]
    fn all_children(&self) -> &Children {
        self.children.get_or_init(|| Children::of(&self.nodes))
    }

    /// The same, as a trie of which many masks are made.
    pub(crate) fn with_branches(self) -> Self {
        Self { branches: Some(Arc::default()), ..self }
    }

    /// The same with other ids, which `of` gives for those there are, and what else it gives for each, in the order of the tokens.
    pub(crate) fn with_ids<T>(self, of: impl Fn(u32) -> (u32, T)) -> (Self, Vec<T>) {
        let (tokens, others): (Vec<u32>, Vec<T>) = self.tokens.iter().map(|&id| of(id)).unzip();
        (Self { tokens: tokens.into(), ..self }, others)
    }

    /// What has been worked out for nodes, in a trie that keeps that.
    pub(crate) fn branches(&self) -> Option<&Branches> {
        self.branches.as_deref()
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

    /// Where the children of `node`, of the root without one, are among all of them ([`child`](Self::child)), by ascending
    /// byte.
    #[inline]
    pub(crate) fn child_range(&self, node: Option<u32>) -> Range<usize> {
        let place = node.map_or(0, |node| node as usize + 1);
        let starts = &self.all_children().starts;
        starts[place] as usize..starts[place + 1] as usize
    }

    /// The first place of `range` with a child on a byte of `bytes`.
    #[inline]
    pub(crate) fn next_child(&self, range: Range<usize>, bytes: &ByteSet) -> Option<usize> {
        let from = range.start;
        self.all_children().bytes[range].iter().position(|&byte| bytes.contains(byte)).map(|place| from + place)
    }

    /// The bytes that lead to the children at all places of [`child_range`](Self::child_range)s.
    #[inline]
    pub(crate) fn child_bytes(&self) -> &[u8] {
        &self.all_children().bytes
    }

    /// The node at a place of [`child_range`](Self::child_range).
    #[inline]
    pub(crate) fn child(&self, place: usize) -> u32 {
        self.all_children().nodes[place]
    }

    /// The children of `node`, of the root without one, that a byte of `bytes` leads to.
    pub(crate) fn children<'a>(&'a self, node: Option<u32>, bytes: &'a ByteSet) -> impl Iterator<Item = u32> + 'a {
        let all = self.all_children();
        self.child_range(node).filter(|&place| bytes.contains(all.bytes[place])).map(|place| all.nodes[place])
    }

    /// The depth of the deepest node: the length of the longest token.
    pub fn max_depth(&self) -> usize {
        self.max_depth
    }

    /// The memory the index takes, in bytes; what lies in a loaded file is not counted.
    pub fn memory_bytes(&self) -> usize {
        self.nodes.memory()
            + self.token_starts.memory()
            + self.tokens.memory()
            + self.children.get().map_or(0, Children::memory)
            + self.branches().map_or(0, Branches::memory)
    }
}
