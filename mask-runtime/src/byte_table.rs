//! What a state does on each byte, for the states and bytes where that is one plain edge or nothing.
//!
//! A walk asks for the same few states over and over, and in most of them there is nothing to call, to count or to return
//! to on a byte. One look-up then does for a step. What may be returned to is not looked at here.

use grammar_ir::StateId;
use grammar_ir::pda::{ByteEdge, Pda};

use crate::stack::Frame;

/// With no more edges than this, looking at each of them is as quick as a table, which would have to be made.
const FEW_EDGES: usize = 16;

/// The same for calls.
const FEW_CALLS: usize = 4;

/// The head after `byte`, by the edges of the state of `head`, if these are few; `Some(None)` where it takes a step to tell.
#[inline]
pub(crate) fn of_few(pda: &Pda, head: Frame, byte: u8) -> Option<Option<Option<Frame>>> {
    let edges = pda.byte_edges(head.state);
    let calls = pda.call_edges(head.state);
    if edges.len() > FEW_EDGES || calls.len() > FEW_CALLS {
        return None;
    }
    if calls.iter().any(|edge| pda.procedure(edge.procedure).first_bytes.contains(byte)) {
        return Some(None);
    }
    // They are ascending.
    let mut matching = edges.iter().take_while(|edge| edge.low <= byte).filter(|edge| byte <= edge.high);
    Some(match (matching.next(), matching.next()) {
        (None, _) => Some(None),
        (Some(edge), None) if is_plain(pda, edge) => Some(Some(Frame { state: edge.target, ..head })),
        _ => None,
    })
}

/// Whether an edge does nothing but lead to its target, and there is something to do there but to return.
fn is_plain(pda: &Pda, edge: &ByteEdge) -> bool {
    !edge.counts && edge.marks.is_none() && !pda.is_guarded(edge.target) && !pda.is_final(edge.target)
}

/// A table over the bytes.
#[derive(Debug)]
pub(crate) struct ByteTable {
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
            for target in &mut targets[usize::from(edge.low)..=usize::from(edge.high)] {
                *target = if is_plain(pda, edge) && *target == NOTHING { edge.target.as_u32() } else { UNKNOWN };
            }
        }
        for edge in pda.call_edges(state) {
            for byte in pda.procedure(edge.procedure).first_bytes.iter() {
                targets[usize::from(byte)] = UNKNOWN;
            }
        }
        Self { targets }
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
