//! Walks the token trie with a configuration: the text part of a mask.
//!
//! Most of the trie is below nodes at which the walk has come into a text, where nearly every token fits. There the walk
//! goes no further: what the tokens below have to do with the text's characters is worked out once for the node
//! ([`Branch`](crate::branch::Branch)).

use std::ops::Range;
use std::sync::Arc;

use grammar_ir::ByteSet;
use grammar_ir::pda::Pda;

use crate::bitmask;
use crate::chain::fill_chain_below;
use crate::compiled::{CompiledGrammar, ComponentSlice};
use crate::component::is_out_of_reach;
use crate::difference::{self, Correction};
use crate::distinct::{PartScratch, is_in_new_trap, is_live};
use crate::doubt::Depending;
use crate::fill::MAX_LONGER;
use crate::found::Found;
use crate::known_rows::Key;
use crate::loops::LoopSet;
use crate::narrow::{Both, along, only_edges};
use crate::remainders::{Remainders, Room, walk_remainders};
use crate::slice::Slice;
use crate::stack::{Frame, Mark, Stack};
use crate::step::{Byte, Scratch, Survey, step};
use crate::text_state::TextState;
use crate::token_index::TokenIndex;

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
    /// Those that have been decided on, but for values that are not known.
    pub(crate) depending: Vec<Depending>,
    pub(crate) parts: PartScratch,
    pub(crate) looking: Looking,
    pub(crate) correction: Correction,
    pub(crate) key: Key,
    /// That of the state that the only head is next to.
    pub(crate) base_key: Key,
    /// Whether the mask that is being made may be kept.
    pub(crate) keeps: bool,
    /// The slice that a mask began with.
    pub(crate) slice: Option<Arc<Slice>>,
    /// What is in the mask besides.
    pub(crate) found: Found,
    /// The buffers of walks within this one.
    pub(crate) inner: Option<Box<WalkScratch>>,
}

