//! The text part of a mask: which way to compute it.
//!
//! 1. One head in a state with a loop, and nothing else can happen on the loop's characters: the slice's row, and a walk
//!    over the remainders ([`slice`](crate::slice)). Near a bound of a counted loop, where the count matters, the remainders
//!    of each number of characters before them are walked apart.
//! 2. Several heads, one of them in a loop: the slice's row, and a walk over what it does not cover.
//! 3. Otherwise a walk over the whole trie.

use grammar_ir::ByteSet;
use grammar_ir::pda::Pda;

use crate::compiled::CompiledGrammar;
use crate::loops::Loop;
use crate::slice::{Remainders, Slice};
use crate::stack::{Frame, Stack};
use crate::step::{Scratch, Survey, step};
use crate::walk::{Sink, WalkScratch, walk};

/// Buffers for looking at what could follow, kept to spare allocations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surveying {
    step: Scratch,
    parents: Vec<Frame>,
    /// A survey takes no step; nothing ever goes in here.
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
    let looping = heads.iter().find_map(|&head| grammar.slice_of(head.state).map(|found| (head, found)));
    let Some((head, (own_loop, slice))) = looping else {
        return walk(pda, index, heads, stack, scratch, Sink::All(row));
    };
    let room = Room::of(pda, head, own_loop);
    let longest = index.max_depth() as u32;
    let alone = heads.len() == 1 && !interferes(pda, head, own_loop, stack, surveying, survey);
    if let Some(remainders) = slice.remainders.as_ref().filter(|_| alone) {
        return fill_loop(pda, head, slice, remainders, room, longest, stack, scratch, row);
    }
    // Tokens in the loop's set that are too long for it could be read in another way, if there is one.
    if alone || room.left >= longest {
        slice.set_up_to(room.left, row);
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
    if room.unchanged > longest {
        // No token is long enough for its count to matter.
        return walk(pda, &remainders.index, &[head], stack, scratch, Sink::All(row));
    }
    let mut count = Some(head.count);
    for index in remainders.by_characters_before() {
        let Some(now) = count else { break };
        walk(pda, index, &[Frame { count: now, ..head }], stack, scratch, Sink::All(row));
        count = pda.count_after(now, true, head.state);
    }
}
