//! An automaton as flat arrays: what is stored of it.
//!
//! States and edges are stored as they are. What procedures have besides (names, counters, live counts, scopes) and the
//! token sets are records that refer to words and texts; a procedure is read into memory when it is first entered.

use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};

use super::{ByteEdge, CallEdge, Pda, Procedure, TokenEdge};
use crate::table::{Table, Unchecked};

/// Where a state's edges begin; they end where the next state's begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    pub(super) byte_edges: u32,
    pub(super) call_edges: u32,
    pub(super) token_edges: u32,
    /// The procedure, with `ACCEPTING`, `FINAL` and `GUARDED` set where they hold.
    pub(super) procedure: u32,
}

/// A [`Procedure`] as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct ProcedureRecord {
    /// Past its last state; its first one comes after the last one of the procedure before.
    pub(super) states_end: u32,
    pub(super) rank: u32,
    /// Past its name in [`PdaParts::names`].
    pub(super) name_end: u32,
    /// Past its words in [`PdaParts::words`]: first its live counts, if it has some, then its scope, if it is one, then its
    /// budget of tokens and the bits of its temperature, if it has these.
    pub(super) words_end: u32,
    pub(super) counter_min: u32,
    pub(super) counter_max: u32,
    pub(super) has_counter: bool,
    pub(super) has_counter_max: bool,
    pub(super) has_live: bool,
    pub(super) has_scope: bool,
    pub(super) deterministic: bool,
    pub(super) has_max_tokens: bool,
    pub(super) has_temperature: bool,
    pub(super) first_token: bool,
    /// Whether its scope compares texts.
    pub(super) has_distinct: bool,
    /// Whether its scope has traps.
    pub(super) has_traps: bool,
    pub(super) padding: [u8; 6],
    /// The set of bytes that its words can begin with.
    pub(super) first_bytes: [u64; 4],
}

/// A token set as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TokenSetRecord {
    /// Past its ids in [`PdaParts::words`]; those of the first set come after the words of the procedures.
    pub(super) words_end: u32,
    /// Whether it is the complement of the ids.
    pub(super) complement: u32,
}

/// The arrays of a [`Pda`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PdaParts {
    /// The states, and one more.
    pub states: Table<State>,
    /// The byte edges, by state.
    pub byte_edges: Unchecked<ByteEdge>,
    /// The call edges, by state.
    pub call_edges: Unchecked<CallEdge>,
    /// The token edges, by state.
    pub token_edges: Unchecked<TokenEdge>,
    /// The procedures.
    pub procedures: Table<ProcedureRecord>,
    /// The token sets.
    pub token_sets: Table<TokenSetRecord>,
    /// What procedures and token sets refer to.
    pub words: Table<u32>,
    /// The names of the procedures, one after the other.
    pub names: Table<u8>,
    /// The checksum of each [block](super::BLOCK_STATES) of states with their edges.
    pub checksums: Table<u64>,
}

impl Pda {
    /// The automaton as arrays; [`from_parts`](Self::from_parts) is the way back.
    pub fn to_parts(&self) -> PdaParts {
        let (mut words, mut names) = (Vec::new(), Vec::new());
        let procedures: Vec<ProcedureRecord> =
            self.procedures().map(|procedure| record(procedure, &mut words, &mut names)).collect();
        let token_sets: Vec<TokenSetRecord> = self
            .token_sets
            .iter()
            .map(|set| {
                words.extend_from_slice(set.ids());
                TokenSetRecord { words_end: words.len() as u32, complement: u32::from(set.is_complement()) }
            })
            .collect();
        let parts = PdaParts {
            states: self.states.clone(),
            byte_edges: self.byte_edges.clone(),
            call_edges: self.call_edges.clone(),
            token_edges: self.token_edges.clone(),
            procedures: Table::from(procedures),
            token_sets: Table::from(token_sets),
            words: Table::from(words),
            names: Table::from(names),
            checksums: Table::default(),
        };
        PdaParts { checksums: Table::from(parts.block_checksums()), ..parts }
    }
}

fn record(procedure: &Procedure, words: &mut Vec<u32>, names: &mut Vec<u8>) -> ProcedureRecord {
    names.extend_from_slice(procedure.name.as_bytes());
    if let Some(live) = &procedure.live {
        live.write(words);
    }
    if let Some(scope) = &procedure.scope {
        scope.write(words);
    }
    words.extend(procedure.max_tokens);
    words.extend(procedure.temperature.map(|temperature| temperature.get().to_bits()));
    let max = procedure.counter.and_then(|counter| counter.max);
    ProcedureRecord {
        states_end: procedure.states.end,
        rank: procedure.rank,
        name_end: names.len() as u32,
        words_end: words.len() as u32,
        counter_min: procedure.counter.map_or(0, |counter| counter.min),
        counter_max: max.unwrap_or(0),
        has_counter: procedure.counter.is_some(),
        has_counter_max: max.is_some(),
        has_live: procedure.live.is_some(),
        has_scope: procedure.scope.is_some(),
        deterministic: procedure.deterministic,
        has_max_tokens: procedure.max_tokens.is_some(),
        has_temperature: procedure.temperature.is_some(),
        first_token: procedure.first_token,
        has_distinct: procedure.scope.as_ref().is_some_and(|scope| scope.has_distinct()),
        has_traps: procedure.scope.as_ref().is_some_and(|scope| scope.has_traps()),
        padding: [0; 6],
        first_bytes: procedure.first_bytes.to_words(),
    }
}
