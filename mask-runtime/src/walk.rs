//! Walks the token trie with a configuration: the text part of a mask.

use grammar_ir::pda::Pda;

use crate::bitmask;
use crate::slice::Slice;
use crate::stack::{Frame, Mark, Stack};
use crate::step::{Byte, Scratch, step};
use crate::token_index::TokenIndex;

/// Buffers of a walk, kept to spare allocations.
#[derive(Debug, Clone, Default)]
pub(crate) struct WalkScratch {
    step: Scratch,
    /// The heads of each level of the path, one after the other.
    heads: Vec<Frame>,
    levels: Vec<Level>,
    next: Vec<Frame>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    first_head: usize,
    past_head: usize,
    /// The stack with the nodes this level's heads need.
    stack: Mark,
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

    fn covers(&self, node: usize) -> bool {
        matches!(self, Self::Uncovered(_, slice) if slice.covers(node))
    }
}

/// Gives `sink` every token of `index` whose bytes `heads` can consume.
///
/// The stack is as before when it returns.
pub(crate) fn walk(
    pda: &Pda,
    index: &TokenIndex,
    heads: &[Frame],
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    mut sink: Sink<'_>,
) {
    let WalkScratch { step: step_scratch, heads: arena, levels, next } = scratch;
    let nodes = index.nodes();
    let bottom = stack.mark();
    arena.clear();
    arena.extend_from_slice(heads);
    levels.clear();
    levels.push(Level { first_head: 0, past_head: arena.len(), stack: bottom });
    let mut position = 0;
    while let Some(node) = nodes.get(position) {
        if sink.covers(position) {
            position = node.subtree_end as usize;
            continue;
        }
        levels.truncate(usize::from(node.depth));
        let parent = levels[levels.len() - 1];
        arena.truncate(parent.past_head);
        stack.truncate(parent.stack, false);
        next.clear();
        let heads = &arena[parent.first_head..parent.past_head];
        step(pda, heads, &mut Byte(node.byte), stack, false, step_scratch, next);
        if next.is_empty() {
            position = node.subtree_end as usize;
            continue;
        }
        arena.extend_from_slice(next);
        sink.take(index, position);
        levels.push(Level { first_head: parent.past_head, past_head: arena.len(), stack: stack.mark() });
        position += 1;
    }
    stack.truncate(bottom, false);
}
