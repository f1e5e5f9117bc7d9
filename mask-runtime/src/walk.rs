//! Walks the token trie with a configuration: the text part of a mask.
//!
//! Most of the trie is below nodes at which the walk has come into a text, where nearly every token fits. There the walk
//! goes no further: what the tokens below have to do with the text's characters is worked out once for the node
//! ([`Branch`](crate::slice::Branch)).

use grammar_ir::ByteSet;
use grammar_ir::pda::Pda;

use crate::bitmask;
use crate::compiled::CompiledGrammar;
use crate::difference;
use crate::distinct::{PartScratch, is_live};
use crate::loops::Loop;
use crate::slice::Slice;
use crate::stack::{Frame, Mark, Stack};
use crate::step::{Byte, Scratch, Survey, step};
use crate::text_state::TextState;
use crate::token_index::{TokenIndex, TrieNode};

/// Buffers of a walk, kept to spare allocations.
#[derive(Debug, Clone, Default)]
pub(crate) struct WalkScratch {
    pub(crate) step: Scratch,
    /// The heads of each level of the path, one after the other.
    heads: Vec<Frame>,
    levels: Vec<Level>,
    next: Vec<Frame>,
    /// Tokens that a walk could not decide on, as they repeat a part of a text that it was not shown.
    pub(crate) doubtful: Vec<u32>,
    pub(crate) parts: PartScratch,
    pub(crate) looking: Looking,
    /// The buffers of walks within this one.
    inner: Option<Box<WalkScratch>>,
}

/// Buffers for looking at what could follow, kept to spare allocations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looking {
    step: Scratch,
    survey: Survey,
    parents: Vec<Frame>,
    /// A survey takes no step; nothing goes in here.
    none: Vec<Frame>,
}

impl Looking {
    /// The bytes that `heads` can consume.
    fn bytes(&mut self, pda: &Pda, heads: &[Frame], stack: &mut Stack) -> ByteSet {
        let Self { step: scratch, survey, none, .. } = self;
        survey.with_bytes = true;
        survey.bytes = ByteSet::EMPTY;
        survey.token_sets.clear();
        none.clear();
        let mark = stack.mark();
        step(pda, heads, survey, stack, false, scratch, none);
        stack.truncate(mark, false);
        survey.bytes
    }

    /// Whether a character of the loop of `head` could also be consumed after a return, so that reading it would give more
    /// heads.
    pub(crate) fn interferes(&mut self, pda: &Pda, head: Frame, own_loop: &Loop, stack: &mut Stack) -> bool {
        // With a loop that counts, a return that is not allowed now may be allowed some characters on.
        if !pda.is_accepting(head.state) {
            return false;
        }
        let mut parents = std::mem::take(&mut self.parents);
        parents.clear();
        let mut next = Some(head.below);
        while let Some(node) = next {
            parents.extend_from_slice(stack.own_frames(node));
            next = stack.included(node);
        }
        let bytes = self.bytes(pda, &parents, stack);
        self.parents = parents;
        !bytes.intersection(&own_loop.set.first_bytes()).is_empty()
    }
}

#[derive(Debug, Clone, Copy)]
struct Level {
    first_head: usize,
    past_head: usize,
    /// The stack with the nodes this level's heads need.
    stack: Mark,
    /// Whether the heads may be there only because a text is not known.
    is_doubtful: bool,
}

/// Where the tokens that a walk finds go.
pub(crate) enum Sink<'a> {
    /// Into the row.
    All(&'a mut [u32]),
    /// Into the row, which has the slice's tokens already: what the slice covers is not walked.
    Uncovered(&'a mut [u32], &'a Slice),
}

impl Sink<'_> {
    fn take(&mut self, index: &TokenIndex, node: usize) {
        match self {
            Self::All(row) | Self::Uncovered(row, _) => bitmask::set_each(row, index.own_tokens(node as u32)),
        }
    }

    fn covers(&self, node: usize, index: &TokenIndex) -> bool {
        matches!(self, Self::Uncovered(_, slice) if slice.covers(node, index))
    }
}

/// Below a node with fewer tokens than this there is nothing to be saved.
const MIN_BRANCH: usize = 24;

/// More heads than this are not looked at one by one.
pub(crate) const MAX_SEPARATE: usize = 4;

