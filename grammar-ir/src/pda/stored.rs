//! An automaton in the bytes of a file, looked at as far as it is used.
//!
//! Reading an automaton takes time for its procedures alone, whose records are few. The rest is looked at when somebody gets
//! there, once: the states in [blocks](super::BLOCK_STATES), each with its edges, before one of them is seen; a procedure,
//! its name, counts, rules, before it is entered. What turns out to be damaged or no automaton is replaced by what nothing
//! leads on from, and from then on [`Pda::fault`] says so: whatever was found out with the automaton is not to be used.
#![allow(unsafe_code, reason = "edges that have been looked at are values: see the SAFETY comments")]

use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use super::blocks::{BLOCK_STATES, block_count, check_block};
use super::check::{check_block_count, check_flags, check_records, procedure, token_sets};
use super::{ByteEdge, CallEdge, FLAGS, InvalidPda, Pda, PdaParts, Procedure, ProcedureRecord, State, TokenEdge};
use crate::table::Table;
use crate::{ByteSet, ProcedureId, StateId};

/// What has been looked at of an automaton in a file, and what there is besides states and edges.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) records: Table<ProcedureRecord>,
    pub(super) words: Table<u32>,
    pub(super) names: Table<u8>,
    pub(super) checksums: Table<u64>,
    /// Per procedure, once it has been asked for; nothing if it is none.
    procedures: Box<[OnceLock<Option<Box<Procedure>>>]>,
    /// In place of a procedure that is none: it begins past the last state, where there are no edges.
    nothing: Procedure,
    fault: OnceLock<InvalidPda>,
}

const NEW: u8 = 0;
const SOUND: u8 = 1;
const DAMAGED: u8 = 2;

impl State {
    /// In place of a state that is none: without edges, in no procedure, and the text cannot end there.
    const NOTHING: Self = Self { byte_edges: 0, call_edges: 0, token_edges: 0, procedure: !FLAGS };
}

impl Pda {
    /// The automaton of arrays from any source, of which no more than procedures and token sets is looked at; states and
    /// edges are when they are used. Without having called [`check`](Self::check), whoever uses it has to ask for its
    /// [`fault`](Self::fault) afterwards.
    ///
    /// # Errors
    /// When the procedures or token sets are none.
    pub fn from_parts(parts: PdaParts) -> Result<Self, InvalidPda> {
        let words_end = check_records(&parts)?;
        check_block_count(&parts)?;
        let token_sets = token_sets(&parts, words_end)?;
        let PdaParts { states, byte_edges, call_edges, token_edges, procedures, words, names, checksums, .. } = parts;
        let past_last = states.len() as u32 - 1;
        let stored = Stored {
            procedures: std::iter::repeat_with(OnceLock::new).take(procedures.len()).collect(),
            // After all that could call it.
            nothing: no_procedure(past_last..past_last, procedures.len() as u32 - 1),
            records: procedures,
            words,
            names,
            checksums,
            fault: OnceLock::new(),
        };
        let blocks = (0..block_count(&states)).map(|_| AtomicU8::new(NEW)).collect();
        let (procedures, stored) = (Vec::new(), Some(Arc::new(stored)));
        Ok(Self { states, byte_edges, call_edges, token_edges, token_sets, procedures, stored, blocks })
    }

    /// Looks at all of an automaton from arrays.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), InvalidPda> {
        let Some(stored) = &self.stored else { return Ok(()) };
        for block in 0..self.blocks.len() {
            self.is_sound(block);
        }
        for number in 0..stored.records.len() as u32 {
            self.procedure(ProcedureId::from_u32(number));
        }
        stored.fault.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// What was found wrong so far with an automaton from arrays. Nothing that it answered is to be relied on then, and
    /// following it leads nowhere where it is wrong.
    #[inline]
    pub fn fault(&self) -> Option<&InvalidPda> {
        self.stored.as_ref().and_then(|stored| stored.fault.get())
    }

    /// The records of procedures, if they are in a file.
    #[inline]
    pub(super) fn records(&self) -> Option<&[ProcedureRecord]> {
        self.stored.as_ref().map(|stored| &*stored.records)
    }

    /// A state, and the one after it, where its edges end.
    #[inline(always)]
    pub(super) fn at(&self, state: StateId) -> [&State; 2] {
        if self.blocks.is_empty() {
            return [&self.states[state.index()], &self.states[state.index() + 1]];
        }
        self.stored_at(state)
    }

    /// The procedure of a state, with the flags of the state.
    #[inline(always)]
    pub(super) fn flags(&self, state: StateId) -> u32 {
        if self.blocks.is_empty() {
            return self.states[state.index()].procedure;
        }
        self.stored_at(state)[0].procedure
    }

