//! The mask of a state from that of a state nearby.

use grammar_ir::ByteSet;

use crate::bitmask;
use crate::compiled::CompiledGrammar;
use crate::distinct::is_live;
use crate::stack::{Frame, Mark, Stack};
use crate::step::{Byte, step};
use crate::walk::{Sink, WalkScratch, walk};

/// Buffers of a correction, kept to spare allocations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Correction {
    forks: Vec<(Fork, Mark)>,
    after: Vec<Frame>,
    after_base: Vec<Frame>,
}

/// A place in the trie that is still to be compared.
#[derive(Debug, Clone, Copy)]
struct Fork {
    node: u32,
    head: Frame,
    base: Frame,
}

/// Corrects the bits of the tokens below `node` (of all tokens, without one) from what they are for the head `base` to what
/// they are for `head`, a head in a state next to that of `base`. The stack is as before when it returns.
pub(crate) fn correct(
    grammar: &CompiledGrammar,
    node: Option<u32>,
    head: Frame,
    base: Frame,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    row: &mut [u32],
) {
    let (pda, index) = (grammar.pda(), grammar.tokenizer().index());
    let bottom = stack.mark();
    let mut buffers = std::mem::take(&mut scratch.correction);
    let Correction { forks, after, after_base } = &mut buffers;
    forks.clear();
    add_forks(grammar, node, head, base, bottom, forks);
    while let Some((Fork { node, head, base }, mark)) = forks.pop() {
        stack.truncate(mark, false);
        let byte = index.nodes()[node as usize].byte;
        after.clear();
        after_base.clear();
        stack.registers.take_doubtful();
        for (head, after) in [(head, &mut *after), (base, &mut *after_base)] {
            match grammar.plain_step(head, byte, stack) {
                Some(next) => after.extend(next),
                None => step(pda, &[head], &mut Byte(byte), stack, false, &mut scratch.step, after),
            }
        }
        let is_doubtful = stack.registers.take_doubtful();
        if after == after_base && !is_doubtful {
            continue;
        }
        stack.registers.push_text(byte);
        if !is_live(grammar, after, stack, &mut scratch.parts) {
            after.clear();
        }
        if is_doubtful || stack.registers.take_doubtful() {
            // Which head there is depends on values that are not known.
            scratch.doubtful.extend_from_slice(index.subtree_tokens(node));
            continue;
        }
        if let (&[head], &[still]) = (after.as_slice(), after_base.as_slice())
            && still.state == base.state
            && still == (Frame { state: still.state, ..head })
            && grammar
                .text_state(head.state)
                .is_some_and(|text| text.base == base.state && (!text.only_base_returns || stack.is_inert(head.below)))
        {
            bitmask::set_each(row, index.own_tokens(node));
            add_forks(grammar, Some(node), head, still, stack.mark(), forks);
            continue;
        }
        index.subtree_tokens(node).iter().for_each(|&token| bitmask::clear(row, token));
        if !after.is_empty() {
            bitmask::set_each(row, index.own_tokens(node));
            walk(grammar, index, Some(node), after, stack, scratch, Sink::All(row));
        }
    }
    scratch.correction = buffers;
    stack.truncate(bottom, false);
}

/// Adds the nodes below `node` at which `head` and `base` may do different things.
fn add_forks(
    grammar: &CompiledGrammar,
    node: Option<u32>,
    head: Frame,
    base: Frame,
    mark: Mark,
    forks: &mut Vec<(Fork, Mark)>,
) {
    let index = grammar.tokenizer().index();
    let differs = grammar.text_state(head.state).map_or(ByteSet::EMPTY, |text| text.differs);
    for child in index.children(node, &differs) {
        forks.push((Fork { node: child, head, base }, mark));
    }
}
