//! The text part of a mask: which way to compute it.
//!
//! 1. One head in a text, and nothing else can happen on the text's characters: the slice's row, and a walk over the
//!    remainders ([`slice`](crate::slice)). Near a bound of a counted loop, where the count matters, the
//!    remainders of each number of characters before them are walked apart. Where the head is next to a text, a correction
//!    ([`difference`](crate::difference)).
//! 2. A few heads: the same for each of them that is in a text, as a mask is the union of those of its heads.
//!    Many, one of them in a text: the slice's row, and a walk over what it does not cover.
//! 3. Otherwise a walk over the whole trie, which does the same where it comes into a text ([`walk`](crate::walk)).

use grammar_ir::pda::Pda;

use crate::bitmask;
use crate::compiled::CompiledGrammar;
use crate::difference;
use crate::distinct::{exclude, fits};
use crate::loops::Loop;
use crate::slice::{Remainders, Slice};
use crate::stack::{Frame, Stack};
use crate::walk::{MAX_SEPARATE, Sink, WalkScratch, base_of, walk};

/// Sets the bit of every token whose bytes `heads` can consume. The stack is as before when it returns.
pub(crate) fn fill_text(
    grammar: &CompiledGrammar,
    heads: &[Frame],
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    stack.registers.begin_token();
    // What tables know holds as long as no text has been seen that another one must differ from.
    if let (Some(tables), &[head]) = (grammar.tables(), heads)
        && !stack.registers.has_seen()
        && tables.fill(grammar, head, stack, scratch, row)
    {
        return;
    }
    fill_by_kind(grammar, heads, stack, scratch, row);
    if !stack.registers.has_seen() && scratch.doubtful.is_empty() {
        return;
    }
    let pda = grammar.pda();
    let mut doubtful = std::mem::take(&mut scratch.doubtful);
    for token in doubtful.drain(..) {
        bitmask::clear(row, token);
        if fits(pda, heads, grammar.vocabulary().bytes(token), stack, &mut scratch.parts) {
            bitmask::set(row, token);
        }
    }
    scratch.doubtful = doubtful;
    exclude(pda, grammar.tokenizer().index(), heads, stack, &mut scratch.parts, row);
}

/// [`fill_text`], but for what comes of distinct parts whose text a walk is not shown.
fn fill_by_kind(
    grammar: &CompiledGrammar,
    heads: &[Frame],
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    let (pda, index) = (grammar.pda(), grammar.tokenizer().index());
    if heads.len() <= MAX_SEPARATE {
        // A mask is the union of those of its heads.
        let mut rest = [heads[0]; MAX_SEPARATE];
        let mut count = 0;
        for &head in heads {
            if !fill_head(grammar, head, heads.len() == 1, stack, scratch, row) {
                rest[count] = head;
                count += 1;
            }
        }
        if count < heads.len() {
            if count > 0 {
                walk(grammar, index, None, &rest[..count], stack, scratch, Sink::All(row));
            }
            return;
        }
    }
    let looping = heads.iter().find_map(|&head| {
        let text = grammar.text_state(head.state).filter(|text| text.base == head.state)?;
        Some((head, text))
    });
    if let Some((head, text)) = looping {
        let room = Room::of(pda, head, &text.own_loop);
        // Tokens in the loop's set that are too long for it could be read in another way, if there is one.
        if room.left >= index.max_depth() as u32
            || (heads.len() == 1 && !scratch.looking.interferes(pda, head, &text.own_loop, stack))
        {
            text.slice.set_up_to(room.left, row);
            return walk(grammar, index, None, heads, stack, scratch, Sink::Uncovered(row, &text.slice));
        }
    }
    walk(grammar, index, None, heads, stack, scratch, Sink::All(row));
}

/// The mask of a head that is in a text, or next to one if it is `alone`, as only then it can be corrected; false when it
/// is neither, or that does not help.
fn fill_head(
    grammar: &CompiledGrammar,
    head: Frame,
    alone: bool,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) -> bool {
    let pda = grammar.pda();
    if let Some(text) = grammar.text_state(head.state)
        && let Some(remainders) = &text.slice.remainders
        && (alone || text.base == head.state)
        && let Some(base) = base_of(pda, head, text, stack)
        && !scratch.looking.interferes(pda, base, &text.own_loop, stack)
    {
        fill_loop(grammar, base, (&text.slice, remainders), &text.own_loop, stack, scratch, row);
        if base != head {
            difference::correct(grammar, None, head, base, stack, scratch, row);
        }
        return true;
    }
    false
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

/// The mask of a single head in a loop that nothing interferes with.
fn fill_loop(
    grammar: &CompiledGrammar,
    head: Frame,
    (slice, remainders): (&Slice, &Remainders),
    own_loop: &Loop,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    let pda = grammar.pda();
    let room = Room::of(pda, head, own_loop);
    slice.set_up_to(room.left, row);
    stack.registers.hide(true);
    if room.unchanged > grammar.tokenizer().index().max_depth() as u32 {
        // No token is long enough for its count to matter.
        walk(grammar, &remainders.index, None, &[head], stack, scratch, Sink::All(row));
    } else {
        let mut count = Some(head.count);
        for index in remainders.by_characters_before() {
            let Some(now) = count else { break };
            walk(grammar, index, None, &[Frame { count: now, ..head }], stack, scratch, Sink::All(row));
            count = pda.count_after(now, true, head.state);
        }
    }
    stack.registers.hide(false);
}
