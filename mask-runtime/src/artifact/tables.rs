//! The tables of a loaded grammar, at work.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use grammar_ir::StateId;
use grammar_ir::pda::BLOCK_STATES;
use grammar_ir::table::Table;

use super::checksum::checksum;
use super::error::{ArtifactError, Mismatch};
use super::set::{EntryRecord, NOT_KNOWN, Sets};
use crate::bitmask;
use crate::compiled::CompiledGrammar;
use crate::distinct::is_live;
use crate::stack::{Frame, NodeId, Stack};
use crate::step::{Byte, step};
use crate::walk::WalkScratch;

/// What is wrong with the tables of a grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TablesFault(String);

/// What is known of the masks of a grammar. Entries are looked at in blocks and sets one by one when they are first used.
#[derive(Debug)]
pub(crate) struct Tables {
    /// Per state, and at the end that of the first mask.
    entries: Table<EntryRecord>,
    /// Of each block of entries.
    checksums: Table<u64>,
    /// Per block: `NEW`, `SOUND` or `DAMAGED`.
    blocks: Box<[AtomicU8]>,
    sets: Sets,
    fault: OnceLock<TablesFault>,
    /// A bit per state: whether a mask was asked for that its entry should have helped with, had there been one.
    missed: Box<[AtomicU32]>,
}

/// With more dependent tokens than this it is quicker to work the mask out as a whole.
pub(super) const MAX_DEPENDENT: usize = 8;

const NEW: u8 = 0;
const SOUND: u8 = 1;
const DAMAGED: u8 = 2;

/// The checksum of each block of entries.
pub(super) fn entry_checksums(entries: &[EntryRecord]) -> impl Iterator<Item = u64> {
    entries.chunks(BLOCK_STATES).map(|block| checksum(bytemuck::cast_slice(block)))
}

impl Tables {
    /// The tables of a grammar of so many states.
    ///
    /// # Errors
    /// When these are not as many as there are entries, or the checksums not as many as blocks of entries.
    pub(super) fn new(
        entries: Table<EntryRecord>,
        checksums: Table<u64>,
        sets: Sets,
        states: usize,
    ) -> Result<Self, ArtifactError> {
        let expected = |what: &str, found: usize, expected: usize| {
            let count = Mismatch { found: found as u64, expected: expected as u64 };
            let error = || ArtifactError::Count { what: what.to_owned(), count };
            if found == expected { Ok(()) } else { Err(error()) }
        };
        expected("entries of a grammar", entries.len(), states + 1)?;
        let blocks = entries.len().div_ceil(BLOCK_STATES);
        expected("checksums of blocks of entries", checksums.len(), blocks)?;
        let missed = (0..entries.len().div_ceil(32)).map(|_| AtomicU32::new(0)).collect();
        let blocks = (0..blocks).map(|_| AtomicU8::new(NEW)).collect();
        Ok(Self { entries, checksums, blocks, sets, fault: OnceLock::new(), missed })
    }

    /// The entry with this number, if it says something. What is wrong with it, or with the sets that it names, is noted as
    /// the [fault](Self::fault) of the tables; then there is none.
    #[inline]
    fn entry(&self, index: usize) -> Option<&EntryRecord> {
        let block = index / BLOCK_STATES;
        if self.blocks.get(block)?.load(Ordering::Acquire) != SOUND && !self.is_sound(block) {
            return None;
        }
        let entry = self.entries.get(index).filter(|entry| entry.is_known())?;
        let sets = [entry.accepted, entry.dependent];
        match sets.into_iter().try_for_each(|set| self.sets.check(set)) {
            Ok(()) => Some(entry),
            Err(error) => {
                self.note(&error);
                None
            }
        }
    }

    /// Looks at a block of entries, unless that has been done.
    #[cold]
    fn is_sound(&self, block: usize) -> bool {
        let known = &self.blocks[block];
        if known.load(Ordering::Acquire) == NEW {
            let found = self.check_block(block);
            let state = if found.is_ok() { SOUND } else { DAMAGED };
            if let Err(error) = found {
                self.note(&error);
            }
            known.store(state, Ordering::Release);
        }
        known.load(Ordering::Acquire) == SOUND
    }

    fn check_block(&self, block: usize) -> Result<(), ArtifactError> {
        let first = block * BLOCK_STATES;
        let entries = &self.entries[first..(first + BLOCK_STATES).min(self.entries.len())];
        let part = || format!("entries {first}..{}", first + entries.len());
        let (found, expected) = (checksum(bytemuck::cast_slice(entries)), self.checksums[block]);
        if found != expected {
            return Err(ArtifactError::Checksum { part: part(), checksum: Mismatch { found, expected } });
        }
        let invalid = |fault| Err(ArtifactError::Invalid { part: part(), fault });
        if entries.iter().any(|entry| !entry.is_known() && *entry != EntryRecord::NONE) {
            return invalid("one says something of a state of which nothing is known");
        }
        if entries.iter().any(|entry| entry.is_known() && entry.dependent == NOT_KNOWN) {
            return invalid("one has no set of dependent tokens");
        }
        Ok(())
    }

    fn note(&self, error: &ArtifactError) {
        self.fault.get_or_init(|| TablesFault(error.to_string()));
    }

    /// What was found wrong so far. What the tables answered is not to be relied on then.
    #[inline]
    pub(crate) fn fault(&self) -> Option<&TablesFault> {
        self.fault.get()
    }

    /// Looks at all entries, and the sets that they name.
    pub(crate) fn check(&self) -> Result<(), TablesFault> {
        (0..self.entries.len()).for_each(|index| {
            self.entry(index);
        });
        self.fault.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// Looks at what the first mask needs.
    pub(crate) fn look_at_start(&self) {
        self.entry(self.entries.len() - 1);
    }

    /// Whether something is known of a state.
    pub(super) fn has(&self, state: StateId) -> bool {
        state.index() + 1 < self.entries.len() && self.entry(state.index()).is_some()
    }

    /// Whether something would have been of use of a state of which nothing is known.
    pub(super) fn was_missed(&self, state: StateId) -> bool {
        self.missed
            .get(state.index() / 32)
            .is_some_and(|word| word.load(Ordering::Relaxed) >> (state.index() % 32) & 1 == 1)
    }

    /// Bytes of memory, without the file.
    pub(crate) fn memory(&self) -> usize {
        self.entries.memory() + size_of_val(&*self.missed) + size_of_val(&*self.blocks)
    }

    /// Sets the bits of the tokens that can come after `head`, a configuration of its own; false when the tables do not
    /// help with that or are damaged, and `row` is as it was. The row is zero before.
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
        let last = self.entries.len() - 1;
        let start = if is_start { self.entry(last) } else { None };
        let own = || if head.state.index() < last { self.entry(head.state.index()) } else { None };
        let Some(entry) = start.or_else(own) else {
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
        if heads.is_empty() || !is_live(grammar, heads, stack, parts) {
            heads.clear();
            break;
        }
    }
    stack.truncate(mark, false);
    !heads.is_empty()
}