/// Gives `sink` every token of `index` below the node `from` (every token, without one) whose bytes after that node
/// `heads` can consume.
///
/// The stack is as before when it returns.
pub(crate) fn walk(
    grammar: &CompiledGrammar,
    index: &TokenIndex,
    from: Option<u32>,
    heads: &[Frame],
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    mut sink: Sink<'_>,
) {
    let pda = grammar.pda();
    let nodes = index.nodes();
    let (mut position, end, depth) = match from {
        Some(node) => {
            let TrieNode { subtree_end, depth, .. } = nodes[node as usize];
            (node as usize + 1, subtree_end as usize, depth)
        }
        None => (0, nodes.len(), 0),
    };
    let bottom = stack.mark();
    // At the root there are children for nearly all bytes, of which mostly few can be consumed.
    let first = if from.is_none() { scratch.looking.bytes(pda, heads, stack) } else { ByteSet::FULL };
    let is_whole = std::ptr::eq(index, grammar.tokenizer().index());
    scratch.heads.clear();
    scratch.heads.extend_from_slice(heads);
    scratch.levels.clear();
    scratch.levels.push(Level { first_head: 0, past_head: heads.len(), stack: bottom, is_doubtful: false });
    stack.registers.take_doubtful();
    while position < end {
        let node = nodes[position];
        if sink.covers(position, index) || (node.depth == 1 && !first.contains(node.byte)) {
            position = node.subtree_end as usize;
            continue;
        }
        scratch.levels.truncate(usize::from(node.depth - depth));
        let parent = scratch.levels[scratch.levels.len() - 1];
        scratch.heads.truncate(parent.past_head);
        stack.truncate(parent.stack, false);
        let WalkScratch { step: step_scratch, heads: arena, next, parts, .. } = scratch;
        next.clear();
        let heads = &arena[parent.first_head..parent.past_head];
        let known = match heads {
            &[head] => grammar.bytes_of(head.state).and_then(|table| table.after(head, node.byte)),
            _ => None,
        };
        match known {
            Some(after) => next.extend(after),
            None => step(pda, heads, &mut Byte(node.byte), stack, false, step_scratch, next),
        }
        if next.is_empty() {
            position = node.subtree_end as usize;
            continue;
        }
        stack.registers.push_text(node.byte);
        if !is_live(pda, next, stack, parts) {
            position = node.subtree_end as usize;
            continue;
        }
        arena.extend_from_slice(next);
        let is_doubtful = stack.registers.take_doubtful() || parent.is_doubtful;
        if is_doubtful {
            scratch.doubtful.extend_from_slice(index.own_tokens(position as u32));
        } else {
            sink.take(index, position);
        }
        if let (Sink::All(row), true) = (&mut sink, is_whole && !is_doubtful)
            && (1..=MAX_SEPARATE).contains(&scratch.next.len())
            && index.subtree_range(position as u32).len() >= MIN_BRANCH
        {
            walk_branches(grammar, position as u32, parent.past_head, stack, scratch, row);
            if scratch.heads.len() == parent.past_head {
                position = node.subtree_end as usize;
                continue;
            }
        }
        let first_head = parent.past_head;
        let past_head = scratch.heads.len();
        scratch.levels.push(Level { first_head, past_head, stack: stack.mark(), is_doubtful });
        position += 1;
    }
    stack.truncate(bottom, false);
}

/// What is known of the text that `head` is in, or next to, and the head that is in it; `None` where it does not suffice to
/// know that.
fn in_text<'g>(
    grammar: &'g CompiledGrammar,
    head: Frame,
    stack: &mut Stack,
    looking: &mut Looking,
) -> Option<(&'g TextState, Frame)> {
    let pda = grammar.pda();
    let text = grammar.text_state(head.state)?;
    let base = base_of(pda, head, text, stack)?;
    if text.own_loop.counts {
        let longest = grammar.tokenizer().index().max_depth() as u32;
        if pda.counts_left(base.state, base.count) < longest || pda.counts_unchanged(base.state, base.count) <= longest
        {
            return None;
        }
    }
    // Whether a part that is not shown can still become something new is not told from here.
    let traps = pda.scope_of(head.state).is_some_and(|scope| scope.has_traps());
    let hidden = traps && stack.registers.is_new_part(head.count);
    (!hidden && !looking.interferes(pda, base, &text.own_loop, stack)).then_some((text, base))
}

/// The head in the base of the state of `head`, if there can be one.
pub(crate) fn base_of(pda: &Pda, head: Frame, text: &TextState, stack: &mut Stack) -> Option<Frame> {
    let base = Frame { state: text.base, ..head };
    if base.state == head.state || !pda.is_guarded(base.state) {
        return Some(base);
    }
    let alive = match pda.scope_of(base.state) {
        Some(scope) => stack.registers.is_alive(scope, base.count, base.state.as_u32()),
        None => pda.count_after(base.count, false, base.state).is_some(),
    };
    alive.then_some(base)
}

/// Takes the heads that are in a text out of those from `first` on, and does for them what there is to do below `node`. A
/// mask is the union of those of its heads, so each can be looked at by itself; but only the mask of one that is alone can
/// be corrected.
fn walk_branches(
    grammar: &CompiledGrammar,
    node: u32,
    first: usize,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    let alone = scratch.heads.len() == first + 1;
    let mut at = first;
    while let Some(&head) = scratch.heads.get(at) {
        match in_text(grammar, head, stack, &mut scratch.looking) {
            Some((text, base)) if alone || base == head => {
                walk_branch(grammar, node, head, (text, base), stack, scratch, row);
                scratch.heads.remove(at);
            }
            _ => at += 1,
        }
    }
}

/// The tokens below a node at which `head` is in a text.
fn walk_branch(
    grammar: &CompiledGrammar,
    node: u32,
    head: Frame,
    (text, base): (&TextState, Frame),
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    let branch = grammar.branch(text, node);
    bitmask::set_each(row, &branch.members);
    let mut inner = scratch.inner.take().unwrap_or_default();
    stack.registers.hide(true);
    walk(grammar, &branch.remainders, None, &[base], stack, &mut inner, Sink::All(row));
    stack.registers.hide(false);
    if base != head {
        difference::correct(grammar, Some(node), head, base, stack, &mut inner, row);
    }
    scratch.doubtful.append(&mut inner.doubtful);
    scratch.inner = Some(inner);
}
