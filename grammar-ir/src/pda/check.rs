//! Arrays into an automaton, without trust: whatever they hold, following the automaton neither fails nor hangs.
//!
//! What is checked is what the code that follows automata relies on:
//!
//! * every number of a state, a procedure, a token set or an element names one, and an edge leads to a state of its own
//!   procedure, so that a frame's register is always that of its procedure;
//! * byte edges are ranges in order; token sets are in order;
//! * no procedure that is called has the empty word, and calls from start states go to greater ranks, so that a step ends;
//! * ranks are below the number of procedures, so that there is one after all of them, as [`Bounds`](super::Bounds) need;
//! * only edges of counters count and only those of scopes have marks, and the flags of states say what they should.
//!
//! That the automaton is the one that a grammar stands for is not checked, and cannot be.

use super::assemble::{Register, first_sets};
use super::{ACCEPTING, EdgeMarks, FINAL, FLAGS, GUARDED, Pda, PdaParts, Procedure, ProcedureRecord, Scope};
use crate::words::Words;
use crate::{ByteSet, Counter, LiveCounts, StateId, Temperature, TokenSet};

/// Arrays are no automaton.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part} {index}: {fault}")]
pub struct InvalidPda {
    part: &'static str,
    index: usize,
    fault: &'static str,
}

impl InvalidPda {
    fn new(part: &'static str, index: usize, fault: &'static str) -> Self {
        Self { part, index, fault }
    }
}

impl Pda {
    /// The automaton of arrays from any source.
    ///
    /// # Errors
    /// When they are no automaton.
    pub fn from_parts(parts: PdaParts) -> Result<Self, InvalidPda> {
        check_states(&parts)?;
        check_procedure_states(&parts)?;
        check_edges(&parts)?;
        let (procedures, words_end) = procedures(&parts)?;
        let token_sets = token_sets(&parts, words_end)?;
        let PdaParts { states, byte_edges, call_edges, token_edges, .. } = parts;
        let mut pda = Self { states, byte_edges, call_edges, token_edges, token_sets, procedures };
        check_calls(&pda)?;
        check_flags(&pda)?;
        first_sets(&mut pda);
        Ok(pda)
    }
}

/// Where the edges of states begin and end.
fn check_states(parts: &PdaParts) -> Result<(), InvalidPda> {
    let fault = |index, fault| Err(InvalidPda::new("state", index, fault));
    let (Some(first), Some(last)) = (parts.states.first(), parts.states.last()) else {
        return fault(0, "there is none");
    };
    if (first.byte_edges, first.call_edges, first.token_edges) != (0, 0, 0) {
        return fault(0, "its edges are not the first ones");
    }
    let ends = [parts.byte_edges.len(), parts.call_edges.len(), parts.token_edges.len()];
    if [last.byte_edges, last.call_edges, last.token_edges].map(|end| end as usize) != ends || last.procedure != 0 {
        return fault(parts.states.len() - 1, "it does not end the edges");
    }
    let ordered = |pair: &[super::State]| {
        let (state, next) = (pair[0], pair[1]);
        state.byte_edges <= next.byte_edges
            && state.call_edges <= next.call_edges
            && state.token_edges <= next.token_edges
    };
    match parts.states.windows(2).position(|pair| !ordered(pair)) {
        Some(index) => fault(index, "its edges end before they begin"),
        None => Ok(()),
    }
}

/// Which states belong to which procedure.
fn check_procedure_states(parts: &PdaParts) -> Result<(), InvalidPda> {
    let fault = |index, fault| Err(InvalidPda::new("procedure", index, fault));
    let mut begin = 0;
    for (number, record) in parts.procedures.iter().enumerate() {
        let end = record.states_end as usize;
        if end <= begin || end >= parts.states.len() {
            return fault(number, "it has no states, or more than there are");
        }
        if parts.states[begin..end].iter().any(|state| (state.procedure & !FLAGS) as usize != number) {
            return fault(number, "one of its states says that it belongs to another one");
        }
        begin = end;
    }
    match begin == parts.states.len() - 1 && begin > 0 {
        true => Ok(()),
        false => fault(parts.procedures.len(), "there is none, though there are states left"),
    }
}

