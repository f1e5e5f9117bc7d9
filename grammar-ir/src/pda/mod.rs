//! The pushdown automaton that masks are computed from.
//!
//! ```text
//! Grammar ─ lower → Nfa per procedure ─ nullable ─ left_recursion ─ determinize ─ minimize ─ assemble → Pda
//! ```
//!
//! A [`Pda`] is a set of procedures. Each procedure is an ε-free automaton whose edges consume a byte, call another
//! procedure, or consume a token. A *frame* is (state to return to, its count, parent). The automaton
//!
//! * reads a word of the grammar iff, started in [`Pda::start`], it can consume the word and be in an accepting state
//!   with no frame left, returning from accepting states where it has to;
//! * never returns at the position where it called (procedures have no empty word), and never calls in a cycle at one
//!   position (no left recursion): [`Procedure::rank`] is a topological order of the calls from start states;
//! * has no state that cannot reach acceptance: whatever configuration it is in can be completed;
//! * counts in at most one register per frame: see [`Counter`]; or remembers what has been selected: see [`Scope`]. Where
//!   not every state can be completed with every count, [`Procedure::live`] says with which, and no other count gets there.

mod assemble;
mod blocks;
mod bounds;
mod check;
mod determinize;
mod graph;
mod left_recursion;
mod live;
mod lower;
mod marks;
mod minimize;
mod nfa;
mod nullable;
mod parts;
mod print;
mod productive;
mod scope;
mod stored;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;

pub use blocks::{BLOCK_STATES, block_checksums};
pub use bounds::Bounds;
pub use check::InvalidPda;
pub use marks::EdgeMarks;
pub use parts::{PdaParts, ProcedureRecord, State, TokenSetRecord};
pub use scope::Scope;

use bytemuck::{CheckedBitPattern, NoUninit};

use stored::Stored;

use crate::table::{Table, Unchecked};
use crate::{Budget, ByteSet, Grammar, LimitError, LiveCounts, ProcedureId, StateId, Temperature, TokenSet};

pub use crate::Counter;

/// Why a grammar has no automaton.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LowerError {
    /// No word is in the language.
    #[error("the grammar matches nothing at all: no text can ever satisfy it")]
    EmptyLanguage,
    /// A counted repetition that calls itself before consuming anything cannot be counted in one register.
    #[error(
        "the repetition `{procedure}` is part of a left-recursive cycle and would have to be unrolled to {states} \
         states, over the limit of {limit}; lower its bound or move the recursion to the right"
    )]
    CountInLeftRecursion {
        /// The procedure of the repetition.
        procedure: String,
        /// How many states unrolling takes.
        states: usize,
        /// [`Limits::states`](crate::Limits::states).
        limit: usize,
    },
    /// A scope that calls itself before consuming anything has no frame of its own.
    #[error("the scope `{procedure}` is part of a left-recursive cycle; move the recursion to the right")]
    ScopeInLeftRecursion {
        /// The procedure of the scope.
        procedure: String,
    },
    /// A rule with a budget of tokens or a temperature that calls itself before consuming anything has no frame of its own.
    #[error(
        "the rule `{procedure}` has `max_tokens` or `temperature` and is part of a left-recursive cycle; move the \
         recursion to the right, or the attribute to a rule that refers to this one"
    )]
    AttributeInLeftRecursion {
        /// The procedure of the rule.
        procedure: String,
    },
    /// A word of a scope can end with a part that selects an element.
    #[error("the scope `{procedure}` can end with a marked element; something must follow, such as a marked close")]
    SelectionAtEnd {
        /// The procedure of the scope.
        procedure: String,
    },
    /// A limit was met.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// A pushdown automaton. Immutable; shared by all matchers of a grammar.
#[derive(Debug, Clone)]
pub struct Pda {
    pub(super) states: Table<State>,
    pub(super) byte_edges: Unchecked<ByteEdge>,
    pub(super) call_edges: Unchecked<CallEdge>,
    pub(super) token_edges: Unchecked<TokenEdge>,
    pub(super) token_sets: Vec<TokenSet>,
    /// All of them, unless they are in a file.
    pub(super) procedures: Vec<Procedure>,
    /// What there is besides, if it is in a file.
    stored: Option<Arc<Stored>>,
    /// What has been looked at, if it is in a file: a byte per block of states. No blocks of any other.
    blocks: Arc<[AtomicU8]>,
}

