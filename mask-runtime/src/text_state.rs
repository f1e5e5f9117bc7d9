//! States inside a text, and states that are all but inside one.
//!
//! In `{"na…` the key may become `name`, or any other key: the state reads on along `name`, and on every other character
//! it goes where all keys go. So its mask is that of the state for all other keys, its *base*, but for the few tokens that
//! follow the name; see [`difference`](crate::difference).

use std::sync::{Arc, OnceLock};

use grammar_ir::pda::{ByteEdge, Pda};
use grammar_ir::{ByteSet, StateId};

use crate::loops::Loop;
use crate::remainders::Remainders;
use crate::slice::Slice;

/// What is known of a state with a loop, or next to one.
#[derive(Debug)]
pub(crate) struct TextState {
    /// The state with the loop.
    pub(crate) base: StateId,
    pub(crate) own_loop: Loop,
    pub(crate) slice: Arc<Slice>,
    /// The bytes on which the state and its base do different things; empty where they are one.
    pub(crate) differs: ByteSet,
    /// The remainders that were asked for first, and the bytes that they begin with.
    pub(crate) remainders: OnceLock<(ByteSet, Option<Arc<Remainders>>)>,
}

/// A state that differs from another one on more bytes than this is not taken to be next to it.
const MAX_DIFFERENT: usize = 112;

impl TextState {
    pub(crate) fn of(pda: &Pda, state: StateId, slice: impl Fn(&Loop) -> Arc<Slice>) -> Option<Self> {
        if let Some(own_loop) = Loop::of(pda, state) {
            let slice = slice(&own_loop);
            return Some(Self { base: state, own_loop, slice, differs: ByteSet::EMPTY, remainders: OnceLock::new() });
        }
        if !only_reads(pda, state) {
            return None;
        }
        let mut widths: Vec<(usize, StateId)> = Vec::new();
        for edge in pda.byte_edges(state).iter().filter(|edge| edge.marks.is_none()) {
            let width = usize::from(edge.high - edge.low) + 1;
            match widths.iter_mut().find(|(_, target)| *target == edge.target) {
                Some(known) => known.0 += width,
                None => widths.push((width, edge.target)),
            }
        }
        let (_, base) = widths.into_iter().max()?;
        // What comes after a return is the same for both, as their frames are but for the state.
        let returns_alike = pda.is_accepting(state) == pda.is_accepting(base);
        let is_plain = !pda.is_accepting(base) || pda.scope_of(base).is_none();
        if !only_reads(pda, base) || !returns_alike || !is_plain {
            return None;
        }
        let own_loop = Loop::of(pda, base)?;
        let differs: ByteSet =
            (0..=u8::MAX).filter(|&byte| !edges_on(pda, state, byte).eq(edges_on(pda, base, byte))).collect();
        (differs.len() <= MAX_DIFFERENT).then(|| Self {
            base,
            slice: slice(&own_loop),
            own_loop,
            differs,
            remainders: OnceLock::new(),
        })
    }
}

/// Whether a state does nothing but read bytes or return.
fn only_reads(pda: &Pda, state: StateId) -> bool {
    pda.call_edges(state).is_empty() && pda.token_edges(state).is_empty()
}

/// What the edges of `state` on `byte` do.
fn edges_on(pda: &Pda, state: StateId, byte: u8) -> impl Iterator<Item = ByteEdge> {
    let on_byte = pda.byte_edges(state).iter().filter(move |edge| edge.low <= byte && byte <= edge.high);
    on_byte.map(|&edge| ByteEdge { low: 0, high: 0, ..edge })
}
