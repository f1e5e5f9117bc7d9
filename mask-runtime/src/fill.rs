//! The text part of a mask: which way to compute it, if it is not known ([`known_rows`](crate::known_rows)).
//!
//! 1. One head in a text, and nothing else can happen on the text's characters: the slice's row, and a walk over the
//!    remainders ([`slice`](crate::slice)). Near a bound of a counted loop, where the count matters, the
//!    remainders of each number of characters before them are walked apart. Where the head is next to a text, a correction
//!    ([`difference`](crate::difference)).
//! 2. A few heads: the same for each of them that is in a text, as a mask is the union of those of its heads.
//! 3. Any number of heads, one of them among states that read the same characters: the slice's row, and a walk over the
//!    tokens that are not in it ([`component`](crate::component)).
//! 4. Otherwise a walk over the whole trie, which does the same where it comes into a text ([`walk`](crate::walk)).

use grammar_ir::ByteSet;

use crate::bitmask;
use crate::chain::fill_chain;
use crate::compiled::{CompiledGrammar, ComponentSlice};
use crate::component::is_out_of_reach;
use crate::difference;
use crate::distinct::{PartScratch, exclude, fits};
use crate::doubt::{Depending, Doubt};
use crate::known_rows::{KnownId, KnownRow, Made};
use crate::remainders::{Room, walk_remainders};
use crate::stack::{Frame, Stack};
use crate::step::entered;
use crate::walk::{MAX_SEPARATE, Sink, WalkScratch, base_of, walk};

/// Makes `row` that of the tokens whose bytes `heads` can consume. The stack is as before when it returns.
///
/// `held` is the mask that `row` has already, if that is known; the answer is the one that it has then.
pub(crate) fn fill_text(
    grammar: &CompiledGrammar,
    heads: &[Frame],
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
    held: Option<KnownId>,
) -> Option<KnownId> {
    stack.registers.begin_token();
    // What tables know holds as long as no text has been seen that another one must differ from.
    if let (Some(tables), &[head]) = (grammar.tables(), heads)
        && !stack.registers.has_seen()
    {
        bitmask::clear_all(row);
        if tables.fill(grammar, head, stack, scratch, row) {
            return None;
        }
    }
    let mut holds = None;
    let mut key = std::mem::take(&mut scratch.key);
    // Values that have been seen only take tokens out: a mask is made without them, and what they take is looked at each time.
    let is_key = key.begin(grammar, heads, stack);
    let known = is_key.then(|| grammar.rows().get(&mut key, grammar, stack)).flatten();
    let is_anew = known.is_some_and(|known| matches!(known.row, KnownRow::Anew));
    if let Some(known) = known.filter(|_| !is_anew) {
        if held != Some(known.id()) {
            known.row.copy_to(row);
        }
        if !look_at_seen(grammar, heads, &known.depending, stack, &mut scratch.parts, row) {
            holds = Some(known.id());
        }
    } else {
        bitmask::clear_all(row);
        (scratch.slice, scratch.keeps) = (None, is_key);
        scratch.depending.clear();
        scratch.found.begin();
        stack.begin_reading();
        if is_anew || !fill_unseen(grammar, heads, stack, scratch, row) {
            if !is_anew && is_key && !stack.is_full() {
                grammar.rows().keep_none(&mut key, grammar, stack);
            }
            scratch.keeps = false;
            fill_by_kind(grammar, heads, stack, scratch, row);
            settle(grammar, heads, stack, scratch, row);
        } else if is_key && !stack.is_full() {
            let found = scratch.found.tokens();
            let made = Made { row, slice: scratch.slice.take(), found, depending: &scratch.depending };
            grammar.rows().keep(&mut key, grammar, stack, made);
        }
        look_at_seen(grammar, heads, &scratch.depending, stack, &mut scratch.parts, row);
    }
    scratch.key = key;
    holds
}

/// The mask as if no value that has been seen were known, with the tokens that depend on these. Where parts can be trapped, those may
/// be thousands: all that a number can begin with, where one begins. Then it answers with false, and `row` is empty.
fn fill_unseen(
    grammar: &CompiledGrammar,
    heads: &[Frame],
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) -> bool {
    let hidden = stack.registers.compares().then(|| stack.registers.hide_seen());
    fill_by_kind(grammar, heads, stack, scratch, row);
    let is_worth_it =
        scratch.doubtful.len() <= grammar.tokenizer().thresholds().doubtful_tokens || !stack.registers.has_traps();
    if is_worth_it {
        settle(grammar, heads, stack, scratch, row);
    } else {
        bitmask::clear_all(row);
        scratch.doubtful.clear();
        scratch.slice = None;
    }
    hidden.into_iter().for_each(|hidden| stack.registers.show(hidden));
    is_worth_it
}