/// Whether they are the same, wherever their arrays are. Of one from a file all procedures are looked at.
impl PartialEq for Pda {
    fn eq(&self, other: &Self) -> bool {
        self.states == other.states
            && self.byte_edges == other.byte_edges
            && self.call_edges == other.call_edges
            && self.token_edges == other.token_edges
            && self.token_sets == other.token_sets
            && self.procedures().eq(other.procedures())
    }
}

impl Eq for Pda {}

pub(super) const ACCEPTING: u32 = 1 << 31;
/// Accepting with every count there, and without edges: all that is left to do is to return.
pub(super) const FINAL: u32 = 1 << 30;
/// Not live with every count, or with all registers of its scope.
pub(super) const GUARDED: u32 = 1 << 29;
const FLAGS: u32 = ACCEPTING | FINAL | GUARDED;

/// Consumes one byte of `low..=high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct ByteEdge {
    /// The first byte.
    pub low: u8,
    /// The last byte.
    pub high: u8,
    /// Whether the edge begins an iteration of its procedure's counter.
    pub counts: bool,
    /// Zero: every byte of an edge is written, so that equal automata are stored as equal bytes.
    pub padding: u8,
    /// The marks before the byte.
    pub marks: EdgeMarks,
    /// The state it leads to.
    pub target: StateId,
}

/// Consumes a word of another procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct CallEdge {
    /// The procedure called.
    pub procedure: ProcedureId,
    /// The marks before the call.
    pub marks: EdgeMarks,
    /// The state after the return.
    pub target: StateId,
    /// Whether the edge begins an iteration of its procedure's counter.
    pub counts: bool,
    /// Nothing is left to do after the return, so the callee may return to the caller's caller: no frame is pushed.
    pub tail: bool,
    /// Zero; see [`ByteEdge::padding`].
    pub padding: [u8; 2],
}

/// Consumes one token of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, NoUninit, CheckedBitPattern)]
#[repr(C)]
pub struct TokenEdge {
    /// Index into [`Pda::token_sets`].
    pub set: u32,
    /// The marks before the token.
    pub marks: EdgeMarks,
    /// The state it leads to.
    pub target: StateId,
    /// Whether the edge begins an iteration of its procedure's counter.
    pub counts: bool,
    /// Zero; see [`ByteEdge::padding`].
    pub padding: [u8; 3],
}

/// A procedure: a rule, a counted repetition or automaton, a scope, or the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Procedure {
    /// For messages and dumps.
    pub name: String,
    /// Its states, the start first.
    pub states: Range<u32>,
    /// Its register, if it is a counted repetition.
    pub counter: Option<Counter>,
    /// The number of tokens after which it returns as soon as it may, see [`RuleAttributes`](crate::RuleAttributes). Its
    /// frames have a register for where they began.
    pub max_tokens: Option<u32>,
    /// The temperature for sampling in it, an advice.
    pub temperature: Option<Temperature>,
    /// Its registers, if it is a scope.
    pub scope: Option<Box<Scope>>,
    /// Per state, from the start on: the counts with which it can be completed; `None` where that is any count. In a
    /// counted repetition it is, as an iteration that has begun can end and be followed by others.
    pub live: Option<LiveCounts>,
    /// The bytes its words can begin with.
    pub first_bytes: ByteSet,
    /// Whether a word of it can begin with a token terminal.
    pub first_token: bool,
    /// Greater than the rank of every procedure whose start state calls this one.
    pub rank: u32,
    /// Whether no state has two edges for one symbol.
    pub deterministic: bool,
}

impl Procedure {
    /// The state it begins in.
    #[inline]
    pub fn start(&self) -> StateId {
        StateId::from_u32(self.states.start)
    }

    /// The count after an edge of this procedure, as [`Pda::count_after`], which knows whether its target is guarded.
    #[inline]
    fn count_after(&self, count: u32, counts: bool, target: StateId, is_guarded: bool) -> Option<u32> {
        let after = match self.counter {
            Some(counter) if counts => counter.next(count)?,
            _ => count,
        };
        match &self.live {
            Some(live) if is_guarded => {
                live.contains((target.as_u32() - self.states.start) as usize, after).then_some(after)
            }
            _ => Some(after),
        }
    }