impl WalkScratch {
    /// Notes that the mask begins with the tokens of `slice` of at most `characters` characters.
    pub(crate) fn begin_with(&mut self, slice: &Arc<Slice>, characters: u32, index: &TokenIndex) {
        if !slice.longer_than(characters, index).is_empty() {
            self.found.give_up();
        }
        self.slice = Some(Arc::clone(slice));
    }
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
    pub(crate) fn bytes(&mut self, pda: &Pda, heads: &[Frame], stack: &mut Stack) -> ByteSet {
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

    /// Whether a character of `set`, which the state of `head` reads, could also be consumed after a return, so that reading it
    /// would give more heads.
    pub(crate) fn interferes(&mut self, pda: &Pda, head: Frame, set: &LoopSet, stack: &mut Stack) -> bool {
        // With a loop that counts, a return that is not allowed now may be allowed some characters on.
        pda.is_accepting(head.state) && !self.bytes_below(pda, head, stack).intersection(&set.first_bytes()).is_empty()
    }

    /// The bytes that can be consumed after a return from `head`, if it may return.
    pub(crate) fn bytes_below(&mut self, pda: &Pda, head: Frame, stack: &mut Stack) -> ByteSet {
        let mut parents = std::mem::take(&mut self.parents);
        parents.clear();
        let mut next = Some(head.below);
        while let Some(node) = next {
            parents.extend_from_slice(stack.own_frames(node));
            next = stack.included(node);
        }
        let bytes = self.bytes(pda, &parents, stack);
        self.parents = parents;
        bytes
    }
}

#[derive(Debug, Clone)]
struct Level {
    left: Left,
    first_head: usize,
    past_head: usize,
    /// The stack with the nodes this level's heads need.
    stack: Mark,
    /// Whether the heads may be there only because a text is not known.
    is_doubtful: bool,
    /// Whether other heads on the way here have set bits of tokens below.
    is_shared: bool,
}

/// What is left of a level.
#[derive(Debug, Clone)]
enum Left {
    /// These children, but on other bytes nothing can be done.
    Children(Range<usize>, ByteSet),
    /// These, and the edges of the only head, which are all that it can do.
    Both(Both),
}

impl Left {
    /// All of `children`, which `bytes` says what can be done on, unless `heads` have only a few edges.
    fn of(
        pda: &Pda,
        children: Range<usize>,
        heads: &[Frame],
        stack: &mut Stack,
        bytes: impl FnOnce(&mut Stack) -> ByteSet,
    ) -> Self {
        match heads {
            &[head] if only_edges(pda, head, stack).is_some() => Self::Both(Both { children, edge: 0 }),
            _ if children.len() > FEW_CHILDREN => Self::Children(children, bytes(stack)),
            _ => Self::Children(children, ByteSet::FULL),
        }
    }
}

/// Where the tokens that a walk finds go.
pub(crate) enum Sink<'a> {
    /// Into the row.
    All(&'a mut [u32]),
    /// Into the row, of which other heads have set bits before.
    Shared(&'a mut [u32]),
    /// Into the row, which has the slice's tokens already: what the slice covers is not walked.
    Uncovered(&'a mut [u32], &'a Slice),
    /// Into the row, if they begin with at least `from` and at most `left` characters of a loop that counts. The walk
    /// begins with the least count for which the loop may be left; what could count more than `unchanged` times, from where some
    /// state can no longer be completed, is doubtful.
    Counted { row: &'a mut [u32], remainders: &'a Remainders, from: u32, left: u32, unchanged: u32 },
}

impl Sink<'_> {
    fn take(&mut self, index: &TokenIndex, node: usize, found: &mut Found, doubtful: &mut Vec<u32>) {
        match self {
            Self::All(row) | Self::Shared(row) | Self::Uncovered(row, _) => {
                let tokens = index.own_tokens(node as u32);
                bitmask::set_each(row, tokens);
                found.add(tokens);
            }
            Self::Counted { row, remainders, from, left, unchanged } => {
                let depth = u32::from(index.nodes()[node].depth);
                for position in index.own_range(node as u32) {
                    let before = remainders.characters_before(position);
                    if before < *from || before > *left {
                        continue;
                    }
                    let token = index.tokens()[position];
                    // No character has less than a byte.
                    if before + depth <= *unchanged {
                        bitmask::set(row, token);
                        found.add(&[token]);
                    } else {
                        doubtful.push(token);
                    }
                }
            }
        }
    }

    fn covers(&self, node: usize, index: &TokenIndex) -> bool {
        matches!(self, Self::Uncovered(_, slice) if slice.covers(node, index))
    }
}

/// With no more children than this, each of them is tried.
const FEW_CHILDREN: usize = 8;

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
    let bottom = stack.mark();
    let children = index.child_range(from);
    let left = Left::of(pda, children, heads, stack, |stack| scratch.looking.bytes(pda, heads, stack));
    if !matches!(sink, Sink::All(_) | Sink::Counted { .. }) {
        scratch.found.give_up();
    }
    let is_whole = std::ptr::eq(index, grammar.tokenizer().index());
    let least_tokens = grammar.tokenizer().thresholds().branch_tokens;
    let has_branches = is_whole || index.branches().is_some();
    scratch.heads.clear();
    scratch.heads.extend_from_slice(heads);
    scratch.levels.clear();
    scratch.levels.push(Level {
        left,
        first_head: 0,
        past_head: heads.len(),
        stack: bottom,
        is_doubtful: false,
        is_shared: matches!(sink, Sink::Shared(_) | Sink::Uncovered(..)),
    });
    stack.registers.take_doubtful();
    while let Some(level) = scratch.levels.last_mut() {
        // The only edge that is on the byte, where that is known.
        let (place, edge) = match &mut level.left {
            Left::Children(children, bytes) => {
                let Some(place) = index.next_child(children.clone(), bytes) else {
                    scratch.levels.pop();
                    continue;
                };
                children.start = place + 1;
                (place, None)
            }
            Left::Both(both) => {
                let edges = pda.byte_edges(scratch.heads[level.first_head].state);
                let Some((place, edge)) = both.next(index.child_bytes(), edges) else {
                    scratch.levels.pop();
                    continue;
                };
                (place, Some(&edges[edge]))
            }
        };
        let (first_head, past_head, mark) = (level.first_head, level.past_head, level.stack);
        let (was_doubtful, mut is_shared) = (level.is_doubtful, level.is_shared);
        let position = index.child(place) as usize;
        if sink.covers(position, index) {
            continue;
        }
        let byte = nodes[position].byte;
        scratch.heads.truncate(past_head);
        stack.truncate(mark, false);
        let WalkScratch { step: step_scratch, heads: arena, next, parts, .. } = scratch;
        next.clear();
        let heads = &arena[first_head..past_head];
        let known = match (heads, edge) {
            (&[head], Some(edge)) => along(pda, head, edge, stack),
            (&[head], None) => grammar.plain_step(head, byte, stack),
            _ => None,
        };
        match known {
            Some(Some(after)) => next.push(after),
            Some(None) => {}
            None => step(pda, heads, &mut Byte(byte), stack, false, step_scratch, next),
        }
        if next.is_empty() {
            continue;
        }
        stack.registers.push_text(byte);
        if !is_live(grammar, next, stack, parts) {
            continue;
        }
        match next.as_slice() {
            &[only] => arena.push(only),
            all => arena.extend_from_slice(all),
        }
        let is_doubtful = stack.registers.take_doubtful() || was_doubtful;
        if is_doubtful {
            scratch.doubtful.extend_from_slice(index.own_tokens(position as u32));
        } else {
            sink.take(index, position, &mut scratch.found, &mut scratch.doubtful);
        }
        let children = index.child_range(Some(position as u32));
        if children.is_empty() {
            continue;
        }
        if let (Sink::All(row) | Sink::Shared(row) | Sink::Uncovered(row, _), true) =
            (&mut sink, has_branches && !is_doubtful)
            && (1..=MAX_SEPARATE).contains(&scratch.next.len())
            && index.subtree_range(position as u32).len() >= least_tokens
        {
            let before = scratch.heads.len();
            walk_branches(grammar, (index, position as u32), (past_head, is_shared), stack, scratch, row);
            if scratch.heads.len() < before {
                scratch.found.give_up();
                is_shared = true;
            }
            if scratch.heads.len() == past_head {
                continue;
            }
        }
        let (first_head, past_head) = (past_head, scratch.heads.len());
        let (heads, count) = (&scratch.heads[first_head..], children.len());
        let left = Left::of(pda, children, heads, stack, |stack| {
            if heads.len() > count {
                return ByteSet::FULL;
            }
            heads.iter().fold(ByteSet::EMPTY, |bytes, &head| bytes.union(&bytes_of(pda, head, stack)))
        });
        let stack = stack.mark();
        scratch.levels.push(Level { left, first_head, past_head, stack, is_doubtful, is_shared });
    }
    stack.truncate(bottom, false);
}

