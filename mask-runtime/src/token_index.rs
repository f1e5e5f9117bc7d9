//! The tokens of a vocabulary as a trie laid out for walking.
//!
//! The nodes are in depth-first order, children by ascending byte, without a root: the nodes of depth 1 are the first
//! bytes of tokens. To walk: at node *n*, go on with *n* + 1 to enter its subtree or with [`TrieNode::subtree_end`]
//! to skip it; the depth of the node reached says how much of the path to keep. The tokens are in the same order, so
//! those of a whole subtree are one contiguous range.

use std::ops::Range;
use std::sync::Arc;

use grammar_ir::ByteSet;

use crate::slices::Branches;
use crate::{TokenKind, Vocabulary};

/// A node of a [`TokenIndex`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrieNode {
    /// The first node after this one that is not below it.
    pub subtree_end: u32,
    /// The number of bytes from the start of a token to here, this node's byte included; at least 1.
    pub depth: u16,
    /// The byte that leads here.
    pub byte: u8,
}

/// A trie of the text tokens of a [`Vocabulary`].
///
/// Special tokens, holes, stop tokens and tokens without bytes are not in it.
#[derive(Debug, Clone)]
pub struct TokenIndex {
    nodes: Vec<TrieNode>,
    /// Per node, where its tokens begin in `tokens`; one more entry than there are nodes.
    token_starts: Vec<u32>,
    tokens: Vec<u32>,
    children: Children,
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
        // Per depth: the number of the last node there, plus one; 0 for the root.
        let mut path: Vec<u32> = vec![0];
        let mut starts = vec![0; nodes.len() + 2];
        let mut each_parent = |mut take: Box<dyn FnMut(u32, usize) + '_>| {
            for (number, node) in nodes.iter().enumerate() {
                path.truncate(usize::from(node.depth));
                take(path[path.len() - 1], number);
                path.push(number as u32 + 1);
            }
        };
        each_parent(Box::new(|parent, _| starts[parent as usize + 1] += 1));
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let (mut bytes, mut numbers) = (vec![0; nodes.len()], vec![0; nodes.len()]);
        let mut next = starts.clone();
        each_parent(Box::new(|parent, number| {
            let place = &mut next[parent as usize];
            (bytes[*place as usize], numbers[*place as usize]) = (nodes[number].byte, number as u32);
            *place += 1;
        }));
        Self { starts, bytes, nodes: numbers }
    }

    fn memory(&self) -> usize {
        size_of_val(self.starts.as_slice()) + size_of_val(&*self.bytes) + size_of_val(self.nodes.as_slice())
    }
}

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

impl TokenIndex {
    /// Builds the index of `vocabulary`.
    pub fn new(vocabulary: &Vocabulary) -> Self {
        Self::of_texts(
            (0..vocabulary.size() as u32)
                .filter(|&id| vocabulary.kind(id) == TokenKind::Text && !vocabulary.is_stop(id))
                .map(|id| (vocabulary.bytes(id), id)),
        )
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
        let mut max_depth = 0;
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
                nodes.push(TrieNode { subtree_end: 0, depth: depth as u16, byte });
                token_starts.push(tokens.len() as u32);
            }
            tokens.push(key.id);
            max_depth = max_depth.max(key.bytes.len());
            previous = key.bytes;
        }
        let end = nodes.len() as u32;
        for closed in path {
            nodes[closed as usize].subtree_end = end;
        }
        token_starts.push(tokens.len() as u32);
        nodes.shrink_to_fit();
        token_starts.shrink_to_fit();
        let children = Children::of(&nodes);
        Self { nodes, token_starts, tokens, children, max_depth, branches: None }
    }

    /// The same, as a trie of which many masks are made.
    pub(crate) fn with_branches(self) -> Self {
        Self { branches: Some(Arc::default()), ..self }
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
        self.children.starts[place] as usize..self.children.starts[place + 1] as usize
    }

    /// The first place of `range` with a child on a byte of `bytes`.
    #[inline]
    pub(crate) fn next_child(&self, range: Range<usize>, bytes: &ByteSet) -> Option<usize> {
        let from = range.start;
        self.children.bytes[range].iter().position(|&byte| bytes.contains(byte)).map(|place| from + place)
    }

    /// The node at a place of [`child_range`](Self::child_range).
    #[inline]
    pub(crate) fn child(&self, place: usize) -> u32 {
        self.children.nodes[place]
    }

    /// The children of `node`, of the root without one, that a byte of `bytes` leads to.
    pub(crate) fn children<'a>(&'a self, node: Option<u32>, bytes: &'a ByteSet) -> impl Iterator<Item = u32> + 'a {
        self.child_range(node)
            .filter(|&place| bytes.contains(self.children.bytes[place]))
            .map(|place| self.children.nodes[place])
    }

    /// The depth of the deepest node: the length of the longest token.
    pub fn max_depth(&self) -> usize {
        self.max_depth
    }

    /// The memory the index takes, in bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(self.nodes.as_slice())
            + size_of_val(self.token_starts.as_slice())
            + size_of_val(self.tokens.as_slice())
            + self.children.memory()
            + self.branches().map_or(0, Branches::memory)
    }
}