/// Decides on the tokens that a walk has left open, but for those that depend on values that are not known.
fn settle(grammar: &CompiledGrammar, heads: &[Frame], stack: &mut Stack, scratch: &mut WalkScratch, row: &mut [u32]) {
    let WalkScratch { doubtful, depending, parts, found, .. } = scratch;
    for token in doubtful.drain(..) {
        stack.registers.take_doubt();
        let fits = fits(grammar, heads, grammar.vocabulary().bytes(token), stack, parts);
        let doubt = stack.registers.take_doubt();
        match (fits, bitmask::contains(row, token)) {
            (true, false) => {
                bitmask::set(row, token);
                found.add(&[token]);
            }
            (false, true) => {
                bitmask::clear(row, token);
                found.give_up();
            }
            _ => {}
        }
        if fits && doubt != Doubt::None {
            depending.push(Depending { token, doubt });
        }
    }
}

/// Takes out of a mask that was made as if no value were known what the values that have been seen rule out; says whether that is
/// anything. `depending` are the tokens that may be. The part that is being read is a value as well, once it has ended in a token.
fn look_at_seen(
    grammar: &CompiledGrammar,
    heads: &[Frame],
    depending: &[Depending],
    stack: &mut Stack,
    parts: &mut PartScratch,
    row: &mut [u32],
) -> bool {
    let mut changes = false;
    let seen = stack.registers.seen_set();
    for &Depending { token, doubt } in depending {
        if !doubt.is_settled(&seen) && !fits(grammar, heads, grammar.vocabulary().bytes(token), stack, parts) {
            bitmask::clear(row, token);
            changes = true;
        }
    }
    exclude(grammar, heads, stack, parts, row) || changes
}

/// The mask, but for what comes of distinct parts whose text a walk is not shown.
fn fill_by_kind(
    grammar: &CompiledGrammar,
    heads: &[Frame],
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    if let &[head] = heads {
        // A grammar that begins with a free text begins with a call of it; only in the text itself is it seen as one.
        let bottom = stack.mark();
        let entered = entered(grammar.pda(), head, stack);
        if !fill_head(grammar, entered, true, stack, scratch, row) {
            fill_rest(grammar, &[entered], stack, scratch, Sink::All(row));
        }
        stack.truncate(bottom, false);
        return;
    }
    if heads.len() <= MAX_SEPARATE {
        // A mask is the union of those of its heads.
        let mut rest = [heads[0]; MAX_SEPARATE];
        let mut count = 0;
        for &head in heads {
            if !fill_head(grammar, head, false, stack, scratch, row) {
                rest[count] = head;
                count += 1;
            }
        }
        if count < heads.len() {
            scratch.found.give_up();
        }
        if count > 0 {
            let sink = if count < heads.len() { Sink::Shared(row) } else { Sink::All(row) };
            fill_rest(grammar, &rest[..count], stack, scratch, sink);
        }
        return;
    }
    fill_rest(grammar, heads, stack, scratch, Sink::All(row));
}

/// The mask of heads that are not in a text: if one of them goes among states that read a set of characters, only a walk
/// over the other tokens.
fn fill_rest(grammar: &CompiledGrammar, heads: &[Frame], stack: &mut Stack, scratch: &mut WalkScratch, sink: Sink<'_>) {
    let (pda, index, vocabulary) = (grammar.pda(), grammar.tokenizer().index(), grammar.vocabulary());
    // How many tokens are left to be looked at, with the best of the components, and how much that is.
    let mut best: Option<(usize, usize, &ComponentSlice, u32)> = None;
    for &head in heads {
        if is_out_of_reach(pda, head, stack) {
            continue;
        }
        for found in grammar.components(head.state) {
            let steps = found.component.steps(pda, head, stack);
            if steps == 0 {
                continue;
            }
            let longer = found.slice.longer_than(steps, index).len();
            let others = index.tokens().len() - found.slice.count();
            let work = others + longer * LONGER_WORK;
            if best.is_none_or(|(_, least, ..)| work < least) {
                best = Some((others + longer, work, found, steps));
            }
        }
    }
    let Some((_, _, ComponentSlice { slice, .. }, steps)) =
        best.filter(|&(left, ..)| left <= index.tokens().len() / 4 * 3)
    else {
        return walk(grammar, index, None, heads, stack, scratch, sink);
    };
    let (Sink::All(row) | Sink::Shared(row) | Sink::Uncovered(row, _) | Sink::Counted { row, .. }) = sink;
    slice.set_up_to(steps, index, row);
    scratch.begin_with(slice, steps, index);
    match slice.others(vocabulary, index) {
        Some(others) => walk(grammar, others, None, heads, stack, scratch, Sink::All(row)),
        None => walk(grammar, index, None, heads, stack, scratch, Sink::Uncovered(row, slice)),
    }
    let longer = slice.longer_than(steps, index);
    let few = grammar.tokenizer().thresholds().longer_tokens;
    match slice.longer_index(steps, vocabulary, index).filter(|_| longer.len() > few) {
        Some(longer) => walk(grammar, longer, None, heads, stack, scratch, Sink::All(row)),
        None => scratch.doubtful.extend_from_slice(longer),
    }
}

