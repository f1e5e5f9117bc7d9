//! The graph-structured stack of a matcher.
//!
//! A node stands for a set of stacks: its frames are what a procedure called there may return to, each with the node
//! below it. Nodes are immutable and only refer to older nodes, so undoing is cutting off the end. (Tomita 1985; calls
//! of one procedure at one position share a node as in Scott & Johnstone's GLL, 2010.)

use grammar_ir::StateId;
use grammar_ir::pda::Pda;
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// A state with its count on top of a stack: a head of the configuration, or what a call returns to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Frame {
    pub(crate) state: StateId,
    pub(crate) count: u32,
    pub(crate) below: NodeId,
}

/// A node of a [`Stack`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(u32);

impl NodeId {
    /// The empty stack.
    pub(crate) const BOTTOM: Self = Self(0);
}

#[derive(Debug, Clone, Copy)]
struct Node {
    first_frame: u32,
    /// Whether the stack can be popped to the bottom without consuming anything more.
    can_end: bool,
}

/// How much of a [`Stack`] there was at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    nodes: u32,
}

/// An arena of nodes.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    /// One entry more than there are nodes, so that a node's frames end where the next one's begin.
    nodes: Vec<Node>,
    frames: Vec<Frame>,
    /// Nodes by the hash of their frames, so that equal stacks met again are one node. A hash that is taken by other
    /// frames makes a node that is not shared: sharing saves memory and nothing depends on it.
    interned: FxHashMap<u64, NodeId>,
    max_frames: usize,
    full: bool,
}

impl Stack {
    pub(crate) fn new(max_frames: usize) -> Self {
        let bottom = Node { first_frame: 0, can_end: true };
        Self {
            nodes: vec![bottom, Node { first_frame: 0, can_end: false }],
            frames: Vec::new(),
            interned: FxHashMap::default(),
            max_frames,
            full: false,
        }
    }

    pub(crate) fn frames(&self, node: NodeId) -> &[Frame] {
        let index = node.0 as usize;
        &self.frames[self.nodes[index].first_frame as usize..self.nodes[index + 1].first_frame as usize]
    }

    pub(crate) fn can_end(&self, node: NodeId) -> bool {
        self.nodes[node.0 as usize].can_end
    }

    /// The node with these frames, shared with an equal one if that is `interned`.
    pub(crate) fn push(&mut self, pda: &Pda, frames: &[Frame], intern: bool) -> NodeId {
        let hash = intern.then(|| hash(frames));
        if let Some(&node) = hash.and_then(|hash| self.interned.get(&hash))
            && self.frames(node) == frames
        {
            return node;
        }
        if self.frames.len() + frames.len() > self.max_frames {
            self.full = true;
            return NodeId::BOTTOM;
        }
        let can_end = frames.iter().any(|frame| pda.may_return(frame.state, frame.count) && self.can_end(frame.below));
        let node = NodeId((self.nodes.len() - 1) as u32);
        self.nodes[node.0 as usize].can_end = can_end;
        self.frames.extend_from_slice(frames);
        self.nodes.push(Node { first_frame: self.frames.len() as u32, can_end: false });
        if let Some(hash) = hash {
            self.interned.entry(hash).or_insert(node);
        }
        node
    }

    /// Whether a push was refused for want of room since the last call.
    pub(crate) fn take_full(&mut self) -> bool {
        std::mem::take(&mut self.full)
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { nodes: self.nodes.len() as u32 }
    }

    /// Drops the nodes made since `mark`. `interned` says whether any of them may have been interned.
    pub(crate) fn truncate(&mut self, mark: Mark, interned: bool) {
        if self.nodes.len() as u32 == mark.nodes {
            return;
        }
        if interned {
            for node in (mark.nodes - 1..self.nodes.len() as u32 - 1).map(NodeId) {
                let hash = hash(self.frames(node));
                if self.interned.get(&hash) == Some(&node) {
                    self.interned.remove(&hash);
                }
            }
        }
        self.nodes.truncate(mark.nodes as usize);
        if let Some(last) = self.nodes.last() {
            self.frames.truncate(last.first_frame as usize);
        }
    }

    pub(crate) fn memory(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.frames.capacity() * size_of::<Frame>()
            + self.interned.capacity() * size_of::<(u64, NodeId)>()
    }
}

fn hash(frames: &[Frame]) -> u64 {
    let mut hasher = FxHasher::default();
    frames.hash(&mut hasher);
    hasher.finish()
}
