//! Procedures and token sets from arrays, without trust: whatever they hold, following the automaton neither fails nor hangs.
//!
//! What is checked here and in `blocks` is what the code that follows automata relies on:
//!
//! * every number of a state, a procedure, a token set or an element names one, and an edge leads to a state of its own
//!   procedure, so that a frame's register is always that of its procedure;
//! * byte edges are ranges in order; token sets are in order;
//! * no procedure that is called has the empty word, and calls from start states go to greater ranks, so that a step ends;
//! * ranks are below the number of procedures, so that there is one after all of them, as [`Bounds`](super::Bounds) need;
//! * only edges of counters count and only those of scopes have marks, and the flags of states say what they should.
//!
//! That the automaton is the one that a grammar stands for is not checked, and cannot be.

use super::assemble::{Register, first_set};
use super::blocks::{block_count, has_no_edges};
use super::stored::Stored;
use super::{ACCEPTING, EdgeMarks, FINAL, GUARDED, Pda, PdaParts, Procedure, ProcedureRecord, Scope};
use crate::words::Words;
use crate::{ByteSet, Counter, LiveCounts, StateId, Temperature, TokenSet};

/// Arrays are no automaton.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPda {
    /// Something is not what it has to be.
    #[error("{part} {index}: {fault}")]
    Fault {
        /// What.
        part: &'static str,
        /// Its number.
        index: usize,
        /// What is wrong.
        fault: &'static str,
    },
    /// States or their edges are not those that were written.
    #[error("states {first}..{past} and their edges have the checksum {found:#018x}, expected {expected:#018x}")]
    Checksum {
        /// The first of the states.
        first: usize,
        /// The state after the last one.
        past: usize,
        /// The checksum of their bytes.
        found: u64,
        /// The one that was written.
        expected: u64,
    },
}

impl InvalidPda {
    pub(super) fn new(part: &'static str, index: usize, fault: &'static str) -> Self {
        Self::Fault { part, index, fault }
    }
}

/// Whether there are as many checksums as blocks of states.
pub(super) fn check_block_count(parts: &PdaParts) -> Result<(), InvalidPda> {
    if parts.checksums.len() != block_count(&parts.states) {
        let fault = "there are not as many checksums as blocks of states up to it";
        return Err(InvalidPda::new("state", parts.states.len().saturating_sub(1), fault));
    }
    Ok(())
}

/// The records of procedures, as far as they can be told from one another; answers where their words end.
pub(super) fn check_records(parts: &PdaParts) -> Result<usize, InvalidPda> {
    let fault = |index, fault| Err(InvalidPda::new("procedure", index, fault));
    let (mut states, mut names, mut words) = (0, 0, 0);
    for (number, record) in parts.procedures.iter().enumerate() {
        if record.states_end <= states || record.states_end as usize >= parts.states.len() {
            return fault(number, "it has no states, or more than there are");
        }
        if record.name_end < names || record.name_end as usize > parts.names.len() {
            return fault(number, "its name is not among the names");
        }
        if record.words_end < words || record.words_end as usize > parts.words.len() {
            return fault(number, "its words are not among the words");
        }
        if record.rank as usize >= parts.procedures.len() {
            return fault(number, "its rank is not below the number of procedures");
        }
        if record.padding != [0; 6] {
            return fault(number, "its padding is not zero");
        }
        (states, names, words) = (record.states_end, record.name_end, record.words_end);
    }
    if states == 0 || states as usize != parts.states.len() - 1 {
        return fault(parts.procedures.len(), "there is none, though there are states left");
    }
    if names as usize != parts.names.len() {
        return fault(parts.procedures.len(), "there is none, though there are names left");
    }
    Ok(words as usize)
}

