//! Masks that depend on nothing but the state, kept once they have been worked out.
//!
//! A head that can return only to where nothing more can be consumed is at the bottom of the stack, as it were, so without
//! a count or registers its state says it all. Free text around tool calls is of this kind, and a generation comes back to its few states with nearly every token.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use grammar_ir::pda::Pda;

use crate::stack::{Frame, Stack};

/// A grammar keeps this many rows, of 16 to 20 kB each at 128,000 to 152,000 tokens.
const MAX_ROWS: usize = 128;

/// The rows of one grammar.
#[derive(Debug)]
pub(crate) struct KnownRows {
    /// Per state.
    rows: Box<[OnceLock<Box<[u32]>>]>,
    /// How many are kept, or are about to be.
    kept: AtomicUsize,
}

impl KnownRows {
    pub(crate) fn new(states: usize) -> Self {
        Self { rows: std::iter::repeat_with(OnceLock::new).take(states).collect(), kept: AtomicUsize::new(0) }
    }

    /// Whether the mask of a configuration of this head alone depends on its state only.
    pub(crate) fn is_for(pda: &Pda, stack: &Stack, head: Frame) -> bool {
        stack.is_inert(head.below) && pda.counter_of(head.state).is_none() && pda.scope_of(head.state).is_none()
    }

    /// The text part of the mask of a head that it [`is_for`](Self::is_for).
    pub(crate) fn get(&self, head: Frame) -> Option<&[u32]> {
        self.rows[head.state.index()].get().map(|row| &**row)
    }

    /// Keeps it.
    pub(crate) fn keep(&self, head: Frame, row: &[u32]) {
        if self.kept.load(Ordering::Relaxed) < MAX_ROWS && self.rows[head.state.index()].set(row.into()).is_ok() {
            self.kept.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        let rows: usize = self.rows.iter().filter_map(OnceLock::get).map(|row| size_of_val::<[u32]>(row)).sum();
        size_of_val::<[OnceLock<_>]>(&self.rows) + rows
    }
}
