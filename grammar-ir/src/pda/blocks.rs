//! Blocks of states, without trust: whatever the bytes of a block are, its states can be followed when it has been checked.
//!
//! Checked is what belongs to the block, and what it says of procedures and of the states that it leads to. These are looked
//! at without having been checked themselves; should they be damaged, that is found when somebody gets there.

use xxhash_rust::xxh3::Xxh3;

use super::stored::Stored;
use super::{
    ACCEPTING, ByteEdge, CallEdge, EdgeMarks, FINAL, FLAGS, GUARDED, InvalidPda, Pda, PdaParts, State, TokenEdge,
};
use crate::StateId;

/// The number of states that are looked at together, when the first of them is used.
pub const BLOCK_STATES: usize = 64;

/// The number of blocks of so many states, of which the last is past the end.
pub(super) fn block_count(states: &[State]) -> usize {
    states.len().saturating_sub(1).div_ceil(BLOCK_STATES)
}

/// The states of a block, and the one after them.
fn states_of(states: &[State], block: usize) -> &[State] {
    let start = block * BLOCK_STATES;
    &states[start..=(start + BLOCK_STATES).min(states.len() - 1)]
}

impl PdaParts {
    /// What [`checksums`](Self::checksums) have to be.
    pub fn block_checksums(&self) -> Vec<u64> {
        let edges = [self.byte_edges.as_bytes(), self.call_edges.as_bytes(), self.token_edges.as_bytes()];
        block_checksums(&self.states, edges)
    }
}

/// The checksum of each block of states, given the bytes of byte edges, call edges and token edges: XXH3 of the states of
/// the block, the one after them, and each kind of their edges, as far as these are there.
pub fn block_checksums(states: &[State], edges: [&[u8]; 3]) -> Vec<u64> {
    (0..block_count(states)).map(|block| block_checksum(states_of(states, block), edges)).collect()
}

fn block_checksum(states: &[State], [bytes, calls, tokens]: [&[u8]; 3]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(bytemuck::cast_slice(states));
    if let (Some(first), Some(last)) = (states.first(), states.last()) {
        hash.update(part::<ByteEdge>(bytes, first.byte_edges, last.byte_edges));
        hash.update(part::<CallEdge>(calls, first.call_edges, last.call_edges));
        hash.update(part::<TokenEdge>(tokens, first.token_edges, last.token_edges));
    }
    hash.digest()
}

/// The bytes of some edges; none if they are not there.
fn part<T>(edges: &[u8], from: u32, to: u32) -> &[u8] {
    let range = size_of::<T>().saturating_mul(from as usize)..size_of::<T>().saturating_mul(to as usize);
    edges.get(range).unwrap_or_default()
}

/// Checks a block that there is.
pub(super) fn check_block(pda: &Pda, stored: &Stored, block: usize) -> Result<(), InvalidPda> {
    let start = block * BLOCK_STATES;
    let states = states_of(&pda.states, block);
    let past = start + states.len() - 1;
    let edges = [pda.byte_edges.as_bytes(), pda.call_edges.as_bytes(), pda.token_edges.as_bytes()];
    let found = block_checksum(states, edges);
    let expected = stored.checksums.get(block).copied().unwrap_or_default();
    if found != expected {
        return Err(InvalidPda::Checksum { first: start, past, found, expected });
    }
    let ordered = |pair: &[State]| {
        let (state, next) = (pair[0], pair[1]);
        state.byte_edges <= next.byte_edges
            && state.call_edges <= next.call_edges
            && state.token_edges <= next.token_edges
    };
    if let Some(index) = states.windows(2).position(|pair| !ordered(pair)) {
        return Err(InvalidPda::new("state", start + index, "its edges end before they begin"));
    }
    check_ends(pda, states, start)?;
    let mut procedure = Own::of(stored, pda.states[start].procedure & !FLAGS);
    for (offset, pair) in states.windows(2).enumerate() {
        let index = start + offset;
        let number = pair[0].procedure & !FLAGS;
        if procedure.number != number {
            procedure = Own::of(stored, number);
        }
        if !procedure.states.contains(&(index as u32)) {
            return Err(InvalidPda::new("state", index, "it is not one of those of the procedure that it is in"));
        }
        check_state(pda, stored, &procedure, index, [pair[0], pair[1]])?;
    }
    Ok(())
}

/// Checks that the first state of all has the first edges, and that the last edges are those of the last one.
fn check_ends(pda: &Pda, states: &[State], start: usize) -> Result<(), InvalidPda> {
    let (first, past) = (states[0], start + states.len() - 1);
    if start == 0 && (first.byte_edges, first.call_edges, first.token_edges) != (0, 0, 0) {
        return Err(InvalidPda::new("state", 0, "its edges are not the first ones"));
    }
    if past + 1 == pda.states.len() {
        let last = pda.states[past];
        let ends = [pda.byte_edges.len(), pda.call_edges.len(), pda.token_edges.len()];
        if [last.byte_edges, last.call_edges, last.token_edges].map(|end| end as usize) != ends || last.procedure != 0 {
            return Err(InvalidPda::new("state", past, "it does not end the edges"));
        }
    }
    Ok(())
}

/// What the states of a procedure are checked against.
struct Own {
    number: u32,
    states: std::ops::Range<u32>,
    rank: u32,
    has_counter: bool,
    has_scope: bool,
    /// Whether its states can be guarded.
    has_guards: bool,
    may_tail_call: bool,
}

