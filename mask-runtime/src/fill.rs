//! The text part of a mask: which way to compute it.
//!
//! 1. One head in a state with a loop, and nothing else can happen on the loop's characters: the slice's row, and a walk
//!    over the remainders ([`slice`](crate::slice)). Near a bound of a counted loop, one walk for each number of characters
//!    before the remainder, as the count then matters.
//! 2. Several heads, one of them in a loop: the slice's row, and a walk over what it does not cover.
//! 3. Otherwise a walk over the whole trie.

use grammar_ir::ByteSet;
use grammar_ir::pda::Pda;

use crate::bitmask;
use crate::compiled::CompiledGrammar;
use crate::distinct::{exclude, is_live};
use crate::loops::Loop;
use crate::slice::{Remainders, Slice};
use crate::stack::{Frame, Stack};
use crate::step::{Byte, Scratch, Survey, step};
use crate::walk::{Sink, WalkScratch, walk};

/// Buffers for looking at what could follow, kept to spare allocations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surveying {
    step: Scratch,
    parents: Vec<Frame>,
    /// A survey takes no step; nothing of it goes in here.
    none: Vec<Frame>,
}

/// Sets the bit of every token whose bytes `heads` can consume. The stack is as before when it returns.
pub(crate) fn fill_text(
    grammar: &CompiledGrammar,
    heads: &[Frame],
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    surveying: &mut Surveying,
    survey: &mut Survey,
    row: &mut [u32],
) {
    let (pda, index) = (grammar.pda(), grammar.tokenizer().index());
    fill_by_kind(grammar, heads, stack, scratch, surveying, survey, row);
    if !stack.registers.has_seen() && scratch.doubtful.is_empty() {
        return;
    }
    let doubtful = std::mem::take(&mut scratch.doubtful);
    for &token in &doubtful {
        bitmask::clear(row, token);
        if fits(pda, heads, grammar.vocabulary().bytes(token), stack, surveying, scratch) {
            bitmask::set(row, token);
        }
    }
    scratch.doubtful = doubtful;
    scratch.doubtful.clear();
    exclude(pda, index, heads, stack, &mut scratch.parts, row);
}

/// Whether `heads` can consume `text`.
fn fits(
    pda: &Pda,
    heads: &[Frame],
    text: &[u8],
    stack: &mut Stack,
    surveying: &mut Surveying,
    scratch: &mut WalkScratch,
) -> bool {
    let mark = stack.mark();
    let Surveying { parents: current, none: next, step: step_scratch } = surveying;
    current.clear();
    current.extend_from_slice(heads);
    for &byte in text {
        next.clear();
        step(pda, current, &mut Byte(byte), stack, false, step_scratch, next);
        stack.registers.push_text(byte);
        std::mem::swap(current, next);
        if current.is_empty() {
            break;
        }
    }
    let fits = !current.is_empty() && is_live(pda, current, stack, &mut scratch.parts);
    stack.truncate(mark, false);
    fits
}

/// [`fill_text`], but for what comes of distinct parts whose text a walk is not shown.
fn fill_by_kind(
    grammar: &CompiledGrammar,
    heads: &[Frame],
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    surveying: &mut Surveying,
    survey: &mut Survey,
    row: &mut [u32],
) {
    let (pda, index) = (grammar.pda(), grammar.tokenizer().index());
    let looping = heads.iter().find_map(|&head| grammar.slice_of(head.state).map(|found| (head, found)));
    let Some((head, (own_loop, slice))) = looping else {
        return walk(pda, index, heads, stack, scratch, Sink::All(row));
    };
    let room = Room::of(pda, head, own_loop);
    if let (Some(remainders), [_]) = (&slice.remainders, heads)
        && !interferes(pda, head, own_loop, stack, surveying, survey)
    {
        return fill_loop(pda, head, slice, remainders, room, index.max_depth() as u32, stack, scratch, row);
    }
    if room.left >= index.max_depth() as u32 {
        row.iter_mut().zip(&slice.row).for_each(|(word, members)| *word |= members);
        walk(pda, index, heads, stack, scratch, Sink::Uncovered(row, slice));
    } else {
        walk(pda, index, heads, stack, scratch, Sink::All(row));
    }
}

/// How far a count is from where it matters.
#[derive(Clone, Copy)]
struct Room {
    /// How many times more the loop may be taken.
    left: u32,
    /// How many more counts it takes until anything can be done, or no longer be done, that differs.
    unchanged: u32,
}

impl Room {
    fn of(pda: &Pda, head: Frame, own_loop: &Loop) -> Self {
        if own_loop.counts {
            let (state, count) = (head.state, head.count);
            Self { left: pda.counts_left(state, count), unchanged: pda.counts_unchanged(state, count) }
        } else {
            // The count does not change in the loop; an edge that leaves it sees the same count at every length.
            Self { left: u32::MAX, unchanged: u32::MAX }
        }
    }
}

/// Whether a character of the loop could also be consumed after a return, so that reading it would give more heads.
fn interferes(
    pda: &Pda,
    head: Frame,
    own_loop: &Loop,
    stack: &mut Stack,
    surveying: &mut Surveying,
    survey: &mut Survey,
) -> bool {
    // With a loop that counts, a return that is not allowed now may be allowed some characters on.
    if !pda.is_accepting(head.state) {
        return false;
    }
    let Surveying { parents, none, step: scratch, .. } = surveying;
    parents.clear();
    let mut next = Some(head.below);
    while let Some(node) = next {
        parents.extend_from_slice(stack.own_frames(node));
        next = stack.included(node);
    }
    survey.with_bytes = true;
    survey.bytes = ByteSet::EMPTY;
    survey.token_sets.clear();
    let mark = stack.mark();
    none.clear();
    step(pda, parents, survey, stack, false, scratch, none);
    stack.truncate(mark, false);
    !survey.bytes.intersection(&own_loop.set.first_bytes()).is_empty()
}

/// The mask of a single head in a loop that nothing interferes with. `longest` is the length of the longest token.
#[allow(clippy::too_many_arguments, reason = "one call, of buffers and parts of one state")]
fn fill_loop(
    pda: &Pda,
    head: Frame,
    slice: &Slice,
    remainders: &Remainders,
    room: Room,
    longest: u32,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    slice.set_up_to(room.left, row);
    stack.registers.hide(true);
    walk_remainders(pda, head, remainders, room, longest, stack, scratch, row);
    stack.registers.hide(false);
}

#[allow(clippy::too_many_arguments, reason = "one call, of buffers and parts of one state")]
fn walk_remainders(
    pda: &Pda,
    head: Frame,
    remainders: &Remainders,
    room: Room,
    longest: u32,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    if room.unchanged > longest {
        // No token is long enough for its count to matter.
        return walk(pda, &remainders.index, &[head], stack, scratch, Sink::All(row));
    }
    for before in 0..=room.left.min(remainders.most_before) {
        let counter = pda.procedure(pda.procedure_of(head.state)).counter;
        let count = (0..before).try_fold(head.count, |count, _| counter.and_then(|counter| counter.next(count)));
        let Some(count) = count else { break };
        let sink = Sink::Before(row, &remainders.characters_before, before as u16);
        walk(pda, &remainders.index, &[Frame { count, ..head }], stack, scratch, sink);
    }
}