/// Each edge by itself, and with the procedure that it is in.
fn check_edges(parts: &PdaParts) -> Result<(), InvalidPda> {
    let mut begin = 0;
    for record in parts.procedures.iter() {
        let states = begin..record.states_end;
        begin = record.states_end;
        let sound = |counts: bool, marks: EdgeMarks, target: StateId| {
            if !states.contains(&target.as_u32()) {
                Some("its target is not in its procedure")
            } else if counts && !record.has_counter {
                Some("it counts in a procedure without a counter")
            } else if !marks.is_none() && !record.has_scope {
                Some("it has marks in a procedure that is no scope")
            } else {
                None
            }
        };
        for state in states.clone().map(|state| state as usize) {
            let (from, to) = (&parts.states[state], &parts.states[state + 1]);
            let mut low = 0;
            for index in from.byte_edges as usize..to.byte_edges as usize {
                let edge = &parts.byte_edges[index];
                let own = (edge.low < low || edge.high < edge.low || edge.padding != 0)
                    .then_some("its bytes are no range, or not after those of the edge before");
                low = edge.low;
                if let Some(fault) = own.or_else(|| sound(edge.counts, edge.marks, edge.target)) {
                    return Err(InvalidPda::new("byte edge", index, fault));
                }
            }
            for index in from.call_edges as usize..to.call_edges as usize {
                let edge = &parts.call_edges[index];
                let own = if edge.procedure.index() >= parts.procedures.len() {
                    Some("there is no such procedure")
                } else if edge.tail && (record.has_counter || record.has_max_tokens || record.has_temperature) {
                    Some("it is a tail call, in a procedure with a counter, a budget or a temperature")
                } else if edge.padding != [0; 2] {
                    Some("its padding is not zero")
                } else {
                    None
                };
                if let Some(fault) = own.or_else(|| sound(edge.counts, edge.marks, edge.target)) {
                    return Err(InvalidPda::new("call edge", index, fault));
                }
            }
            for index in from.token_edges as usize..to.token_edges as usize {
                let edge = &parts.token_edges[index];
                let own = if edge.set as usize >= parts.token_sets.len() {
                    Some("there is no such token set")
                } else if edge.padding != [0; 3] {
                    Some("its padding is not zero")
                } else {
                    None
                };
                if let Some(fault) = own.or_else(|| sound(edge.counts, edge.marks, edge.target)) {
                    return Err(InvalidPda::new("token edge", index, fault));
                }
            }
        }
    }
    Ok(())
}