impl Own {
    /// What is said of a procedure; one that is not there has no states.
    fn of(stored: &Stored, number: u32) -> Self {
        let Some(record) = stored.records.get(number as usize) else {
            let (has_counter, has_scope, has_guards, may_tail_call) = (false, false, false, false);
            return Self { number, states: 0..0, rank: 0, has_counter, has_scope, has_guards, may_tail_call };
        };
        Self {
            number,
            states: stored.states_of(number as usize),
            rank: record.rank,
            has_counter: record.has_counter,
            has_scope: record.has_scope,
            has_guards: record.has_live || record.has_scope,
            may_tail_call: !(record.has_counter || record.has_max_tokens || record.has_temperature),
        }
    }

    /// What is wrong with what all kinds of edges have.
    fn fault_of(&self, counts: bool, marks: EdgeMarks, target: StateId) -> Option<&'static str> {
        if !self.states.contains(&target.as_u32()) {
            Some("its target is not in its procedure")
        } else if counts && !self.has_counter {
            Some("it counts in a procedure without a counter")
        } else if !marks.is_none() && !self.has_scope {
            Some("it has marks in a procedure that is no scope")
        } else {
            None
        }
    }
}

/// Checks a state with its edges.
fn check_state(
    pda: &Pda,
    stored: &Stored,
    procedure: &Own,
    index: usize,
    [own, next]: [State; 2],
) -> Result<(), InvalidPda> {
    let mut low = 0;
    let edges = pda.byte_edges.checked(own.byte_edges as usize..next.byte_edges as usize);
    let first = own.byte_edges as usize;
    let edges = edges.ok_or(InvalidPda::new(
        "byte edge",
        first,
        "it, or one after it, is not there or counts neither nor not",
    ))?;
    for (offset, edge) in edges.iter().enumerate() {
        let own = (edge.low < low || edge.high < edge.low || edge.padding != 0)
            .then_some("its bytes are no range, or not after those of the edge before");
        low = edge.low;
        if let Some(fault) = own.or_else(|| procedure.fault_of(edge.counts, edge.marks, edge.target)) {
            return Err(InvalidPda::new("byte edge", first + offset, fault));
        }
    }
    let first = own.call_edges as usize;
    let edges = pda.call_edges.checked(first..next.call_edges as usize);
    let edges = edges.ok_or(InvalidPda::new(
        "call edge",
        first,
        "it, or one after it, is not there or counts neither nor not",
    ))?;
    let is_start = index as u32 == procedure.states.start;
    for (offset, edge) in edges.iter().enumerate() {
        let own = call_fault(pda, stored, procedure, edge, is_start);
        // What comes after a tail call is looked at only when it is known to be there.
        let fault = procedure.fault_of(edge.counts, edge.marks, edge.target).or(own);
        if let Some(fault) = fault {
            return Err(InvalidPda::new("call edge", first + offset, fault));
        }
    }
    let first = own.token_edges as usize;
    let edges = pda.token_edges.checked(first..next.token_edges as usize);
    let edges = edges.ok_or(InvalidPda::new(
        "token edge",
        first,
        "it, or one after it, is not there or counts neither nor not",
    ))?;
    for (offset, edge) in edges.iter().enumerate() {
        let own = if edge.set as usize >= pda.token_sets.len() {
            Some("there is no such token set")
        } else if edge.padding != [0; 3] {
            Some("its padding is not zero")
        } else {
            None
        };
        if let Some(fault) = own.or_else(|| procedure.fault_of(edge.counts, edge.marks, edge.target)) {
            return Err(InvalidPda::new("token edge", first + offset, fault));
        }
    }
    // The flags of states with live counts or a scope are checked with these.
    let is_guarded = own.procedure & GUARDED != 0;
    let is_final = own.procedure & ACCEPTING != 0 && has_no_edges([own, next]) && !procedure.has_counter;
    if !procedure.has_guards && (is_guarded || is_final != (own.procedure & FINAL != 0)) {
        return Err(InvalidPda::new("state", index, "its flags do not say what it is"));
    }
    Ok(())
}

/// What is wrong with a call, but for what all edges have.
fn call_fault(pda: &Pda, stored: &Stored, procedure: &Own, edge: &CallEdge, is_start: bool) -> Option<&'static str> {
    let Some(callee) = stored.records.get(edge.procedure.index()) else {
        return Some("there is no such procedure");
    };
    if edge.tail && !procedure.may_tail_call {
        return Some("it is a tail call, in a procedure with a counter, a budget or a temperature");
    }
    if edge.padding != [0; 2] {
        return Some("its padding is not zero");
    }
    let start = stored.states_of(edge.procedure.index()).start as usize;
    if pda.states.get(start).is_none_or(|state| state.procedure & ACCEPTING != 0) {
        return Some("its procedure has the empty word");
    }
    if is_start && callee.rank <= procedure.rank {
        return Some("it begins its procedure, and calls one that is not ranked after it");
    }
    if edge.tail {
        // It leaves no frame: what comes after it may only be a return.
        let target = edge.target.index();
        let returns = |pair: &[State]| pair[0].procedure & ACCEPTING != 0 && has_no_edges([pair[0], pair[1]]);
        if !pda.states.get(target..target.saturating_add(2)).is_some_and(returns) {
            return Some("it is a tail call, and more comes after it");
        }
    }
    None
}

pub(super) fn has_no_edges([own, next]: [State; 2]) -> bool {
    (own.byte_edges, own.call_edges, own.token_edges) == (next.byte_edges, next.call_edges, next.token_edges)
}
