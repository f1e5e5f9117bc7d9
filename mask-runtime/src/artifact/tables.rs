//! The tables of a loaded grammar, at work.

use std::sync::atomic::{AtomicU32, Ordering};

use grammar_ir::StateId;
use grammar_ir::table::Table;

use super::set::{EntryRecord, Sets};
use crate::bitmask;
use crate::compiled::CompiledGrammar;
use crate::distinct::is_live;
use crate::stack::{Frame, NodeId, Stack};
use crate::step::{Byte, step};
use crate::walk::WalkScratch;

/// What is known of the masks of a grammar.
#[derive(Debug)]
pub(crate) struct Tables {
    /// Per state, and at the end that of the first mask.
    entries: Table<EntryRecord>,
    sets: Sets,
    /// A bit per state: whether a mask was asked for that its entry should have helped with, had there been one.
    missed: Box<[AtomicU32]>,
}

/// With more dependent tokens than this it is quicker to work the mask out as a whole.
const MAX_DEPENDENT: usize = 8;

impl Tables {
    /// Entries that have been checked, with the sets that they name.
    pub(super) fn new(entries: Table<EntryRecord>, sets: Sets) -> Self {
        let missed = (0..entries.len().div_ceil(32)).map(|_| AtomicU32::new(0)).collect();
        Self { entries, sets, missed }
    }

    fn entry(&self, state: StateId) -> Option<&EntryRecord> {
        self.entries.get(state.index()).filter(|entry| entry.is_known())
    }

    /// Whether something is known of a state.
    pub(super) fn has(&self, state: StateId) -> bool {
        self.entry(state).is_some()
    }

    /// Whether something would have been of use of a state of which nothing is known.
    pub(super) fn was_missed(&self, state: StateId) -> bool {
        self.missed
            .get(state.index() / 32)
            .is_some_and(|word| word.load(Ordering::Relaxed) >> (state.index() % 32) & 1 == 1)
    }

    /// Bytes of memory, without the file.
    pub(crate) fn memory(&self) -> usize {
        self.entries.memory() + size_of_val(&*self.missed)
    }

    /// Sets the bits of the tokens that can come after `head`, a configuration of its own; false when the tables do not
    /// help with that, and `row` is as it was. The row is zero before.
    pub(crate) fn fill(
        &self,
        grammar: &CompiledGrammar,
        head: Frame,
        stack: &mut Stack,
        scratch: &mut WalkScratch,
        row: &mut [u32],
    ) -> bool {
        let pda = grammar.pda();
        let is_start = head == Frame { state: pda.start(), count: 0, below: NodeId::BOTTOM };
        let start = self.entries.last().filter(|entry| is_start && entry.is_known());
        let Some(entry) = start.or_else(|| self.entry(head.state)) else {
            self.miss(head.state);
            return false;
        };
        if head.count >= entry.counts_below && entry.counts_below != u32::MAX {
            return false;
        }
        let dependent = match self.sets.short_list(entry.dependent) {
            Some(ids) if ids.len() <= MAX_DEPENDENT => ids,
            _ => return false,
        };
        self.sets.write(entry.accepted, row);
        if !dependent.is_empty() {
            let mut buffers = [Vec::new(), Vec::new()];
            for &token in dependent {
                if fits(grammar, head, token, stack, scratch, &mut buffers) {
                    bitmask::set(row, token);
                }
            }
        }
        true
    }

    fn miss(&self, state: StateId) {
        if let Some(word) = self.missed.get(state.index() / 32) {
            let bit = 1 << (state.index() % 32);
            // Most are set already, and a read does not take the line from other threads.
            if word.load(Ordering::Relaxed) & bit == 0 {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }
}

/// Whether `head` can consume the text of a token. What is in the buffers does not matter.
fn fits(
    grammar: &CompiledGrammar,
    head: Frame,
    token: u32,
    stack: &mut Stack,
    scratch: &mut WalkScratch,
    [heads, next]: &mut [Vec<Frame>; 2],
) -> bool {
    let pda = grammar.pda();
    let mark = stack.mark();
    let WalkScratch { step: step_scratch, parts, .. } = scratch;
    heads.clear();
    heads.push(head);
    for &byte in grammar.vocabulary().bytes(token) {
        next.clear();
        step(pda, heads, &mut Byte(byte), stack, false, step_scratch, next);
        stack.registers.push_text(byte);
        std::mem::swap(heads, next);
        if heads.is_empty() || !is_live(pda, heads, stack, parts) {
            heads.clear();
            break;
        }
    }
    stack.truncate(mark, false);
    !heads.is_empty()
}
