//! How often one token can count.
//!
//! A mask depends on a count only as far as a token can bring it to where something changes. No token has more bytes than the longest
//! one, which in most vocabularies is a row of a hundred blanks. But most lists go on with a comma each time, and no token has
//! more than a few of these: where there is such a byte, a list of up to a hundred items has the same masks for the first eighty.

use std::sync::OnceLock;

use grammar_ir::pda::{Pda, Procedure};
use grammar_ir::{ByteSet, StateId};
use rustc_hash::FxHashSet;

use crate::chunks::Chunks;

/// With more states, or more bytes to choose from, a procedure is not looked into.
const MAX_STATES: usize = 64;
const MAX_BYTES: u32 = 8;

/// Per procedure with a counter: how many counts a token can make. Found out when it is first asked for.
#[derive(Debug, Default)]
pub(crate) struct Iterations(OnceLock<Chunks<OnceLock<u32>>>);

impl Iterations {
    /// For the procedure of `state`. `occurrences` says how often a byte is in the token that has it most often, and `longest` is the
    /// length of the longest token.
    pub(crate) fn most_counts(&self, pda: &Pda, state: StateId, longest: u32, occurrences: impl Fn(u8) -> u32) -> u32 {
        let number = pda.procedure_of(state);
        let all = self.0.get_or_init(|| Chunks::new(pda.procedures().len()));
        *all.get(number.index()).get_or_init(|| {
            // The last iteration that begins in a token may end in another one.
            let bytes = bytes_of_each(pda, pda.procedure(number));
            bytes.iter().map(|byte| occurrences(byte) + 1).min().map_or(longest, |most| most.min(longest))
        })
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.0.get().map_or(0, |all| all.memory(|_| 0))
    }
}

/// The ASCII bytes that are in each iteration of `procedure`: from an edge that counts, that edge included, up to the next one.
fn bytes_of_each(pda: &Pda, procedure: &Procedure) -> ByteSet {
    let states = || procedure.states.clone().map(StateId::from_u32);
    let mut bytes = ByteSet::EMPTY;
    if procedure.states.len() > MAX_STATES {
        return bytes;
    }
    for edge in states().flat_map(|state| pda.byte_edges(state)) {
        if edge.low == edge.high && edge.low.is_ascii() {
            bytes.insert_range(edge.low, edge.high);
        }
    }
    if bytes.len() > MAX_BYTES as usize {
        return ByteSet::EMPTY;
    }
    let candidates: Vec<u8> = bytes.iter().filter(|&byte| is_in_each(pda, procedure, byte)).collect();
    candidates.into_iter().fold(ByteSet::EMPTY, |mut bytes, byte| {
        bytes.insert_range(byte, byte);
        bytes
    })
}

/// Whether `byte` is in each iteration of `procedure`.
fn is_in_each(pda: &Pda, procedure: &Procedure, byte: u8) -> bool {
    let mut agenda: Vec<StateId> = Vec::new();
    for state in procedure.states.clone().map(StateId::from_u32) {
        let begins = |edge: &Edge| edge.counts && edge.byte != Some(byte);
        agenda.extend(edges(pda, state).filter(begins).map(|edge| edge.target));
    }
    let mut met: FxHashSet<StateId> = agenda.iter().copied().collect();
    while let Some(state) = agenda.pop() {
        for edge in edges(pda, state) {
            if edge.counts {
                return false;
            }
            if edge.byte != Some(byte) && met.insert(edge.target) {
                agenda.push(edge.target);
            }
        }
    }
    true
}

/// What matters of an edge.
struct Edge {
    /// The byte that it consumes, if it is only one.
    byte: Option<u8>,
    counts: bool,
    target: StateId,
}

fn edges(pda: &Pda, state: StateId) -> impl Iterator<Item = Edge> {
    let bytes = pda.byte_edges(state).iter().map(|edge| Edge {
        byte: (edge.low == edge.high).then_some(edge.low),
        counts: edge.counts,
        target: edge.target,
    });
    let calls = pda.call_edges(state).iter().map(|edge| Edge { byte: None, counts: edge.counts, target: edge.target });
    let tokens =
        pda.token_edges(state).iter().map(|edge| Edge { byte: None, counts: edge.counts, target: edge.target });
    bytes.chain(calls).chain(tokens)
}