/// A token that is too long for a component is more work than one that is not of its characters: tries are kept of those, but there
/// is another trie for each number of characters that is too long.
const LONGER_WORK: usize = 8;

/// More tokens than this are not judged one by one.
pub(crate) const MAX_LONGER: usize = 512;

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
    if !is_out_of_reach(pda, head, stack)
        && let Some(text) = grammar.text_state(head.state)
        && (alone || text.base == head.state)
        && let Some(base) = base_of(pda, head, text, stack)
        && !scratch.looking.interferes(pda, base, &text.own_loop.set, stack)
    {
        let room = Room::of(pda, base, &text.own_loop);
        let exits = exits(grammar, base, room, stack, scratch).intersection(&text.own_loop.set.others());
        let Some(remainders) = grammar.remainders(text, exits) else {
            return fill_chain(grammar, head, stack, scratch, row);
        };
        // All places in a key have the mask of other keys as their base.
        if base != head && take_known(grammar, base, stack, scratch, row) {
            scratch.found.give_up();
            difference::correct(grammar, None, head, base, stack, scratch, row);
            return true;
        }
        text.slice.set_up_to(room.left, grammar.tokenizer().index(), row);
        scratch.begin_with(&text.slice, room.left, grammar.tokenizer().index());
        let settled = scratch.doubtful.len();
        walk_remainders(grammar, base, &remainders, room, stack, scratch, row);
        if base != head {
            if scratch.keeps && scratch.doubtful.len() == settled && !stack.registers.has_compared() && !stack.is_full()
            {
                let found = scratch.found.tokens();
                let made = Made { row, slice: scratch.slice.clone(), found, depending: &[] };
                grammar.rows().keep(&mut scratch.base_key, grammar, stack, made);
            }
            scratch.found.give_up();
            difference::correct(grammar, None, head, base, stack, scratch, row);
        }
        return true;
    }
    fill_chain(grammar, head, stack, scratch, row)
}

/// Makes `row`, which is empty, the mask of `base` if that is known.
fn take_known(
    grammar: &CompiledGrammar,
    base: Frame,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) -> bool {
    let WalkScratch { base_key: key, keeps, doubtful, slice, .. } = scratch;
    *keeps = *keeps && key.begin(grammar, &[base], stack);
    let known = keeps.then(|| grammar.rows().get(key, grammar, stack)).flatten();
    let Some(known) = known.filter(|known| !matches!(known.row, KnownRow::Anew)) else { return false };
    known.row.copy_to(row);
    doubtful.extend(known.depending.iter().map(|depending| depending.token));
    *slice = known.row.slice().cloned();
    true
}

/// Counts further below the least one are not looked at one by one.
const MAX_MISSING: u32 = 256;

/// The bytes that can follow characters of the loop of `head`.
fn exits(grammar: &CompiledGrammar, head: Frame, room: Room, stack: &mut Stack, scratch: &mut WalkScratch) -> ByteSet {
    // What ends a part that has been seen can end it when characters have come in between.
    let hidden = stack.registers.hide();
    let exits = exits_of(grammar, head, room, stack, scratch);
    stack.registers.show(hidden);
    exits
}

fn exits_of(
    grammar: &CompiledGrammar,
    head: Frame,
    room: Room,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
) -> ByteSet {
    let pda = grammar.pda();
    let mut exits = scratch.looking.bytes(pda, &[head], stack);
    if room.unchanged > grammar.tokenizer().index().max_depth() as u32 {
        // What can follow does not depend on how often the loop is taken.
        return exits;
    }
    let missing = pda.counts_missing(head.state, head.count);
    if missing > MAX_MISSING || !pda.counts_only_limit(head.state) {
        return ByteSet::FULL;
    }
    let mut count = Some(head.count);
    for _ in 0..missing {
        count = count.and_then(|count| pda.count_after(count, true, head.state));
        let Some(count) = count else { break };
        exits = exits.union(&scratch.looking.bytes(pda, &[Frame { count, ..head }], stack));
    }
    exits
}