    /// [`at`](Self::at) of an automaton in a file. By itself, so that all others are followed as if there were no files.
    #[inline(never)]
    fn stored_at(&self, state: StateId) -> [&State; 2] {
        let (index, block) = (state.index(), state.index() / BLOCK_STATES);
        let known = self.blocks.get(block);
        if known.is_none_or(|known| known.load(Ordering::Acquire) == SOUND || self.is_sound(block))
            && let Some([own, next]) = self.states.get(index..).and_then(<[State]>::first_chunk)
        {
            return [own, next];
        }
        // Past the last state nothing leads on.
        [&State::NOTHING; 2]
    }

    /// Looks at a block, unless that has been done.
    #[cold]
    fn is_sound(&self, block: usize) -> bool {
        let (Some(stored), Some(known)) = (&self.stored, self.blocks.get(block)) else { return true };
        if known.load(Ordering::Acquire) == NEW {
            let found = check_block(self, stored, block);
            let state = if found.is_ok() { SOUND } else { DAMAGED };
            stored.note(found);
            known.store(state, Ordering::Release);
        }
        known.load(Ordering::Acquire) == SOUND
    }

    /// The procedure with this id.
    #[inline]
    pub fn procedure(&self, id: ProcedureId) -> &Procedure {
        match &self.stored {
            None => &self.procedures[id.index()],
            Some(stored) => self.stored_procedure(stored, id),
        }
    }

    fn stored_procedure<'a>(&self, stored: &'a Stored, id: ProcedureId) -> &'a Procedure {
        let Some(place) = stored.procedures.get(id.index()) else { return &stored.nothing };
        let found = place.get_or_init(|| {
            let found = self.read_procedure(stored, id.index());
            stored.note(found).map(Box::new)
        });
        found.as_deref().unwrap_or(&stored.nothing)
    }

    /// Reads a procedure. One with live counts or a scope is looked at as a whole, as these speak of all of its states.
    fn read_procedure(&self, stored: &Stored, number: usize) -> Result<Procedure, InvalidPda> {
        let states = stored.states_of(number);
        let record = &stored.records[number];
        if record.has_live || record.has_scope {
            let mut blocks = states.start as usize / BLOCK_STATES..=(states.end as usize - 1) / BLOCK_STATES;
            if !blocks.all(|block| self.is_sound(block)) {
                let fault = "one of its states is none";
                return Err(stored.fault.get().cloned().unwrap_or(InvalidPda::new("procedure", number, fault)));
            }
        }
        let procedure = procedure(self, stored, number)?;
        check_flags(self, &procedure)?;
        Ok(procedure)
    }

    /// The byte edges of a state, ascending by byte.
    #[inline]
    pub fn byte_edges(&self, state: StateId) -> &[ByteEdge] {
        let [own, next] = self.at(state);
        // SAFETY: `at` answers with a state whose edges are values: those of a file have been looked at by `check_block`,
        // or it answers with none; all others were made from values.
        unsafe { self.byte_edges.items(own.byte_edges as usize..next.byte_edges as usize) }
    }

    /// The call edges of a state.
    #[inline]
    pub fn call_edges(&self, state: StateId) -> &[CallEdge] {
        let [own, next] = self.at(state);
        // SAFETY: as above.
        unsafe { self.call_edges.items(own.call_edges as usize..next.call_edges as usize) }
    }

    /// The token edges of a state.
    #[inline]
    pub fn token_edges(&self, state: StateId) -> &[TokenEdge] {
        let [own, next] = self.at(state);
        // SAFETY: as above.
        unsafe { self.token_edges.items(own.token_edges as usize..next.token_edges as usize) }
    }
}

impl Stored {
    /// The states of a procedure that there is.
    pub(super) fn states_of(&self, number: usize) -> Range<u32> {
        let before = number.checked_sub(1).map_or(0, |before| self.records[before].states_end);
        before..self.records[number].states_end
    }

    /// What was found, or nothing: then the fault is noted, before anybody sees that there is nothing.
    fn note<T>(&self, found: Result<T, InvalidPda>) -> Option<T> {
        found.map_err(|fault| self.fault.get_or_init(|| fault)).ok()
    }

    /// Bytes of memory, without the file.
    pub(super) fn memory(&self) -> usize {
        let made = self.procedures.iter().filter_map(|place| place.get()?.as_ref());
        size_of::<Self>() + size_of_val(&*self.procedures) + made.map(|procedure| procedure.memory()).sum::<usize>()
    }
}

/// A procedure without anything, of states that have no edges.
pub(super) fn no_procedure(states: Range<u32>, rank: u32) -> Procedure {
    Procedure {
        name: "nothing".to_owned(),
        states,
        counter: None,
        max_tokens: None,
        temperature: None,
        scope: None,
        live: None,
        first_bytes: ByteSet::EMPTY,
        first_token: false,
        rank,
        deterministic: true,
    }
}
