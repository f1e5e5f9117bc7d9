//! The graph-structured stack of a matcher.
//!
//! A node stands for a set of stacks: its frames are what a procedure called there may return to, each with the node
//! below it. Nodes are immutable and only refer to older nodes, so undoing is cutting off the end. (Tomita 1985; calls
//! of one procedure at one position share a node as in Scott & Johnstone's GLL, 2010.)
//!
//! In ambiguous grammars the callers at one position are often those at an earlier one and a few more: in
//! `s = s s | "a"`, position *n* has *n* callers. Such a node includes the older one and lists only what is new, so that
//! frames and the work of returning through them grow linearly.

use grammar_ir::StateId;
use grammar_ir::pda::{Pda, Procedure};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::budget::{NEVER, deadline_of};
use crate::registers::{Registers, RegistersMark};

/// A state with its count on top of a stack: a head of the configuration, or what a call returns to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Frame {
    pub(crate) state: StateId,
    pub(crate) below: NodeId,
    /// The count of a counted repetition, the number of a scope's [`Registers`], or the number of tokens before a procedure
    /// with a budget was called; 0 in other procedures.
    ///
    /// Last, so that in sorted frames those that differ only in the count stand together, the smallest first.
    pub(crate) count: u32,
}

/// Sorts frames, and keeps of each (state, stack) only the counts that matter.
///
/// Once a count has reached its minimum it can do all that a greater one can: return at the same moments, and go on for
/// longer. So the smallest of those is kept, and ambiguous counts do not pile up. A budget of tokens lasts the longer the
/// later it began, so there the greatest is kept.
pub(crate) fn sort_frames(pda: &Pda, frames: &mut Vec<Frame>, from: usize) {
    if frames.len() - from < 2 {
        return;
    }
    frames[from..].sort_unstable();
    let mut kept = from + 1;
    for index in from + 1..frames.len() {
        let (last, next) = (frames[kept - 1], frames[index]);
        let alike = (last.state, last.below) == (next.state, next.below);
        let covers = || pda.counter_of(last.state).is_some_and(|counter| last.count >= counter.min);
        if alike && pda.max_tokens_of(last.state).is_some() {
            frames[kept - 1] = next;
        } else if !(alike && (last.count == next.count || covers())) {
            frames[kept] = next;
            kept += 1;
        }
    }
    frames.truncate(kept);
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
    /// A node whose frames are this one's too; `BOTTOM`, which has none, for nothing.
    included: NodeId,
    /// The number of frames, included ones counted.
    frames: u32,
    /// Whether the stack can be popped to the bottom without consuming anything more.
    can_end: bool,
    /// Whether nothing can be consumed from its frames.
    is_inert: bool,
    /// The least number of tokens after which the budget of a procedure on the stack is spent.
    deadline: u32,
}

impl Node {
    /// A node without frames, the first of which will be `first_frame`.
    fn next(first_frame: u32) -> Self {
        let included = NodeId::BOTTOM;
        Self { first_frame, included, frames: 0, can_end: false, is_inert: false, deadline: NEVER }
    }
}

/// How much of a [`Stack`] there was at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    nodes: u32,
    registers: RegistersMark,
}

/// An arena of nodes.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    /// What the scopes that frames belong to remember.
    pub(crate) registers: Registers,
    /// The number of tokens before the one that is being read: where the budgets of procedures called now begin.
    pub(crate) tokens: u32,
    has_budgets: bool,
    /// One entry more than there are nodes, so that a node's frames end where the next one's begin.
    nodes: Vec<Node>,
    frames: Vec<Frame>,
    /// Nodes by the hash of their frames, so that equal stacks met again are one node. A hash that is taken by other
    /// frames makes a node that is not shared: sharing saves memory and nothing depends on it.
    interned: FxHashMap<u64, NodeId>,
    max_frames: usize,
    full: bool,
    /// Kept to spare allocations.
    inherited: Vec<Frame>,
    lowest_read: LowestRead,
}

/// The oldest node whose frames have been read. (Not a `Cell`, so that what has a stack is `Sync`; nobody else writes.)
#[derive(Debug)]
struct LowestRead(AtomicU32);

impl LowestRead {
    #[inline]
    fn note(&self, node: NodeId) {
        if node.0 < self.0.load(Ordering::Relaxed) {
            self.0.store(node.0, Ordering::Relaxed);
        }
    }
}

