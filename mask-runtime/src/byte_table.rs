//! What a state does on each byte, for the states and bytes where that is one plain edge or nothing.
//!
//! A walk asks for the same few states over and over, and in most of them there is nothing to call, to count or to return
//! to on a byte. One look-up then does for a step.

use grammar_ir::StateId;
use grammar_ir::pda::Pda;

use crate::stack::Frame;

/// A table over the bytes.
#[derive(Debug)]
pub(crate) struct ByteTable {
    /// Whether the procedure may return from the state, so that the table is all there is only where nothing can be
    /// consumed after that.
    pub(crate) may_return: bool,
    /// The state after each byte; [`NOTHING`] where there is none, [`UNKNOWN`] where it takes a step to tell.
    targets: Box<[u32; 256]>,
}

const NOTHING: u32 = u32::MAX;
const UNKNOWN: u32 = u32::MAX - 1;

impl ByteTable {
    /// The table of `state`.
    pub(crate) fn of(pda: &Pda, state: StateId) -> Self {
        let mut targets = Box::new([NOTHING; 256]);
        for edge in pda.byte_edges(state) {
            let plain =
                !edge.counts && edge.marks.is_none() && !pda.is_guarded(edge.target) && !pda.is_final(edge.target);
            for target in &mut targets[usize::from(edge.low)..=usize::from(edge.high)] {
                *target = if plain && *target == NOTHING { edge.target.as_u32() } else { UNKNOWN };
            }
        }
        for edge in pda.call_edges(state) {
            for byte in pda.procedure(edge.procedure).first_bytes.iter() {
                targets[usize::from(byte)] = UNKNOWN;
            }
        }
        Self { may_return: pda.is_accepting(state), targets }
    }

    /// The head after `byte`, if there is one; `None` where it takes a step to tell.
    #[inline]
    pub(crate) fn after(&self, head: Frame, byte: u8) -> Option<Option<Frame>> {
        match self.targets[usize::from(byte)] {
            UNKNOWN => None,
            NOTHING => Some(None),
            target => Some(Some(Frame { state: StateId::from_u32(target), ..head })),
        }
    }
}
