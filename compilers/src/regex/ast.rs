//! The tree of a pattern.

use std::ops::Range;

use grammar_ir::CharSet;

/// A pattern that has been read.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub(super) tree: Tree,
}

impl Pattern {
    /// Whether a part of the pattern is repeated with a bound of `times` or more.
    pub(crate) fn counts_to(&self, times: u32) -> bool {
        let reachable = self.tree.reachable();
        let counts = |node: &Node| match *node {
            Node::Repeat { min, max, .. } => max.unwrap_or(min) >= times,
            _ => false,
        };
        self.tree.nodes.iter().zip(reachable).any(|(node, reachable)| reachable && counts(node))
    }
}

/// The index of a node in its tree.
pub(super) type NodeId = u32;

/// Nodes in an arena; the children of a node precede it, so that no pass over a tree needs recursion.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Per node, the bytes of the pattern that it was read from.
    spans: Vec<(u32, u32)>,
    pub(super) root: NodeId,
}

/// One construct. Flags, names of groups and greediness have been taken account of by the parser: they do not change
/// which texts match. So have `^`, `$` and `\b`, which are look-around at one character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// The empty text.
    Empty,
    /// One character.
    Literal(char),
    /// One character of the set; no text when it is empty.
    Class(Box<CharSet>),
    /// The parts one after the other.
    Concat(Box<[NodeId]>),
    /// Any one of the arms.
    Alternate(Box<[NodeId]>),
    /// `min` to `max` times the body.
    Repeat { body: NodeId, min: u32, max: Option<u32> },
    /// The empty text, where `body` matches up to or from there.
    Look { look: Look, body: NodeId },
}

/// The kind of a look-around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Look {
    /// At the text that follows; otherwise at the text before.
    pub(super) ahead: bool,
    /// Where the body does not match.
    pub(super) negated: bool,
}

impl Tree {
    /// A tree without nodes; its root is to be set.
    pub(super) fn new() -> Self {
        Self { nodes: Vec::new(), spans: Vec::new(), root: 0 }
    }

    /// Adds a node. Ids fit, as each node takes at least a byte of a source whose spans fit, or is made once from one.
    pub(super) fn add(&mut self, node: Node, span: Range<usize>) -> NodeId {
        let id = self.nodes.len() as NodeId;
        self.nodes.push(node);
        self.spans.push((span.start as u32, span.end as u32));
        id
    }

    /// The parts one after the other, in the simplest form.
    pub(super) fn concat(&mut self, parts: Vec<NodeId>, span: Range<usize>) -> NodeId {
        if let Some(&never) = parts.iter().find(|&&part| self.is_never(part)) {
            return never;
        }
        let mut parts = parts;
        parts.retain(|&part| *self.node(part) != Node::Empty);
        match parts.as_slice() {
            [] => self.add(Node::Empty, span),
            [single] => *single,
            _ => self.add(Node::Concat(parts.into()), span),
        }
    }

    /// Any of the arms, in the simplest form.
    pub(super) fn alternate(&mut self, arms: Vec<NodeId>, span: Range<usize>) -> NodeId {
        let mut arms = arms;
        arms.retain(|&arm| !self.is_never(arm));
        match arms.as_slice() {
            [] => self.never(span),
            [single] => *single,
            _ if arms.iter().all(|&arm| *self.node(arm) == Node::Empty) => arms[0],
            _ => self.add(Node::Alternate(arms.into()), span),
        }
    }

    /// No text.
    pub(super) fn never(&mut self, span: Range<usize>) -> NodeId {
        self.add(Node::Class(Box::new(CharSet::empty())), span)
    }

    /// One character of the set.
    pub(super) fn class(&mut self, set: CharSet, span: Range<usize>) -> NodeId {
        match set.ranges() {
            &[(low, high)] if low == high => self.add(Node::Literal(low), span),
            _ => self.add(Node::Class(Box::new(set)), span),
        }
    }

    /// A look-around at one character of the set.
    pub(super) fn look_at(&mut self, ahead: bool, negated: bool, set: CharSet, span: Range<usize>) -> NodeId {
        let body = self.class(set, span.clone());
        self.add(Node::Look { look: Look { ahead, negated }, body }, span)
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn span(&self, id: NodeId) -> Range<usize> {
        let (start, end) = self.spans[id as usize];
        start as usize..end as usize
    }

    pub(super) fn is_never(&self, id: NodeId) -> bool {
        matches!(self.node(id), Node::Class(set) if set.is_empty())
    }

    /// Per node, whether the root leads to it.
    pub(super) fn reachable(&self) -> Vec<bool> {
        let mut reachable = vec![false; self.nodes.len()];
        if let Some(root) = reachable.get_mut(self.root as usize) {
            *root = true;
        }
        for id in (0..self.nodes.len()).rev() {
            if reachable[id] {
                self.nodes[id].children().iter().for_each(|&child| reachable[child as usize] = true);
            }
        }
        reachable
    }

    /// The first look-around in the source that the root leads to.
    pub(super) fn first_look(&self) -> Option<NodeId> {
        let reachable = self.reachable();
        let looks = (0..self.nodes.len() as NodeId)
            .filter(|&id| reachable[id as usize] && matches!(self.node(id), Node::Look { .. }));
        looks.min_by_key(|&id| self.spans[id as usize])
    }
}

impl Node {
    /// The nodes that this one is made of.
    pub(super) fn children(&self) -> &[NodeId] {
        match self {
            Self::Concat(parts) | Self::Alternate(parts) => parts,
            Self::Repeat { body, .. } | Self::Look { body, .. } => std::slice::from_ref(body),
            Self::Empty | Self::Literal(_) | Self::Class(_) => &[],
        }
    }
}