    fn memory(&self) -> usize {
        let scope = self.scope.as_ref().map_or(0, |scope| scope.memory());
        size_of::<Self>() + self.name.len() + self.live.as_ref().map_or(0, LiveCounts::memory) + scope
    }
}

impl Pda {
    /// The automaton of `grammar`, which should have been through [`passes::run`](crate::passes::run).
    ///
    /// # Errors
    /// When the language is empty, or a limit is met.
    pub fn new(grammar: &Grammar, budget: &mut Budget<'_>) -> Result<Self, LowerError> {
        assemble::assemble(lower::lower(grammar, budget)?, budget)
    }

    /// The state before anything is read.
    #[inline]
    pub fn start(&self) -> StateId {
        StateId::from_u32(0)
    }

    /// The number of states.
    #[inline]
    pub fn state_count(&self) -> usize {
        self.states.len() - 1
    }

    /// All procedures, in the order of their ids.
    #[inline]
    pub fn procedures(&self) -> impl ExactSizeIterator<Item = &Procedure> {
        let count = self.records().map_or(self.procedures.len(), <[_]>::len);
        (0..count as u32).map(|number| self.procedure(ProcedureId::from_u32(number)))
    }

    /// The procedure a state belongs to.
    #[inline]
    pub fn procedure_of(&self, state: StateId) -> ProcedureId {
        ProcedureId::from_u32(self.flags(state) & !FLAGS)
    }

    /// Whether the procedure may return here, as far as the state goes; see [`may_return`](Self::may_return).
    #[inline]
    pub fn is_accepting(&self, state: StateId) -> bool {
        self.flags(state) & ACCEPTING != 0
    }

    /// Whether returning is all that can be done in `state`, whatever comes next.
    #[inline]
    pub fn is_final(&self, state: StateId) -> bool {
        self.flags(state) & FINAL != 0
    }

    /// Whether `state` can be completed only with some counts, or with some registers of its scope: see
    /// [`Procedure::live`] and [`Scope::is_alive`].
    #[inline]
    pub fn is_guarded(&self, state: StateId) -> bool {
        self.flags(state) & GUARDED != 0
    }

    /// The scope that a state's procedure is.
    #[inline]
    pub fn scope_of(&self, state: StateId) -> Option<&Scope> {
        self.procedure(self.procedure_of(state)).scope.as_deref()
    }

    /// The counter of a state's procedure.
    #[inline]
    pub fn counter_of(&self, state: StateId) -> Option<Counter> {
        self.procedure(self.procedure_of(state)).counter
    }

    /// Whether the parts of some scope can be trapped: see [`Scope::has_traps`].
    #[inline]
    pub fn has_traps(&self) -> bool {
        match self.records() {
            Some(records) => records.iter().any(|record| record.has_traps),
            None => {
                self.procedures.iter().any(|procedure| procedure.scope.as_ref().is_some_and(|scope| scope.has_traps()))
            }
        }
    }

    /// Whether some procedure has a budget of tokens.
    #[inline]
    pub fn has_budgets(&self) -> bool {
        match self.records() {
            Some(records) => records.iter().any(|record| record.has_max_tokens),
            None => self.procedures.iter().any(|procedure| procedure.max_tokens.is_some()),
        }
    }

    /// Whether some procedure has a temperature.
    #[inline]
    pub fn has_temperatures(&self) -> bool {
        match self.records() {
            Some(records) => records.iter().any(|record| record.has_temperature),
            None => self.procedures.iter().any(|procedure| procedure.temperature.is_some()),
        }
    }

    /// The budget of tokens of a state's procedure.
    #[inline]
    pub fn max_tokens_of(&self, state: StateId) -> Option<u32> {
        self.procedure(self.procedure_of(state)).max_tokens
    }

    /// Whether some scope compares texts.
    #[inline]
    pub fn has_distinct(&self) -> bool {
        match self.records() {
            Some(records) => records.iter().any(|record| record.has_distinct),
            None => self
                .procedures
                .iter()
                .any(|procedure| procedure.scope.as_ref().is_some_and(|scope| scope.has_distinct())),
        }
    }