impl Clone for LowestRead {
    fn clone(&self) -> Self {
        Self(AtomicU32::new(self.0.load(Ordering::Relaxed)))
    }
}

impl Stack {
    pub(crate) fn new(pda: &Pda, max_frames: usize) -> Self {
        Self {
            registers: Registers::new(pda, max_frames / FRAMES_PER_ENTRY),
            tokens: 0,
            has_budgets: pda.has_budgets(),
            nodes: vec![Node { can_end: true, is_inert: true, ..Node::next(0) }, Node::next(0)],
            frames: Vec::new(),
            interned: FxHashMap::default(),
            max_frames,
            full: false,
            inherited: Vec::new(),
            lowest_read: LowestRead(AtomicU32::new(0)),
        }
    }

    /// Notes from here on how far down is read.
    pub(crate) fn begin_reading(&mut self) {
        self.lowest_read.0.store(u32::MAX, Ordering::Relaxed);
    }

    /// Notes that the frames of `node` have been read.
    pub(crate) fn note_reading(&self, node: NodeId) {
        self.lowest_read.note(node);
    }

    /// Whether frames of `node`, or of a node that is older, have been read since [`begin_reading`](Self::begin_reading).
    pub(crate) fn has_read(&self, node: NodeId) -> bool {
        self.lowest_read.0.load(Ordering::Relaxed) <= node.0
    }

    /// The frames of `node` itself, without those of included nodes.
    #[inline]
    pub(crate) fn own_frames(&self, node: NodeId) -> &[Frame] {
        self.lowest_read.note(node);
        self.peek_own_frames(node)
    }

    /// [`own_frames`](Self::own_frames), without noting that they were read.
    #[inline]
    pub(crate) fn peek_own_frames(&self, node: NodeId) -> &[Frame] {
        let index = node.0 as usize;
        &self.frames[self.nodes[index].first_frame as usize..self.nodes[index + 1].first_frame as usize]
    }

    /// The node whose frames are `node`'s too, if there is one.
    pub(crate) fn included(&self, node: NodeId) -> Option<NodeId> {
        let included = self.nodes[node.0 as usize].included;
        (included != NodeId::BOTTOM).then_some(included)
    }

    /// The frame of a node that has exactly one.
    #[inline]
    pub(crate) fn only_frame(&self, node: NodeId) -> Option<Frame> {
        self.lowest_read.note(node);
        self.peek_only_frame(node)
    }

    /// [`only_frame`](Self::only_frame), without noting that it was read.
    #[inline]
    pub(crate) fn peek_only_frame(&self, node: NodeId) -> Option<Frame> {
        let entry = &self.nodes[node.0 as usize];
        (entry.frames == 1).then(|| self.frames[entry.first_frame as usize])
    }

    pub(crate) fn can_end(&self, node: NodeId) -> bool {
        self.nodes[node.0 as usize].can_end
    }

    /// Whether nothing can be consumed after returning to `node`.
    #[inline]
    pub(crate) fn is_inert(&self, node: NodeId) -> bool {
        self.nodes[node.0 as usize].is_inert
    }

    /// Whether some procedure has a budget of tokens.
    #[inline]
    pub(crate) fn has_budgets(&self) -> bool {
        self.has_budgets
    }

    /// The number of tokens after which a budget on the stack is spent.
    #[inline]
    pub(crate) fn deadline(&self, node: NodeId) -> u32 {
        self.nodes[node.0 as usize].deadline
    }

    /// The count with which a call of `procedure` begins.
    #[inline]
    pub(crate) fn count_at_call(&self, procedure: &Procedure) -> u32 {
        if procedure.max_tokens.is_some() { self.tokens } else { 0 }
    }

    /// The node with this one frame.
    pub(crate) fn push_one(&mut self, pda: &Pda, frame: Frame, intern: bool) -> NodeId {
        self.add(pda, &[frame], NodeId::BOTTOM, 1, intern)
    }

    /// The node with these frames, sorted and distinct; shared with an equal one if that is `interned`.
    pub(crate) fn push(&mut self, pda: &Pda, frames: &mut Vec<Frame>, intern: bool) -> NodeId {
        let total = frames.len();
        let included = if total < WORTH_INCLUDING { NodeId::BOTTOM } else { self.include(frames) };
        self.add(pda, frames, included, total, intern)
    }

