//! What a state does on each byte, for the states and bytes where that is one plain edge or nothing.
//!
//! A walk asks for the same few states over and over, and in most of them there is nothing to call, to count or to return
//! to on a byte. One look-up then does for a step. What may be returned to is not looked at here.

use grammar_ir::StateId;
use grammar_ir::pda::{ByteEdge, Pda};

use crate::registers::Registers;
use crate::stack::Frame;

/// With no more edges than this, looking at each of them is as quick as a table, which would have to be made.
const FEW_EDGES: usize = 16;

/// The same for calls.
const FEW_CALLS: usize = 4;

/// The head after `byte`, by the edges of the state of `head`, if these are few; `Some(None)` where it takes a step to tell.
#[inline]
pub(crate) fn of_few(pda: &Pda, head: Frame, byte: u8, registers: &mut Registers) -> Option<Option<Option<Frame>>> {
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
        (Some(edge), None) if is_plain(pda, head.state, edge) => Some(follow(pda, head, edge, registers)),
        _ => None,
    })
}

/// Whether an edge of `state` does nothing but lead to its target, or count.
pub(crate) fn is_plain(pda: &Pda, state: StateId, edge: &ByteEdge) -> bool {
    if edge.marks.is_none() && !edge.counts && !pda.is_guarded(edge.target) {
        return true;
    }
    // Outside of scopes there are no marks. What ends a part depends on its text.
    pda.scope_of(state).is_none_or(|scope| edge.marks.is_none() && !scope.ends_part(edge.target.as_u32()))
}

/// The head after a plain edge, unless its count or its scope rules that out.
#[inline]
pub(crate) fn follow(pda: &Pda, head: Frame, edge: &ByteEdge, registers: &mut Registers) -> Option<Frame> {
    let count = if !edge.counts && !pda.is_guarded(edge.target) {
        head.count
    } else if let Some(scope) = pda.scope_of(head.state) {
        registers.is_alive(scope, head.count, edge.target.as_u32()).then_some(head.count)?
    } else {
        pda.count_after(head.count, edge.counts, edge.target)?
    };
    Some(Frame { state: edge.target, count, ..head })
}

/// A table over the bytes.
#[derive(Debug)]
pub(crate) struct ByteTable {
    /// The state's edge on each byte, by its number; [`NOTHING`] where there is none, [`UNKNOWN`] where it takes a step to
    /// tell.
    edges: Box<[u16; 256]>,
}

const NOTHING: u16 = u16::MAX;
const UNKNOWN: u16 = u16::MAX - 1;

impl ByteTable {
    /// The table of `state`.
    pub(crate) fn of(pda: &Pda, state: StateId) -> Self {
        let mut edges = Box::new([NOTHING; 256]);
        if pda.byte_edges(state).len() >= usize::from(UNKNOWN) {
            edges.fill(UNKNOWN);
            return Self { edges };
        }
        for (edge, number) in pda.byte_edges(state).iter().zip(0u16..) {
            for place in &mut edges[usize::from(edge.low)..=usize::from(edge.high)] {
                *place = if is_plain(pda, state, edge) && *place == NOTHING { number } else { UNKNOWN };
            }
        }
        for edge in pda.call_edges(state) {
            for byte in pda.procedure(edge.procedure).first_bytes.iter() {
                edges[usize::from(byte)] = UNKNOWN;
            }
        }
        Self { edges }
    }

    /// The head after `byte`, if there is one; `None` where it takes a step to tell.
    #[inline]
    pub(crate) fn after(&self, pda: &Pda, head: Frame, byte: u8, registers: &mut Registers) -> Option<Option<Frame>> {
        match self.edges[usize::from(byte)] {
            UNKNOWN => None,
            NOTHING => Some(None),
            number => {
                let edge = pda.byte_edges(head.state).get(usize::from(number));
                Some(edge.and_then(|edge| follow(pda, head, edge, registers)))
            }
        }
    }
}