    /// Whether the procedure may return from `state` with this count.
    #[inline]
    pub fn may_return(&self, state: StateId, count: u32) -> bool {
        self.is_accepting(state) && self.min_reached(state, count)
    }

    /// Whether `count` has reached the least count of the state's procedure, so that no more iterations are needed.
    #[inline]
    pub fn min_reached(&self, state: StateId, count: u32) -> bool {
        self.procedure(self.procedure_of(state)).counter.is_none_or(|counter| count >= counter.min)
    }

    /// How many counts `count` is below the least count of the state's procedure.
    #[inline]
    pub fn counts_missing(&self, state: StateId, count: u32) -> u32 {
        let counter = self.procedure(self.procedure_of(state)).counter;
        counter.map_or(0, |counter| counter.min.saturating_sub(count))
    }

    /// Whether, once the least count is reached, a lower count never rules out in the procedure of `state` what a higher
    /// one allows.
    #[inline]
    pub fn counts_only_limit(&self, state: StateId) -> bool {
        let procedure = self.procedure(self.procedure_of(state));
        let min = procedure.counter.map_or(0, |counter| counter.min);
        procedure.live.as_ref().is_none_or(|live| live.are_closed_downwards(min))
    }

    /// The count in `target` after an edge of its procedure that counts, or does not; `None` when the edge cannot be taken,
    /// because there is no next count or the target could not be completed with it. (Scopes have no counts.)
    #[inline]
    pub fn count_after(&self, count: u32, counts: bool, target: StateId) -> Option<u32> {
        let entry = self.flags(target);
        if !counts && entry & GUARDED == 0 {
            return Some(count);
        }
        let procedure = self.procedure(ProcedureId::from_u32(entry & !FLAGS));
        procedure.count_after(count, counts, target, entry & GUARDED != 0)
    }

    /// How many times in a row an edge that counts can lead from `state` to itself.
    #[inline]
    pub fn counts_left(&self, state: StateId, count: u32) -> u32 {
        let procedure = self.procedure(self.procedure_of(state));
        let Some(counter) = procedure.counter else { return u32::MAX };
        let last = match &procedure.live {
            Some(live) => live.range((state.as_u32() - procedure.states.start) as usize, count).map(|range| range.1),
            None => Some(counter.greatest()),
        };
        match last {
            Some(last) if counter.max.is_none() && last == counter.greatest() => u32::MAX,
            Some(last) => last - count,
            None => 0,
        }
    }

    /// How many more counts it takes in the procedure of `state` until anything differs in what can be done.
    #[inline]
    pub fn counts_unchanged(&self, state: StateId, count: u32) -> u32 {
        let procedure = self.procedure(self.procedure_of(state));
        let change = match (&procedure.live, procedure.counter) {
            (Some(live), _) => live.next_change(count),
            (None, Some(Counter { min, .. })) if count < min => Some(min),
            (None, Some(Counter { max: Some(max), .. })) => max.checked_add(1),
            (None, _) => None,
        };
        change.map_or(u32::MAX, |change| change - count)
    }

    /// The token sets that token edges refer to.
    #[inline]
    pub fn token_sets(&self) -> &[TokenSet] {
        &self.token_sets
    }

    /// The bytes that some edge consumes: what a vocabulary has to be able to spell.
    #[inline]
    pub fn used_bytes(&self) -> ByteSet {
        let states = (0..self.state_count() as u32).map(StateId::from_u32);
        let mut used = ByteSet::EMPTY;
        states.flat_map(|state| self.byte_edges(state)).for_each(|edge| used.insert_range(edge.low, edge.high));
        used
    }

    /// Bytes of memory, without what lies in the bytes of a loaded file.
    #[inline]
    pub fn memory(&self) -> usize {
        self.states.memory()
            + self.byte_edges.memory()
            + self.call_edges.memory()
            + self.token_edges.memory()
            + self.token_sets.iter().map(|set| std::mem::size_of_val(set.ids())).sum::<usize>()
            + self.procedures.iter().map(Procedure::memory).sum::<usize>()
            + self.stored.as_ref().map_or(0, |stored| stored.memory())
            + self.blocks.len()
    }
}