/// The procedures, and where the words end that they refer to.
fn procedures(parts: &PdaParts) -> Result<(Vec<Procedure>, usize), InvalidPda> {
    let fault = |index, fault| InvalidPda::new("procedure", index, fault);
    let mut procedures: Vec<Procedure> = Vec::with_capacity(parts.procedures.len());
    let (mut name_begin, mut words_begin) = (0, 0);
    for (number, record) in parts.procedures.iter().enumerate() {
        let first_state = procedures.last().map_or(0, |procedure| procedure.states.end);
        let name = parts.names.get(name_begin..record.name_end as usize);
        let name = name.and_then(|name| std::str::from_utf8(name).ok());
        let name = name.ok_or_else(|| fault(number, "its name is not among the names, or not UTF-8"))?.to_owned();
        let words = parts.words.get(words_begin..record.words_end as usize);
        let mut words = Words::new(words.ok_or_else(|| fault(number, "its words are not among the words"))?);
        (name_begin, words_begin) = (record.name_end as usize, record.words_end as usize);
        let counter = counter(record).ok_or_else(|| fault(number, "its counter has no count"))?;
        let states = (record.states_end - first_state) as usize;
        let live = match (record.has_live, counter) {
            (false, _) => None,
            (true, Some(counter)) => {
                let live = LiveCounts::read(counter, states, &mut words);
                Some(live.ok_or_else(|| fault(number, "its live counts are no ranges of its counts"))?)
            }
            (true, None) => return Err(fault(number, "it has live counts and no counter")),
        };
        let scope = match record.has_scope {
            true if counter.is_some() => return Err(fault(number, "it has two kinds of registers")),
            true => {
                let marks = marks(parts, first_state as usize, record.states_end as usize);
                let scope = Scope::read(&mut words, first_state, states, marks);
                Some(Box::new(scope.ok_or_else(|| fault(number, "its scope has no such rules"))?))
            }
            false => None,
        };
        let max_tokens = match record.has_max_tokens {
            true if number == 0 => return Err(fault(number, "the entry has a budget, and nothing to return to")),
            true if counter.is_some() || scope.is_some() => return Err(fault(number, "it has two kinds of registers")),
            true => Some(words.take().ok_or_else(|| fault(number, "it has a budget that is not there"))?),
            false => None,
        };
        let temperature = match record.has_temperature {
            true => {
                let temperature = words.take().and_then(|bits| Temperature::new(f32::from_bits(bits)));
                Some(temperature.ok_or_else(|| fault(number, "its temperature is none"))?)
            }
            false => None,
        };
        if !words.is_empty() || record.padding != 0 {
            return Err(fault(number, "it has words that say nothing"));
        }
        if record.rank as usize >= parts.procedures.len() {
            return Err(fault(number, "its rank is not below the number of procedures"));
        }
        procedures.push(Procedure {
            name,
            states: first_state..record.states_end,
            counter,
            max_tokens,
            temperature,
            scope,
            live,
            first_bytes: ByteSet::EMPTY,
            first_token: false,
            rank: record.rank,
            deterministic: record.deterministic,
        });
    }
    if name_begin != parts.names.len() {
        return Err(fault(procedures.len(), "there is none, though there are names left"));
    }
    Ok((procedures, words_begin))
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

/// The marks of the edges of some states.
fn marks(parts: &PdaParts, first: usize, past: usize) -> impl Iterator<Item = EdgeMarks> {
    let (from, to) = (parts.states[first], parts.states[past]);
    let bytes = parts.byte_edges[from.byte_edges as usize..to.byte_edges as usize].iter().map(|edge| edge.marks);
    let calls = parts.call_edges[from.call_edges as usize..to.call_edges as usize].iter().map(|edge| edge.marks);
    let tokens = parts.token_edges[from.token_edges as usize..to.token_edges as usize].iter().map(|edge| edge.marks);
    bytes.chain(calls).chain(tokens)
}

fn token_sets(parts: &PdaParts, mut begin: usize) -> Result<Vec<TokenSet>, InvalidPda> {
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

/// Calls consume something, and those from start states go on to greater ranks.
fn check_calls(pda: &Pda) -> Result<(), InvalidPda> {
    if let Some(edge) = pda.call_edges.iter().position(|edge| pda.is_accepting(pda.procedure(edge.procedure).start())) {
        return Err(InvalidPda::new("call edge", edge, "its procedure has the empty word"));
    }
    for (number, procedure) in pda.procedures.iter().enumerate() {
        let calls = pda.call_edges(procedure.start());
        if calls.iter().any(|edge| pda.procedure(edge.procedure).rank <= procedure.rank) {
            return Err(InvalidPda::new(
                "procedure",
                number,
                "it begins with a call of one that is not ranked after it",
            ));
        }
    }
    // A tail call leaves no frame: what comes after it may only be a return.
    let after =
        |edge: &super::CallEdge| edge.tail && !(pda.is_accepting(edge.target) && has_no_edges(pda, edge.target));
    match pda.call_edges.iter().position(after) {
        Some(edge) => Err(InvalidPda::new("call edge", edge, "it is a tail call, and more comes after it")),
        None => Ok(()),
    }
}

fn has_no_edges(pda: &Pda, state: StateId) -> bool {
    pda.byte_edges(state).is_empty() && pda.call_edges(state).is_empty() && pda.token_edges(state).is_empty()
}

fn check_flags(pda: &Pda) -> Result<(), InvalidPda> {
    for procedure in &pda.procedures {
        let (counter, live, scope) = (procedure.counter, procedure.live.as_ref(), procedure.scope.as_deref());
        let register = Register { counter, live, scope };
        for state in procedure.states.clone() {
            let flags = pda.states[state as usize].procedure;
            let may_wait = counter.is_some() && live.is_none();
            let is_final = !may_wait && flags & ACCEPTING != 0 && has_no_edges(pda, StateId::from_u32(state));
            let is_guarded = register.guards((state - procedure.states.start) as usize, procedure.states.start);
            if is_final != (flags & FINAL != 0) || is_guarded != (flags & GUARDED != 0) {
                return Err(InvalidPda::new("state", state as usize, "its flags do not say what it is"));
            }
        }
    }
    Ok(())
}