/// All bytes that `head` might consume, where that is quick to tell.
fn bytes_of(pda: &Pda, mut head: Frame, stack: &Stack) -> ByteSet {
    let mut bytes = ByteSet::EMPTY;
    loop {
        pda.byte_edges(head.state).iter().for_each(|edge| bytes.insert_range(edge.low, edge.high));
        for call in pda.call_edges(head.state) {
            bytes = bytes.union(&pda.procedure(call.procedure).first_bytes);
        }
        if !pda.is_accepting(head.state) || stack.is_inert(head.below) {
            return bytes;
        }
        match stack.only_frame(head.below) {
            Some(parent) => head = parent,
            None => return ByteSet::FULL,
        }
    }
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
    (!looking.interferes(pda, base, &text.own_loop.set, stack)).then_some((text, base))
}

/// The head in the base of the state of `head`, if there can be one.
pub(crate) fn base_of(pda: &Pda, head: Frame, text: &TextState, stack: &mut Stack) -> Option<Frame> {
    if text.only_base_returns && !stack.is_inert(head.below) {
        return None;
    }
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

/// Whether `head` is in a text, or next to one, that has letters and no end: whatever has been seen, there is another one. That holds
/// of what the text reads, so of no other shortcut from there.
fn is_endless(grammar: &CompiledGrammar, head: Frame) -> bool {
    let Some(text) = grammar.text_state(head.state) else { return false };
    let letters = ByteSet::range(b'a', b'z').intersection(&text.own_loop.set.first_bytes());
    let leads_there = letters.intersection(&text.differs.complement());
    let room = Room::of(grammar.pda(), Frame { state: text.base, ..head }, &text.own_loop);
    !leads_there.is_empty() && room.left == u32::MAX
}

/// Takes the heads that are in a text out of those from `first` on, and does for them what there is to do below `node`. A
/// mask is the union of those of its heads, so each can be looked at by itself; but only the mask of one that is alone can
/// be corrected, and only where no other one has set bits before, as `is_shared` says.
fn walk_branches(
    grammar: &CompiledGrammar,
    (index, node): (&TokenIndex, u32),
    (first, is_shared): (usize, bool),
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    // Corrections are made in the tokenizer's own trie.
    let alone = index.branches().is_none() && !is_shared && scratch.heads.len() == first + 1;
    let mut at = first;
    while let Some(&head) = scratch.heads.get(at) {
        let is_in_trap = is_in_new_trap(grammar.pda(), head, stack, &mut scratch.parts);
        if is_in_trap && !is_endless(grammar, head) {
            at += 1;
            continue;
        }
        let is_reachable = !is_out_of_reach(grammar.pda(), head, stack);
        let text = if is_reachable { in_text(grammar, head, stack, &mut scratch.looking) } else { None };
        match text {
            Some((text, base)) if alone || base == head => {
                walk_branch(grammar, (index, node), head, (text, base), stack, scratch, row);
                scratch.heads.remove(at);
            }
            _ if is_in_trap => at += 1,
            _ if fill_chain_below(grammar, |set| grammar.branch(set, index, node), head, stack, scratch, row) => {
                scratch.heads.remove(at);
            }
            _ if is_reachable && walk_component(grammar, (index, node), head, stack, scratch, row) => {
                scratch.heads.remove(at);
            }
            _ => at += 1,
        }
    }
}

/// The tokens below a node at which `head` is in a text.
fn walk_branch(
    grammar: &CompiledGrammar,
    (index, node): (&TokenIndex, u32),
    head: Frame,
    (text, base): (&TextState, Frame),
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    let branch = grammar.branch(&text.own_loop.set, index, node);
    let room = Room::of(grammar.pda(), base, &text.own_loop);
    branch.set_up_to(room.left, row);
    let mut inner = scratch.inner.take().unwrap_or_default();
    walk_remainders(grammar, base, branch.remainders(grammar.vocabulary()), room, stack, &mut inner, row);
    if base != head {
        difference::correct(grammar, Some(node), head, base, stack, &mut inner, row);
    }
    scratch.doubtful.append(&mut inner.doubtful);
    scratch.inner = Some(inner);
}

/// The tokens below a node at which `head` goes among states that read the same characters; false where it does not.
fn walk_component(
    grammar: &CompiledGrammar,
    (index, node): (&TokenIndex, u32),
    head: Frame,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) -> bool {
    for ComponentSlice { component, .. } in grammar.components(head.state) {
        let steps = component.steps(grammar.pda(), head, stack);
        if steps == 0 {
            continue;
        }
        let branch = grammar.branch(&component.set, index, node);
        let longer = branch.longer_than(steps);
        if longer.len() > MAX_LONGER || longer.len() > branch.count() / 4 || branch.is_mostly_others() {
            continue;
        }
        branch.set_up_to(steps, row);
        let mut inner = scratch.inner.take().unwrap_or_default();
        walk(grammar, branch.rests(grammar.vocabulary()), None, &[head], stack, &mut inner, Sink::All(row));
        scratch.doubtful.extend_from_slice(longer);
        scratch.doubtful.append(&mut inner.doubtful);
        scratch.inner = Some(inner);
        return true;
    }
    false
}