/// A procedure that there is. If it has live counts or a scope, its states have been checked.
pub(super) fn procedure(pda: &Pda, stored: &Stored, number: usize) -> Result<Procedure, InvalidPda> {
    let fault = |fault| InvalidPda::new("procedure", number, fault);
    let record = &stored.records[number];
    let (name_begin, words_begin) = number.checked_sub(1).map_or((0, 0), |before| {
        let before = &stored.records[before];
        (before.name_end as usize, before.words_end as usize)
    });
    let name = stored.names.get(name_begin..record.name_end as usize);
    let name = name.and_then(|name| std::str::from_utf8(name).ok());
    let name = name.ok_or_else(|| fault("its name is not UTF-8"))?.to_owned();
    let mut words = Words::new(stored.words.get(words_begin..record.words_end as usize).unwrap_or_default());
    let counter = counter(record).ok_or_else(|| fault("its counter has no count"))?;
    let states = stored.states_of(number);
    let count = states.len();
    let live = match (record.has_live, counter) {
        (false, _) => None,
        (true, Some(counter)) => {
            let live = LiveCounts::read(counter, count, &mut words);
            Some(live.ok_or_else(|| fault("its live counts are no ranges of its counts"))?)
        }
        (true, None) => return Err(fault("it has live counts and no counter")),
    };
    let scope = match record.has_scope {
        true if counter.is_some() => return Err(fault("it has two kinds of registers")),
        true => {
            let marks = states.clone().flat_map(|state| marks(pda, StateId::from_u32(state)));
            let scope = Scope::read(&mut words, states.start, count, marks);
            Some(Box::new(scope.ok_or_else(|| fault("its scope has no such rules"))?))
        }
        false => None,
    };
    let [has_distinct, has_traps] = match &scope {
        Some(scope) => [scope.has_distinct(), scope.has_traps()],
        None => [false; 2],
    };
    if [has_distinct, has_traps] != [record.has_distinct, record.has_traps] {
        return Err(fault("it does not say what its scope compares"));
    }
    let max_tokens = match record.has_max_tokens {
        true if number == 0 => return Err(fault("the entry has a budget, and nothing to return to")),
        true if counter.is_some() || scope.is_some() => return Err(fault("it has two kinds of registers")),
        true => Some(words.take().ok_or_else(|| fault("it has a budget that is not there"))?),
        false => None,
    };
    let temperature = match record.has_temperature {
        true => {
            let temperature = words.take().and_then(|bits| Temperature::new(f32::from_bits(bits)));
            Some(temperature.ok_or_else(|| fault("its temperature is none"))?)
        }
        false => None,
    };
    if !words.is_empty() {
        return Err(fault("it has words that say nothing"));
    }
    let procedure = Procedure {
        name,
        states,
        counter,
        max_tokens,
        temperature,
        scope,
        live,
        first_bytes: ByteSet::from_words(record.first_bytes),
        first_token: record.first_token,
        rank: record.rank,
        deterministic: record.deterministic,
    };
    let of_callee = |callee: crate::ProcedureId| match stored.records.get(callee.index()) {
        Some(record) => (ByteSet::from_words(record.first_bytes), record.first_token),
        None => (ByteSet::EMPTY, false),
    };
    if first_set(pda, &procedure, of_callee) != (procedure.first_bytes, procedure.first_token) {
        return Err(fault("its words do not begin with the bytes that it says"));
    }
    Ok(procedure)
}

/// The counter of a procedure, if it has one; nothing if that can never be met.
fn counter(record: &ProcedureRecord) -> Option<Option<Counter>> {
    let ProcedureRecord { counter_min: min, counter_max: max, has_counter, has_counter_max, .. } = *record;
    match (has_counter, has_counter_max) {
        (true, true) => (min <= max).then_some(Some(Counter { min, max: Some(max) })),
        (true, false) => (max == 0).then_some(Some(Counter { min, max: None })),
        (false, false) => ((min, max) == (0, 0)).then_some(None),
        (false, true) => None,
    }
}

/// The marks of the edges of a state.
fn marks(pda: &Pda, state: StateId) -> impl Iterator<Item = EdgeMarks> {
    let bytes = pda.byte_edges(state).iter().map(|edge| edge.marks);
    let calls = pda.call_edges(state).iter().map(|edge| edge.marks);
    bytes.chain(calls).chain(pda.token_edges(state).iter().map(|edge| edge.marks))
}

/// The token sets, whose ids are among the words from `begin` on.
pub(super) fn token_sets(parts: &PdaParts, mut begin: usize) -> Result<Vec<TokenSet>, InvalidPda> {
    let fault = |index, fault| Err(InvalidPda::new("token set", index, fault));
    let mut sets = Vec::with_capacity(parts.token_sets.len());
    for (number, record) in parts.token_sets.iter().enumerate() {
        let Some(ids) = parts.words.get(begin..record.words_end as usize) else {
            return fault(number, "its ids are not among the words");
        };
        if record.complement > 1 || !ids.is_sorted_by(|id, next| id < next) {
            return fault(number, "its ids are not in order");
        }
        begin = record.words_end as usize;
        let ids = ids.iter().copied();
        sets.push(if record.complement == 1 { TokenSet::all_but(ids) } else { TokenSet::of(ids) });
    }
    match begin == parts.words.len() {
        true => Ok(sets),
        false => fault(sets.len(), "there is none, though there are words left"),
    }
}

/// Checks the flags of the states of a procedure whose register speaks of them; those of other procedures are checked with
/// the states.
pub(super) fn check_flags(pda: &Pda, procedure: &Procedure) -> Result<(), InvalidPda> {
    let Procedure { counter, live, scope, .. } = procedure;
    if live.is_none() && scope.is_none() {
        return Ok(());
    }
    let register = Register { counter: *counter, live: live.as_ref(), scope: scope.as_deref() };
    for state in procedure.states.clone() {
        let [own, next] = pda.at(StateId::from_u32(state)).map(|state| *state);
        let is_final = own.procedure & ACCEPTING != 0 && has_no_edges([own, next]);
        let is_guarded = register.guards((state - procedure.states.start) as usize, procedure.states.start);
        if is_final != (own.procedure & FINAL != 0) || is_guarded != (own.procedure & GUARDED != 0) {
            return Err(InvalidPda::new("state", state as usize, "its flags do not say what it is"));
        }
    }
    Ok(())
}
