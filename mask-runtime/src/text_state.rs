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
use crate::thresholds::Thresholds;

/// What is known of a state with a loop, or next to one.
#[derive(Debug)]
pub(crate) struct TextState {
    /// The state with the loop.
    pub(crate) base: StateId,
    pub(crate) own_loop: Loop,
    pub(crate) slice: Arc<Slice>,
    /// The bytes on which the state and its base do different things; empty where they are one.
    pub(crate) differs: ByteSet,
    /// Whether only the base can return: the two are next to each other where nothing can be consumed after that.
    pub(crate) only_base_returns: bool,
    /// The remainders that were asked for first, and the bytes that they begin with.
    pub(crate) remainders: OnceLock<(ByteSet, Option<Arc<Remainders>>)>,
}

/// A state that differs from another one on more bytes than this is not taken to be next to it.
const MAX_DIFFERENT: usize = 112;

impl TextState {
    /// What is known of `state`, which has the loop.
    pub(crate) fn with_loop(state: StateId, own_loop: Loop, slice: Arc<Slice>) -> Self {
        let differs = ByteSet::EMPTY;
        Self { base: state, own_loop, slice, differs, only_base_returns: false, remainders: OnceLock::new() }
    }

    /// What is known of `state`, of which this may be what is known of the base; `None` if the two differ too much.
    pub(crate) fn next_to(&self, pda: &Pda, state: StateId) -> Option<Self> {
        let differs = different(pda.byte_edges(state), pda.byte_edges(self.base));
        (differs.len() <= MAX_DIFFERENT).then(|| Self {
            base: self.base,
            own_loop: self.own_loop.clone(),
            slice: Arc::clone(&self.slice),
            differs,
            only_base_returns: pda.is_accepting(self.base) && !pda.is_accepting(state),
            remainders: OnceLock::new(),
        })
    }
}

/// Whether `state` may have a loop or be next to one, as far as that is told from its own edges. Most states are on the way
/// through a literal, and of those nothing needs to be known. What reads few bytes is not next to a loop, which are on more.
#[inline]
pub(crate) fn may_be(pda: &Pda, state: StateId, least: &Thresholds) -> bool {
    let (edges, calls) = (pda.byte_edges(state), pda.call_edges(state));
    if edges.len() > FEW_EDGES || edges.iter().any(|edge| edge.target == state) {
        return true;
    }
    if !calls.is_empty() {
        return calls.iter().any(|edge| edge.target == state);
    }
    edges.iter().map(|edge| usize::from(edge.high - edge.low) + 1).sum::<usize>() >= least.text_bytes
}

/// States with more edges are not told apart from these.
const FEW_EDGES: usize = 8;

/// The state that `state` may be next to, if that one has a loop: where most bytes lead.
pub(crate) fn nearest(pda: &Pda, state: StateId) -> Option<StateId> {
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
    // What comes after a return is the same for both, as their frames are but for the state. That only the base returns is looked
    // at where that is known: so is the beginning of a text that may not be empty.
    let returns_alike = pda.is_accepting(base) || !pda.is_accepting(state);
    let is_plain = !pda.is_accepting(base) || pda.scope_of(base).is_none();
    (base != state && only_reads(pda, base) && returns_alike && is_plain).then_some(base)
}

/// Whether a state does nothing but read bytes or return.
fn only_reads(pda: &Pda, state: StateId) -> bool {
    pda.call_edges(state).is_empty() && pda.token_edges(state).is_empty()
}

/// The bytes on which the edges of two states do different things.
fn different(left: &[ByteEdge], right: &[ByteEdge]) -> ByteSet {
    // From one place where an edge of either begins or is past up to the next, all bytes are alike.
    let mut places = ByteSet::range(0, 0);
    for edge in left.iter().chain(right) {
        places.insert(edge.low);
        edge.high.checked_add(1).into_iter().for_each(|past| places.insert(past));
    }
    let mut differs = ByteSet::EMPTY;
    let mut places = places.iter().peekable();
    while let Some(place) = places.next() {
        if !edges_on(left, place).eq(edges_on(right, place)) {
            differs.insert_range(place, places.peek().map_or(u8::MAX, |next| next - 1));
        }
    }
    differs
}

/// What edges on `byte` do.
fn edges_on(edges: &[ByteEdge], byte: u8) -> impl Iterator<Item = ByteEdge> {
    // They are ascending.
    let on_byte = edges.iter().take_while(move |edge| edge.low <= byte).filter(move |edge| byte <= edge.high);
    on_byte.map(|&edge| ByteEdge { low: 0, high: 0, ..edge })
}
