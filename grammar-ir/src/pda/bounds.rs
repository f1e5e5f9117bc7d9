//! Two automata around another one: what it can do whatever its scopes remember, and what it can do at most.
//!
//! The registers of a scope and what is below a frame are known only while a text is read. What a state does can still be
//! told ahead for most texts, from both sides: in the *lower* automaton an edge that a register could forbid is missing, in
//! the *upper* one it is always there. So a text that leads somewhere from a state of the lower automaton leads somewhere
//! from that state of the automaton, whatever it remembers; and one that leads nowhere in the upper automaton never does.
//! With nothing below the frame in the one, and [`Bounds::anything`] below it in the other, the same holds whatever is
//! below.
//!
//! Counters are left as they are: a count is one number, and can be tried.

use std::sync::Arc;

use super::assemble::{Arrays, first_sets};
use super::stored::no_procedure;
use super::{ACCEPTING, ByteEdge, CallEdge, EdgeMarks, FLAGS, GUARDED, Pda, Procedure, TokenEdge};
use crate::table::{Table, Unchecked};
use crate::{ByteSet, StateId};

/// The automata around an automaton. Their states have the numbers of its states.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// What it can do in any case.
    pub lower: Pda,
    /// What it can do at most.
    pub upper: Pda,
    /// A state of `upper` that reads any text, which no state of the automaton leads to.
    pub anything: StateId,
}

impl Pda {
    /// The automata around this one; around one that can do nothing, if this one is from a file and
    /// [damaged](Self::check).
    pub fn bounds(&self) -> Bounds {
        if self.check().is_err() {
            return Self::of_nothing().bounds();
        }
        let anything = StateId::from_u32(self.state_count() as u32);
        Bounds { lower: self.without_scopes(false), upper: self.without_scopes(true), anything }
    }

    /// An automaton that can do nothing.
    fn of_nothing() -> Self {
        let mut arrays = Arrays::default();
        arrays.push_state(0);
        arrays.push_state(0);
        Self {
            states: Table::from(arrays.states),
            byte_edges: Unchecked::from(Vec::new()),
            call_edges: Unchecked::from(Vec::new()),
            token_edges: Unchecked::from(Vec::new()),
            token_sets: Vec::new(),
            procedures: vec![no_procedure(0..1, 0)],
            stored: None,
            blocks: Arc::default(),
        }
    }

    /// The automaton without registers of scopes; edges that they could forbid are there or not. With them, there is a
    /// procedure of any text, too.
    fn without_scopes(&self, with_doubtful: bool) -> Pda {
        let mut arrays = Arrays::default();
        let mut procedures: Vec<Procedure> = self.procedures().cloned().collect();
        for (number, procedure) in procedures.iter_mut().enumerate() {
            let is_scope = procedure.scope.take().is_some();
            let keeps = |marks: EdgeMarks, target: StateId| {
                // Where a part begins is noted, and forbids nothing.
                let asks = marks.selected().is_some() || marks.closes();
                with_doubtful || !is_scope || !(asks || self.is_guarded(target))
            };
            for state in procedure.states.clone() {
                let state = StateId::from_u32(state);
                let flags = self.flags(state) & FLAGS;
                arrays.push_state(number as u32 | if is_scope { flags & !GUARDED } else { flags });
                let bytes = self.byte_edges(state).iter().filter(|edge| keeps(edge.marks, edge.target));
                arrays.byte_edges.extend(bytes.map(|edge| ByteEdge { marks: EdgeMarks::NONE, ..*edge }));
                let calls = self.call_edges(state).iter().filter(|edge| keeps(edge.marks, edge.target));
                arrays.call_edges.extend(calls.map(|edge| CallEdge { marks: EdgeMarks::NONE, ..*edge }));
                let tokens = self.token_edges(state).iter().filter(|edge| keeps(edge.marks, edge.target));
                arrays.token_edges.extend(tokens.map(|edge| TokenEdge { marks: EdgeMarks::NONE, ..*edge }));
            }
        }
        if with_doubtful {
            procedures.push(push_anything(&mut arrays, &procedures));
        }
        arrays.push_state(0);
        let mut pda = Pda {
            states: Table::from(arrays.states),
            byte_edges: Unchecked::from(arrays.byte_edges),
            call_edges: Unchecked::from(arrays.call_edges),
            token_edges: Unchecked::from(arrays.token_edges),
            token_sets: self.token_sets.clone(),
            procedures,
            stored: None,
            blocks: Arc::default(),
        };
        first_sets(&mut pda);
        pda
    }
}

/// Adds the one state of a procedure that reads any text.
fn push_anything(arrays: &mut Arrays, others: &[Procedure]) -> Procedure {
    let state = arrays.states.len() as u32;
    arrays.push_state((others.len() as u32 & !FLAGS) | ACCEPTING);
    let target = StateId::from_u32(state);
    arrays.byte_edges.push(ByteEdge {
        low: 0,
        high: u8::MAX,
        counts: false,
        padding: 0,
        marks: EdgeMarks::NONE,
        target,
    });
    Procedure {
        name: "any text".to_owned(),
        states: state..state + 1,
        counter: None,
        max_tokens: None,
        temperature: None,
        scope: None,
        live: None,
        first_bytes: ByteSet::EMPTY,
        first_token: false,
        rank: others.iter().map(|other| other.rank).max().map_or(0, |rank| rank + 1),
        deterministic: true,
    }
}