    fn add(&mut self, pda: &Pda, frames: &[Frame], included: NodeId, total: usize, intern: bool) -> NodeId {
        let hash = intern.then(|| hash(frames, included));
        if let Some(&node) = hash.and_then(|hash| self.interned.get(&hash))
            && self.peek_own_frames(node) == frames
            && self.nodes[node.0 as usize].included == included
        {
            return node;
        }
        if self.frames.len() + frames.len() > self.max_frames {
            self.full = true;
            return NodeId::BOTTOM;
        }
        let can_end = (included != NodeId::BOTTOM && self.can_end(included))
            || frames.iter().any(|frame| pda.may_return(frame.state, frame.count) && self.can_end(frame.below));
        let is_inert = self.is_inert(included)
            && frames.iter().all(|frame| pda.is_final(frame.state) && self.is_inert(frame.below));
        let mut deadline = NEVER;
        if self.has_budgets {
            let deadlines = frames.iter().map(|frame| deadline_of(pda, *frame).min(self.deadline(frame.below)));
            deadline = deadlines.fold(self.deadline(included), u32::min);
        }
        let node = NodeId((self.nodes.len() - 1) as u32);
        let entry = &mut self.nodes[node.0 as usize];
        (entry.included, entry.frames) = (included, total as u32);
        (entry.can_end, entry.is_inert, entry.deadline) = (can_end, is_inert, deadline);
        self.frames.extend_from_slice(frames);
        let first_frame = self.frames.len() as u32;
        self.nodes.push(Node::next(first_frame));
        if let Some(hash) = hash {
            self.interned.entry(hash).or_insert(node);
        }
        node
    }

    /// Looks for a node whose frames are all in `frames`, and takes them out. The newest node below any of the frames
    /// is the one tried: when callers pile up, it has all that came before.
    fn include(&mut self, frames: &mut Vec<Frame>) -> NodeId {
        let Some(candidate) = frames.iter().map(|frame| frame.below).max() else { return NodeId::BOTTOM };
        let size = self.nodes[candidate.0 as usize].frames as usize;
        if size < WORTH_INCLUDING / 2 || size >= frames.len() {
            return NodeId::BOTTOM;
        }
        let mut inherited = std::mem::take(&mut self.inherited);
        inherited.clear();
        let mut next = Some(candidate);
        while let Some(node) = next {
            inherited.extend_from_slice(self.own_frames(node));
            next = self.included(node);
        }
        inherited.sort_unstable();
        let all = inherited.iter().all(|frame| frames.binary_search(frame).is_ok());
        if all {
            frames.retain(|frame| inherited.binary_search(frame).is_err());
        }
        self.inherited = inherited;
        if all { candidate } else { NodeId::BOTTOM }
    }

    /// Whether a push was refused for want of room since the last call.
    pub(crate) fn take_full(&mut self) -> bool {
        std::mem::take(&mut self.full) | self.registers.take_full()
    }

    /// Whether a push has been refused since [`take_full`](Self::take_full).
    pub(crate) fn is_full(&self) -> bool {
        self.full || self.registers.is_full()
    }

    pub(crate) fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    #[inline]
    pub(crate) fn mark(&self) -> Mark {
        Mark { nodes: self.nodes.len() as u32, registers: self.registers.mark() }
    }

    /// Drops the nodes and registers made since `mark`. `interned` says whether any of them may have been interned.
    #[inline]
    pub(crate) fn truncate(&mut self, mark: Mark, interned: bool) {
        self.registers.truncate(mark.registers, interned);
        if self.nodes.len() as u32 != mark.nodes {
            self.cut(mark, interned);
        }
    }

    fn cut(&mut self, mark: Mark, interned: bool) {
        if interned {
            for node in (mark.nodes - 1..self.nodes.len() as u32 - 1).map(NodeId) {
                let hash = hash(self.peek_own_frames(node), self.nodes[node.0 as usize].included);
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
            + self.registers.memory()
    }
}

/// Registers take about as much memory as so many frames.
const FRAMES_PER_ENTRY: usize = 16;

/// Fewer frames than this are not searched for an included node.
const WORTH_INCLUDING: usize = 8;

fn hash(frames: &[Frame], included: NodeId) -> u64 {
    let mut hasher = FxHasher::default();
    included.hash(&mut hasher);
    frames.hash(&mut hasher);
    hasher.finish()
}
