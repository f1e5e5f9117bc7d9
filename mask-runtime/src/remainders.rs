//! The tokens that leave a loop: a walk over what of them comes after their characters in it.
//!
//! Where the loop counts, which of them fit depends on the number of characters before the remainder.

use grammar_ir::pda::Pda;

use crate::compiled::CompiledGrammar;
use crate::loops::Loop;
use crate::slice::Remainders;
use crate::stack::{Frame, Stack};
use crate::walk::{Sink, WalkScratch, walk};

/// How far a count is from where it matters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// How many times more the loop may be taken.
    pub(crate) left: u32,
    /// How many more counts it takes until anything can be done, or no longer be done, that differs.
    unchanged: u32,
}

impl Room {
    pub(crate) fn of(pda: &Pda, head: Frame, own_loop: &Loop) -> Self {
        if own_loop.counts {
            let (state, count) = (head.state, head.count);
            Self { left: pda.counts_left(state, count), unchanged: pda.counts_unchanged(state, count) }
        } else {
            // The count does not change in the loop; an edge that leaves it sees the same count at every length.
            Self { left: u32::MAX, unchanged: u32::MAX }
        }
    }
}

/// With fewer iterations left than this, most remainders would have to be looked at again.
const MIN_TOGETHER: u32 = 8;

/// Sets the tokens with remainders that `head`, in a loop that nothing interferes with, can consume. The stack is as before
/// when it returns.
pub(crate) fn walk_remainders(
    grammar: &CompiledGrammar,
    head: Frame,
    remainders: &Remainders,
    room: Room,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    let pda = grammar.pda();
    stack.registers.hide(true);
    if room.unchanged > grammar.tokenizer().index().max_depth() as u32 {
        // No token is long enough for its count to matter.
        walk(grammar, &remainders.index, None, &[head], stack, scratch, Sink::All(row));
    } else {
        // Below the least count, and where nearly every remainder meets the greatest one, each number of characters
        // before a remainder apart; the others together.
        let together = room.left >= MIN_TOGETHER && pda.counts_only_limit(head.state);
        let apart = if together { pda.counts_missing(head.state, head.count) as usize } else { usize::MAX };
        let mut count = Some(head.count);
        for index in remainders.by_characters_before().iter().take(apart) {
            let Some(now) = count else { break };
            walk(grammar, index, None, &[Frame { count: now, ..head }], stack, scratch, Sink::All(row));
            count = pda.count_after(now, true, head.state);
        }
        if let (true, Some(count)) = (together, count) {
            let sink = Sink::Counted { row, remainders, from: apart as u32, left: room.left };
            walk(grammar, &remainders.index, None, &[Frame { count, ..head }], stack, scratch, sink);
        }
    }
    stack.registers.hide(false);
}
